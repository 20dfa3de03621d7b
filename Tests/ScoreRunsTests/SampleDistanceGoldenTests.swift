import Foundation
import ScoreKit
import TestSupport
import Testing

/// Distances between sets of features, against SciPy and plain loops (`Golden/make_sample_distances.py`).
///
/// `tall` has more rows than columns, `wide` fewer, so that covariances are singular.
@Suite struct SampleDistanceGoldenTests {
  private let tensors: [String: Tensor]

  init() throws {
    let folder = try #require(Bundle.module.resourceURL).appending(path: "Golden").path
    tensors = try Safetensors(contentsOf: "\(folder)/sample-distances.safetensors").tensors
  }

  private func tensor(_ name: String) throws -> Tensor { try #require(tensors[name], "\(name) is not there") }

  @Test(arguments: ["tall", "wide"])
  func frechetDistanceIsThatOfSciPy(_ name: String) throws {
    let (x, y) = (try tensor("\(name)/x"), try tensor("\(name)/y"))
    let expected = try tensor("\(name)/frechet").item()
    #expect(abs(try FrechetDistance.squared(x, y) - expected) < 1e-6 * expected)
    // It is symmetric, and the same for features that are rotated together.
    #expect(abs(try FrechetDistance.squared(y, x) - expected) < 1e-6 * expected)
    var generator = RandomGenerator(seed: 1)
    let (rotation, _, _) = try generator.normal([x.size(1), x.size(1)], dtype: .float64).singularValueDecomposition()
    #expect(abs(try FrechetDistance.squared(x.matmul(rotation), y.matmul(rotation)) - expected) < 1e-6 * expected)
  }

  @Test(arguments: ["tall", "wide"])
  func kernelDistanceIsTheMeanOverPairs(_ name: String) throws {
    let estimate = KernelDistance.squared(try tensor("\(name)/x"), try tensor("\(name)/y"))
    let expected: [Double] = try tensor("\(name)/kernel").elements()
    #expect(abs(estimate.value - expected[0]) < 1e-9 * expected[1])
    #expect(abs(estimate.standardError - expected[1]) < 1e-9 * expected[1])
  }

  @Test(arguments: ["tall", "wide"])
  func precisionAndRecallAreThoseOfATree(_ name: String) throws {
    let (precision, recall) = Neighbors.precisionAndRecall(
      samples: try tensor("\(name)/x"), real: try tensor("\(name)/y"))
    let expected: [Double] = try tensor("\(name)/precision-recall").elements()
    #expect(abs(precision - expected[0]) < 1e-12 && abs(recall - expected[1]) < 1e-12)
  }
}
