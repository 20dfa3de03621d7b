public import Datasets
internal import Files
public import Imaging
internal import Plotting
public import ScoreMetrics
public import Torch

/// A comparison of samples with data: distances between the two sets in several feature spaces, and distances from
/// samples to the nearest examples.
public struct SampleQuality: Codable, Hashable, Sendable {
  /// The results in one feature space.
  public struct Space: Codable, Hashable, Sendable {
    /// `pixels`, `coordinates`, or `classifier`: the last hidden layer of a small classifier of these data.
    public var name: String
    /// The length of a vector of features.
    public var dimensions: Int
    /// The squared Fréchet distance (see `FrechetDistance`).
    public var frechet: Double
    /// The squared Fréchet distance between two sets of data: the value that perfect samples would have.
    public var frechetOfData: Double
    /// The squared kernel distance (see `KernelDistance`).
    public var kernel: Estimate
    /// The squared kernel distance between two sets of data.
    public var kernelOfData: Estimate
    /// The share of samples that is covered by data (see `Neighbors.precisionAndRecall`).
    ///
    /// A classifier has learned to distinguish classes, not pictures from noise; in its features noise may lie among
    /// the data.
    public var precision: Double
    /// The share of data that is covered by samples.
    public var recall: Double

    enum CodingKeys: String, CodingKey {
      case name, dimensions, precision, recall
      case frechet = "frechet-distance"
      case frechetOfData = "frechet-distance-of-data"
      case kernel = "kernel-distance"
      case kernelOfData = "kernel-distance-of-data"
    }
  }

  /// The settings with which samples were drawn; they affect the quality as much as the model does.
  public struct Sampling: Codable, Hashable, Sendable {
    /// The sampler, such as `heun`.
    public var method: String
    /// The number of its steps.
    public var steps: Int
    /// The weight of classifier-free guidance; 1 for none.
    public var guidance: Double

    /// Makes a record of how samples were drawn.
    public init(method: String, steps: Int, guidance: Double = 1) {
      self.method = method
      self.steps = steps
      self.guidance = guidance
    }
  }

  /// The number of samples.
  public var count: Int
  /// The settings with which they were drawn, if known.
  public var sampling: Sampling?
  /// The number of examples in each of the two sets of data, and of samples in the set that is compared with them.
  public var referenceCount: Int
  /// The feature spaces.
  public var spaces: [Space]
  /// The accuracy of the classifier on held-out examples; `nil` without a classifier.
  public var classifierAccuracy: Double?
  /// Whether the classifier was trained on the compared examples too, because there were too few others.
  ///
  /// The distances between the two sets of data are then too small: to the classifier, examples that it knows look more
  /// alike than new ones.
  public var classifierSawExamples: Bool?
  /// The mean distance of a sample to the nearest example.
  public var nearestDistance: Double
  /// The mean distance of an example to the nearest other example; samples that are much closer to an example are
  /// copies.
  public var nearestDistanceOfData: Double

  enum CodingKeys: String, CodingKey {
    case count, spaces, sampling
    case referenceCount = "reference-count"
    case classifierAccuracy = "classifier-accuracy"
    case classifierSawExamples = "classifier-saw-examples"
    case nearestDistance = "nearest-distance"
    case nearestDistanceOfData = "nearest-distance-of-data"
  }

  /// The largest number of features for which a covariance is formed.
  private static let longestFeatures = 4096

  /// Compares samples with data.
  ///
  /// Two sets of as many examples as there are samples are chosen at random. The samples and the second set are each
  /// compared with the first set. All three sets have the same size, because the distances depend on it; if there are
  /// too few examples, the last samples are left out. If all examples have labels, a classifier is trained on the
  /// examples that were not chosen, or on all if those are fewer than half.
  ///
  /// - Parameters:
  ///   - samples: `[n, …]`, of images with values in [−1, 1]; they are rounded to bytes, as the data are.
  ///   - dataset: the data.
  ///   - seed: the seed of the choice of examples and of the classifier.
  ///   - observe: called with the share that is done; an error that it throws ends the comparison.
  /// - Throws: `RunError` for fewer than 8 samples or 16 examples, or another shape; `DataError`.
  /// - Complexity: n·N·d operations for N examples of d elements, plus the cost of the distances.
  public init(
    of samples: Tensor, against dataset: Dataset, seed: UInt64 = 0, observe: (Double) throws -> Void = { _ in }
  ) throws {
    try Self.validate(count: samples.size(0), shape: Array(samples.shape.dropFirst()), against: dataset)
    count = samples.size(0)
    referenceCount = min(count, dataset.count / 2)
    var generator = RandomGenerator(seed: seed, purpose: .evaluation, index: 3)
    let order = generator.uniform([dataset.count], dtype: .float64).argsort()
    let drawn = dataset.isImages ? Pixels.values(of: Pixels.bytes(of: samples)) : samples.to(.float32)
    let compared = drawn[0..<referenceCount]
    let real = try dataset.batch(order[0..<referenceCount]).examples
    let others = try dataset.batch(order[referenceCount..<(2 * referenceCount)]).examples
    let plain = dataset.isImages ? "pixels" : "coordinates"
    spaces = []
    let dimensions = dataset.exampleShape.reduce(1, *)
    if dimensions <= Self.longestFeatures {
      spaces.append(try Space(plain, compared, real, others) { $0.flattened(from: 1) })
    }
    try observe(0.2)
    if dataset.classCount > 1, dataset.count >= 20 {
      let rest = dataset.count - 2 * referenceCount
      let isEnough = rest >= max(20, dataset.count / 2)
      let classifier = try FeatureClassifier.train(
        on: dataset, positions: isEnough ? order[(2 * referenceCount)..<dataset.count] : nil, seed: seed
      ) { try observe(0.2 + 0.5 * $0) }
      classifierAccuracy = classifier.heldOutAccuracy
      classifierSawExamples = !isEnough
      spaces.append(try Space("classifier", compared, real, others, classifier.features))
    }
    try observe(0.7)
    // The nearest example of an example is the example itself. All points share one pass, so that streamed data are
    // read once.
    let examples = others[0..<min(referenceCount, 1000)]
    let nearest = try Self.twoNearestDistances(.concatenate([drawn, examples]), dataset) { try observe(0.7 + 0.3 * $0) }
    nearestDistance = nearest[0..<count][.all, .at(0)].mean().item()
    nearestDistanceOfData = nearest[count..<nearest.size(0)][.all, .at(1)].mean().item()
  }

  /// Checks, before samples are drawn, that they can be compared with the data.
  ///
  /// - Throws: as `init(of:against:seed:observe:)`.
  public static func validate(count: Int, shape: [Int], against dataset: Dataset) throws(RunError) {
    guard shape == dataset.exampleShape else {
      throw RunError(.data, "samples of shape \(shape) cannot be compared with \(dataset.summary)")
    }
    guard count >= 8, dataset.count >= 16 else {
      throw RunError(
        .data, "a comparison needs 8 or more samples and 16 or more examples, not \(count) and \(dataset.count)")
    }
  }

  /// The distances of each of some points to the two nearest examples, `[points, 2]`.
  private static func twoNearestDistances(
    _ points: Tensor, _ dataset: Dataset, observe: (Double) throws -> Void
  ) throws -> Tensor {
    let rows = points.flattened(from: 1)
    var best = Tensor.full([points.size(0), 2], .infinity, dtype: .float64)
    for range in Neighbors.parts(dataset.count) {
      let examples = try dataset.batch(Tensor(Array(range))).examples.flattened(from: 1)
      let all = Tensor.concatenate([best, Neighbors.squaredDistances(rows, examples)], along: 1)
      best = all.gatheringElements(all.argsort(1).slicing(0, 2, along: 1), along: 1)
      try observe(Double(range.upperBound) / Double(dataset.count))
    }
    return best.sqrt()
  }

  /// A picture of samples in one column, and of their nearest examples beside each; it shows whether the model copies
  /// examples.
  ///
  /// - Parameters:
  ///   - samples: `[n, channels, height, width]`; the first rows are drawn.
  ///   - dataset: the data.
  ///   - rows: the number of samples.
  ///   - columns: the number of examples for each.
  /// - Throws: `DataError`, `RunError`.
  public static func nearestPicture(
    of samples: Tensor, in dataset: Dataset, rows: Int = 8, columns: Int = 7
  ) throws -> Image {
    let shown = samples[0..<min(rows, samples.size(0))]
    let points = Pixels.values(of: Pixels.bytes(of: shown)).flattened(from: 1)
    let distances = try Neighbors.parts(dataset.count).map { range in
      Neighbors.squaredDistances(points, try dataset.batch(Tensor(Array(range))).examples.flattened(from: 1))
    }
    let all = Tensor.concatenate(distances, along: 1)
    let order = all.argsort(1).slicing(0, min(columns, dataset.count), along: 1)
    let neighbors = try (0..<shown.size(0)).map { try dataset.batch(order[$0]).examples }
    return .panels([
      ("sample", try Image.picture(of: shown.to(.float32), columns: 1)),
      ("nearest examples", try Image.picture(of: .concatenate(neighbors), columns: order.size(1))),
    ])
  }
}

extension SampleQuality.Space {
  fileprivate init(
    _ name: String, _ samples: Tensor, _ real: Tensor, _ others: Tensor, _ features: (Tensor) -> Tensor
  ) throws {
    let (drawn, reference, rest) = (features(samples), features(real), features(others))
    self.name = name
    dimensions = drawn.size(1)
    frechet = try FrechetDistance.squared(drawn, reference)
    frechetOfData = try FrechetDistance.squared(rest, reference)
    kernel = KernelDistance.squared(drawn, reference)
    kernelOfData = KernelDistance.squared(rest, reference)
    (precision, recall) = Neighbors.precisionAndRecall(samples: drawn, real: reference)
  }
}
