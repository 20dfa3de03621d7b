internal import Files
public import Datasets
import Foundation
internal import ScoreMetrics
internal import ScoreModels
internal import ScoreTraining
public import Torch

/// A small classifier of labelled data; its last hidden layer gives features for comparing samples with data.
///
/// Images pass through three convolutions that halve their sides, points through two layers. The classifier knows only
/// the data on which it was trained; distances in its features are no Inception distances.
public struct FeatureClassifier {
  /// The network: features, then logits.
  private let network: ClassifierNetwork
  /// The factor of the features that makes their mean square over held-out examples 1.
  private let scale: Double
  /// The number of classes.
  public let classCount: Int
  /// The accuracy, from 0 to 1, on up to 2,000 held-out examples, on which the classifier was not trained.
  public let heldOutAccuracy: Double
  /// The length of a vector of features.
  public static let featureCount = 64

  /// Trains a classifier by cross-entropy.
  ///
  /// Images are moved by up to 1 pixel in 14. The same data and seed give the same classifier, at one number of threads.
  ///
  /// - Parameters:
  ///   - dataset: the data.
  ///   - positions: the examples for training and for the held-out accuracy; by default all.
  ///   - steps: the number of steps of 128 examples; by default as many as make 10 epochs, between 300 and 1,500.
  ///   - seed: the seed of the initial weights, the choice of held-out examples, and the order and the shifts of
  ///     examples.
  ///   - observe: called with the share that is done; an error that it throws ends the training.
  /// - Throws: `RunError` for data without labels or with fewer than 20 examples, `DataError`.
  public static func train(
    on dataset: Dataset, positions: Tensor? = nil, steps: Int? = nil, seed: UInt64 = 0,
    observe: (Double) throws -> Void = { _ in }
  ) throws -> FeatureClassifier {
    guard let labels = dataset.labels, dataset.classCount > 1 else {
      throw RunError(
        .data, "a classifier needs examples of 2 or more classes, and \(dataset.name) has \(dataset.classCount)")
    }
    let count = positions?.size(0) ?? dataset.count
    guard count >= 20 else {
      throw RunError(.data, "a classifier needs 20 or more examples, and \(dataset.name) has \(count)")
    }
    var generator = RandomGenerator(seed: seed, purpose: .initialization, index: 7)
    let network = ClassifierNetwork(dataset.exampleShape, classCount: dataset.classCount, using: &generator)
    let shuffled = generator.uniform([count], dtype: .float64).argsort()
    let order = positions?.gathering(shuffled) ?? shuffled
    let held = min(2000, count / 7)
    let total = steps ?? max(300, min(1500, (count - held) * 10 / 128))
    let schedule = LearningRateSchedule(peak: 3e-3, warmupSteps: total / 20, decay: .cosine, steps: total)
    let side = dataset.isImages ? min(dataset.exampleShape[1], dataset.exampleShape[2]) : 0
    let augmentation = Augmentation(shift: side / 14)
    let parameters = network.parameters()
    var adam = Adam()
    for step in 1...max(1, total) {
      let chosen = order.gathering(generator.integers(below: count - held, [128]) + Double(held))
      let x = augmentation(try dataset.batch(chosen).examples, using: &generator)
      let target = labels.gathering(chosen).expandingDimension(at: 1)
      let likelihood = network.logits(of: network.features(of: x)).logSoftmax(dimension: 1).gatheringElements(
        target, along: 1)
      let gradient = try gradients(of: -likelihood.mean(), withRespectTo: parameters.map(\.value))
      adam.learningRate = schedule.rate(at: step)
      withoutGradients {
        let values = parameters.map { $0.value.detached() }
        for (parameter, update) in zip(parameters, adam.updates(for: gradient, at: values)) {
          parameter.value = parameter.value.detached() + update
        }
      }
      try observe(Double(step) / Double(total))
    }
    let kept = order[0..<held]
    var (right, squares) = (0, 0.0)
    for range in Neighbors.parts(held) {
      let features = network.evaluated(at: try dataset.batch(kept[range]).examples)
      squares += features.to(.float64).square().sum().item()
      let guesses = network.classes(of: features)
      right += zip(guesses, labels.gathering(kept[range]).elements(as: Int.self)).count { $0 == $1 }
    }
    return FeatureClassifier(
      network: network, scale: (Double(held * featureCount) / max(squares, .leastNormalMagnitude)).squareRoot(),
      classCount: dataset.classCount, heldOutAccuracy: Double(right) / Double(held))
  }

  private init(network: ClassifierNetwork, scale: Double, classCount: Int, heldOutAccuracy: Double) {
    self.network = network
    self.scale = scale
    self.classCount = classCount
    self.heldOutAccuracy = heldOutAccuracy
  }

  /// The features of examples `[n, …]`, pictures in [−1, 1]: `[n, 64]`, with a mean square of about 1.
  public func features(of x: Tensor) -> Tensor { network.evaluated(at: x) * scale }

  /// The most likely class of each example.
  public func classes(of x: Tensor) -> [Int] { network.classes(of: network.evaluated(at: x)) }
}

/// Convolutions that halve the sides, or linear layers for points; then features, then logits.
private struct ClassifierNetwork: Module {
  let convolutions: [Conv2d]
  let norms: [GroupNorm]
  let hidden: Linear
  let features: Linear
  let output: Linear

  init(_ shape: [Int], classCount: Int, using generator: inout RandomGenerator) {
    var (convolutions, norms): ([Conv2d], [GroupNorm]) = ([], [])
    var inputs = shape.reduce(1, *)
    if shape.count == 3 {
      var (channels, height, width) = (shape[0], shape[1], shape[2])
      for outputs in [16, 32, 64] {
        convolutions.append(Conv2d(channels, outputs, kernel: 3, stride: 2, using: &generator))
        norms.append(GroupNorm(outputs, groups: 4))
        (channels, height, width) = (outputs, (height + 1) / 2, (width + 1) / 2)
      }
      // Feature maps of large images are interpolated down to 4 × 4.
      inputs = channels * min(height, 4) * min(width, 4)
    }
    self.convolutions = convolutions
    self.norms = norms
    hidden = Linear(inputs, 128, using: &generator)
    features = Linear(128, FeatureClassifier.featureCount, using: &generator)
    output = Linear(FeatureClassifier.featureCount, classCount, using: &generator)
  }

  func features(of x: Tensor) -> Tensor {
    var x = x
    for (convolution, norm) in zip(convolutions, norms) { x = norm(convolution(x)).silu() }
    if x.rank == 4, x.size(2) > 4 || x.size(3) > 4 {
      x = x.interpolated(height: min(x.size(2), 4), width: min(x.size(3), 4), .bilinear)
    }
    return features(hidden(x.flattened(from: 1)).silu()).silu()
  }

  func logits(of features: Tensor) -> Tensor { output(features) }

  /// The features, in parts and not recorded.
  func evaluated(at x: Tensor) -> Tensor {
    withoutGradients {
      .concatenate(Neighbors.parts(x.size(0)).map { features(of: x[$0].to(.cpu).to(.float32)) })
    }
  }

  /// The most likely class by features.
  func classes(of features: Tensor) -> [Int] {
    withoutGradients { logits(of: features).argmax(1).elements(as: Int.self) }
  }
}
