public import ScoreModels
public import Testing
public import Torch

/// A value that a parametrised test shows by its name.
public struct Named<Value: Sendable>: CustomTestStringConvertible, Sendable {
  public let name: String
  public let value: Value

  public init(_ name: String, _ value: Value) {
    self.name = name
    self.value = value
  }

  public var testDescription: String { name }
}

/// A process with a scale and a noise level of its own and nothing else: everything derived.
public struct CustomProcess: DiffusionProcess {
  public init() {}

  public func scale(_ t: Tensor) -> Tensor { (t * 0.7 + 1).reciprocal() }
  public func sigma(_ t: Tensor) -> Tensor { (t * 3).exp() * t }
  public var timeRange: ClosedRange<Double> { 1e-3...1.2 }
}

public let processes: [Named<any DiffusionProcess>] = [
  Named("EDM", EDMProcess()), Named("VE", VarianceExploding()), Named("VP", VariancePreserving()),
  Named("sub-VP", SubVariancePreserving()), Named("custom", CustomProcess()),
]

/// Three components in the plane, two of them elongated, of mean near 0 and variance near 1.
public func mixture(under process: any DiffusionProcess) -> GaussianMixtureScore {
  GaussianMixtureScore(
    weights: [0.5, 0.3, 0.2], means: Tensor([1.0, 0.3, -1.0, 0.7, -0.6, -1.2], shape: [3, 2]),
    covariances: Tensor([0.15, 0.08, 0.08, 0.2, 0.3, -0.1, -0.1, 0.1, 0.05, 0, 0, 0.05], shape: [3, 2, 2]),
    process: process)
}

/// One normal distribution in the plane with axes along the coordinates.
public enum Normal {
  public static var mean: Tensor { Tensor([0.5, -0.8]) }
  public static var variances: Tensor { Tensor([1.3, 0.2]) }

  public static func score(under process: any DiffusionProcess) -> GaussianMixtureScore {
    GaussianMixtureScore(
      weights: [1], means: mean.reshaped(1, 2), covariances: variances.reshaped(1, 2), process: process)
  }
}

/// Expects points `[count, d]` to have a mean and a covariance within 4 standard errors.
///
/// The entry Cᵢⱼ is estimated by the mean of (xᵢ − mᵢ)(xⱼ − mⱼ) with the true m, which has no bias; its standard error,
/// and that of the mean, is the deviation of what is averaged over √count, so that of Cᵢⱼ comes from fourth moments.
public func expectMoments(
  _ x: Tensor, mean: Tensor, covariance: Tensor, _ comment: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let d = x.size(1)
  func check(_ values: Tensor, _ expected: Double, _ name: String) {
    let error = values.mean().item() - expected
    let standardError = (values.variance(0).item() / Double(values.size(0))).squareRoot()
    if !(error.magnitude <= 4 * standardError) {
      Issue.record(
        "\(comment) \(name) is off by \(error), \(error / standardError) standard errors",
        sourceLocation: sourceLocation)
    }
  }
  for i in 0..<d {
    check(x[.all, .at(i)], mean[i].item(), "mean \(i)")
    for j in 0...i {
      let products = (x[.all, .at(i)] - mean[i]) * (x[.all, .at(j)] - mean[j])
      check(products, covariance[.at(i), .at(j)].item(), "covariance \(i), \(j)")
    }
  }
}
