internal import Files
public import Datasets
internal import Torch

extension Dataset {
  /// Splits the data at random into views without labels; streamed data stay streamed.
  ///
  /// 15 % of the examples, at most 1024, are held out to evaluate what is learned from the others.
  ///
  /// - Throws: `RunError` for fewer than 7 examples.
  public func holdingOut(seed: UInt64) throws(RunError) -> (training: Dataset, heldOut: Dataset) {
    let held = min(count * 15 / 100, 1024)
    guard held > 0 else {
      throw RunError(.data, "\(name) has \(count) examples, too few to hold some out; take at least 7")
    }
    var generator = RandomGenerator(seed: seed, purpose: .data, index: 1)
    let order = generator.uniform([count], dtype: .float64).argsort()
    return (unlabeledPart(order[held..<count]), unlabeledPart(order[0..<held]))
  }
}
