public import ScoreTraining
public import Testing
internal import Torch

/// Expects data to keep the laws of training data.
///
/// - There is at least one example, and a batch has an example of one shape for each position, in `float32` and finite.
/// - An example depends on its position alone: neither on the other positions of the batch, nor on earlier batches, nor on what was
///   prefetched.
/// - Either every batch has labels, one `int64` of at least 0 for each example, or none has.
///
/// - Parameters:
///   - data: the data; streamed data are read from their files.
///   - sourceLocation: where failures are reported; by default at the call.
/// - Throws: the data's errors.
/// - Complexity: 8 batches of at most 5 examples.
public func expectTrainingDataLaws(
  of data: any TrainingData, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  func law(_ sentence: String) -> Law { Law(sentence, of: data, at: sourceLocation) }
  let count = data.count
  guard law("there are examples").requires(count > 0, "there are \(count)") else { return }
  let positions = [0, count / 2, count - 1, 0, count / 3]
  let all = try data.batch(at: Tensor(positions))
  let shape = Array(all.examples.shape.dropFirst())
  let shapes = law("a batch has an example for each position")
  guard
    shapes.requires(
      all.examples.shape == [5] + shape && !shape.isEmpty, "5 positions give the shape \(all.examples.shape)")
  else { return }
  shapes.expect(all.examples.dtype == .float32, "examples are \(all.examples.dtype) instead of float32")
  shapes.expect(all.examples.allFinite, "examples are not finite")
  if let labels = all.labels {
    law("labels are whole numbers from 0").expect(
      labels.shape == [5] && labels.dtype == .int64 && labels.elements(as: Int.self).allSatisfy { $0 >= 0 },
      "labels of 5 examples are \(labels.dtype)\(labels.shape), or below 0")
  }
  let alone = law("an example depends on its position alone")
  func expectSame(_ places: [Int], _ detail: String) throws {
    let batch = try data.batch(at: Tensor(places.map { positions[$0] }))
    alone.expectIdentical(batch.examples, all.examples.gathering(places), detail)
    switch (batch.labels, all.labels) {
    case (nil, nil): break
    case (let some?, let labels?): alone.expectIdentical(some, labels.gathering(places), "labels \(detail)")
    default: alone.expect(false, "only some batches have labels")
    }
  }
  try expectSame([0, 1, 2, 3, 4], "a second time")
  for place in [0, 2] { try expectSame([place], "position \(positions[place]) alone") }
  try expectSame([4, 3, 2, 1, 0], "backwards")
  data.prefetch(at: Tensor(positions))
  try expectSame([0, 1, 2, 3, 4], "after it was prefetched")
  data.prefetch(at: Tensor([count - 1]))
  try expectSame([1, 0], "after another batch was prefetched")
}
