import Foundation
import ScoreKit
import TestSupport
import Testing

@Suite struct SampleQualityTests {
  private func normal(_ shape: [Int], seed: UInt64) -> Tensor {
    var generator = RandomGenerator(seed: seed)
    return generator.normal(shape, dtype: .float64)
  }

  /// Rows with exactly the given mean and covariance A·Aᵀ.
  private func rows(_ count: Int, mean: Tensor, factor: Tensor, seed: UInt64) throws -> Tensor {
    let z = normal([count, mean.elementCount], seed: seed)
    let centered = z - z.mean(0)
    let covariance = centered.transposed().matmul(centered) / Double(count - 1)
    // White rows: L⁻¹ of their own covariance.
    let white = try covariance.choleskyFactor().solvingLowerTriangular(centered.transposed())
    return factor.matmul(white).transposed() + mean
  }

  @Test func frechetDistanceOfKnownMomentsIsKnown() throws {
    let (a, b) = (Tensor([[2.0, 0], [0, 0.5]]).to(.float64), Tensor([[1.0, 0], [0, 3]]).to(.float64))
    let x = try rows(50, mean: Tensor([1.0, 2]).to(.float64), factor: a, seed: 1)
    let y = try rows(70, mean: Tensor([0.0, 4]).to(.float64), factor: b, seed: 2)
    // 1 + 4, and (2 − 1)² + (0.5 − 3)² for covariances that commute.
    #expect(abs(try FrechetDistance.squared(x, y) - (5 + 1 + 6.25)) < 1e-9)
    #expect(abs(try FrechetDistance.squared(x, x)) < 1e-9)
    // Covariances that do not commute: tr (Σ₁Σ₂)^½ = √(tr Σ₁Σ₂ + 2√det Σ₁Σ₂) in the plane.
    let c = Tensor([[1.0, 0], [0.8, 0.7]]).to(.float64)
    let z = try rows(60, mean: Tensor([0.0, 0]).to(.float64), factor: c, seed: 3)
    let (first, second) = (a.matmul(a.transposed()), c.matmul(c.transposed()))
    let product = first.matmul(second).diagonal().sum().item()
    let root = (product + 2 * (2.0 * 0.5 * 0.7)).squareRoot()
    let expected = 5 + first.diagonal().sum().item() + second.diagonal().sum().item() - 2 * root
    #expect(abs(try FrechetDistance.squared(x, z) - expected) < 1e-6)
  }

  @Test func frechetDistanceTakesFewerRowsThanColumns() throws {
    let x = normal([5, 12], seed: 4)
    #expect(abs(try FrechetDistance.squared(x, x)) < 1e-6)
    #expect(abs(try FrechetDistance.squared(x, x + 1) - 12) < 1e-6)
  }

  @Test func kernelDistanceIsUnbiased() throws {
    let values = (0..<30).map { seed in
      KernelDistance.squared(normal([60, 3], seed: 2 * seed), normal([50, 3], seed: 2 * seed + 1)).value
    }
    let mean = Estimate(meanOf: values)
    #expect(abs(mean.value) < 4 * mean.standardError)
    let moved = KernelDistance.squared(normal([200, 3], seed: 1), normal([200, 3], seed: 2) + 1)
    #expect(moved.value > 3 * moved.standardError)
  }

  @Test func kernelDistanceOfTwoBlocksIsTheFormula() {
    // Two blocks of two rows in one dimension: k(x, y) = (xy + 1)³.
    let x = Tensor([[0.0], [1], [2], [1]]).to(.float64)
    let y = Tensor([[1.0], [2], [0], [3]]).to(.float64)
    func block(_ a: [Double], _ b: [Double]) -> Double {
      func k(_ u: Double, _ v: Double) -> Double { (u * v + 1) * (u * v + 1) * (u * v + 1) }
      let cross = (k(a[0], b[0]) + k(a[0], b[1]) + k(a[1], b[0]) + k(a[1], b[1])) / 4
      return k(a[0], a[1]) + k(b[0], b[1]) - 2 * cross
    }
    let expected = (block([0, 1], [1, 2]) + block([2, 1], [0, 3])) / 2
    #expect(abs(KernelDistance.squared(x, y).value - expected) < 1e-9)
  }

  @Test func precisionAndRecallOfSetsApartAndWithin() {
    let real = normal([80, 2], seed: 1)
    #expect(Neighbors.precisionAndRecall(samples: real, real: real) == (1, 1))
    #expect(Neighbors.precisionAndRecall(samples: real + 100, real: real) == (0, 0))
    // Samples of one small part: precise, and they recall little.
    let part = normal([80, 2], seed: 2) * 0.05
    let (precision, recall) = Neighbors.precisionAndRecall(samples: part, real: real)
    #expect(precision == 1 && recall < 0.2)
  }

  @Test func copiesAreFound() throws {
    let digits = try Dataset.digits()
    let some = try Dataset(name: "some", examples: digits.examples[0..<200])
    let quality = try SampleQuality(of: Pixels.values(of: some.examples[10..<30]), against: some)
    #expect(quality.nearestDistance < 1e-6 && quality.nearestDistanceOfData > 1)
    #expect(quality.spaces.map(\.name) == ["pixels"] && quality.spaces[0].dimensions == 64)
    #expect(quality.spaces[0].precision > 0.5 && quality.classifierAccuracy == nil)
    let picture = try SampleQuality.nearestPicture(of: Pixels.values(of: some.examples[10..<12]), in: some, columns: 3)
    // Each row begins with the sample twice: itself, and, in another grid, its copy.
    let whole = try Image.picture(of: Pixels.values(of: some.examples[10..<11]))
    let (cell, margin) = (whole.width - 2, 10)
    #expect(picture.width == 2 * margin + whole.width + margin + 3 * cell + 2)
    #expect(picture.height > 2 * margin + 2 * cell + 2 + 12, "captions")
    let row = picture.height - margin - 2 - cell / 2
    func pixel(_ x: Int) -> UInt8 { picture.pixels[(row * picture.width + margin + 2 + x) * 3] }
    #expect((0..<cell).allSatisfy { pixel($0) == pixel($0 + whole.width + margin) })
    #expect(Set((0..<cell).map(pixel)).count > 1)
  }

  @Test func noiseIsWorseThanData() throws {
    let digits = try Dataset.digits()
    let some = try Dataset(name: "some", examples: digits.examples[0..<400], labels: digits.labels?[0..<400])
    let quality = try SampleQuality(of: normal([60, 1, 8, 8], seed: 1), against: some)
    #expect(quality.spaces.map(\.name) == ["pixels", "classifier"])
    for space in quality.spaces {
      #expect(space.frechet > 3 * space.frechetOfData)
      #expect(space.kernel.value > space.kernelOfData.value + 3 * space.kernelOfData.standardError)
    }
    // In pixels only: a classifier's features do not tell noise from digits so surely.
    #expect(quality.spaces[0].precision < 0.2)
    #expect(quality.nearestDistance > 1.5 * quality.nearestDistanceOfData)
    let accuracy = try #require(quality.classifierAccuracy)
    #expect(accuracy > 0.8)
    // The same seed gives the same numbers.
    #expect(try SampleQuality(of: normal([60, 1, 8, 8], seed: 1), against: some) == quality)
  }

  @Test func setsAreOfOneSizeAndTheClassifierIsIndependentWhereDataSuffice() throws {
    let digits = try Dataset.digits()
    let some = try Dataset(name: "some", examples: digits.examples[0..<100], labels: digits.labels?[0..<100])
    let samples = normal([70, 1, 8, 8], seed: 5)
    let quality = try SampleQuality(of: samples, against: some)
    #expect(quality.count == 70 && quality.referenceCount == 50 && quality.classifierSawExamples == true)
    // Only the first 50 are compared as sets.
    #expect(quality.spaces == (try SampleQuality(of: samples[0..<50], against: some)).spaces)
    let few = try SampleQuality(of: samples[0..<20], against: some)
    #expect(few.referenceCount == 20 && few.classifierSawExamples == false)
  }

  @Test func aClassifierSeesTheGivenExamplesOnly() throws {
    let digits = try Dataset.digits()
    let labels = try #require(digits.labels)
    // The labels of the others are wrong: whoever saw them would learn nothing.
    let positions = Tensor(Array(0..<300))
    let shown = try Dataset(name: "shown", examples: digits.examples[0..<300], labels: labels[0..<300])
    let mixed = try Dataset(
      name: "mixed", examples: digits.examples,
      labels: .concatenate([labels[0..<300], .zeros([digits.count - 300], dtype: labels.dtype)]))
    let classifier = try FeatureClassifier.train(on: mixed, positions: positions, steps: 20)
    let expected = try FeatureClassifier.train(on: shown, steps: 20)
    let x = try digits.batch(positions).examples
    expectClose(classifier.features(of: x), expected.features(of: x), rtol: 0, atol: 0)
  }

  @Test func tooFewAreRefused() throws {
    let digits = try Dataset.digits()
    #expect(throws: RunError.self) { try SampleQuality(of: .zeros([7, 1, 8, 8]), against: digits) }
    #expect(throws: RunError.self) { try SampleQuality(of: .zeros([9, 1, 9, 8]), against: digits) }
    #expect(throws: RunError.self) {
      try FeatureClassifier.train(on: try Dataset(name: "a", examples: digits.examples))
    }
  }

  @Test func pointsAreClassifiedToo() throws {
    let classifier = try FeatureClassifier.train(on: try DatasetSource("eight-gaussians").load(), steps: 60)
    #expect(classifier.heldOutAccuracy > 0.95)
  }
}
