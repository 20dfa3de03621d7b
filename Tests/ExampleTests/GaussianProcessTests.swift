import Foundation
import LeastSquares
import TestSupport
import Testing
import Torch

@testable import gaussian_process

@Suite struct GaussianProcessTests {
  /// Forty months and predictions of six.
  private func process() throws -> (GaussianProcess, points: Tensor, values: Tensor) {
    let data = try AtmosphericCO2()
    func features(_ months: Range<Int>) -> Tensor { Features.matrix(at: months.map { data.times[$0] }) }
    func values(_ months: Range<Int>) -> Tensor { Tensor(months.map { data.concentrations[$0] - 330 }) }
    return (
      GaussianProcess(features: features(200..<240), values: values(200..<240)), features(240..<246), values(240..<246)
    )
  }

  /// The moments by conditioning a normal distribution with the covariance matrix.
  private func denseMoments(_ process: GaussianProcess, _ points: Tensor, _ logarithms: Tensor) throws -> (
    Tensor, Tensor
  ) {
    let scales = Features.scales(logarithms)
    let (a, c) = (process.features * scales, points * scales)
    let noise = Features.noise(logarithms).square()
    let count = process.values.elementCount
    let factor = try (a.matmul(a.transposed()) + Tensor.identity(count, dtype: .float64) * noise).choleskyFactor()
    let cross = factor.solvingLowerTriangular(a.matmul(c.transposed()))
    let half = factor.solvingLowerTriangular(process.values.expandingDimension(at: 1))
    return (cross.transposed().matmul(half).flattened(), c.square().sum(1) - cross.square().sum(0) + noise)
  }

  @Test func predictionsMatchTheCovarianceMatrix() throws {
    let (process, points, _) = try process()
    let prediction = try process.predict(points, Features.initial, solver: LSMR(tolerance: 1e-12))
    let (mean, variance) = try denseMoments(process, points, Features.initial)
    expectClose(prediction.mean, mean, rtol: 1e-6, atol: 1e-6)
    expectClose(prediction.variance, variance, rtol: 1e-6, atol: 1e-6)
  }

  @Test func gradientMatchesTheCovarianceMatrix() throws {
    let (process, points, values) = try process()
    let variable = Features.initial.variable()
    let prediction = try process.predict(points, variable, solver: LSMR(tolerance: 1e-12))
    let mine = negativeLogDensity(of: values - prediction.mean, prediction.variance)
    let (mean, variance) = try denseMoments(process, points, variable)
    let theirs = negativeLogDensity(of: values - mean, variance)
    expectClose(mine, theirs, rtol: 1e-6, atol: 1e-6)
    expectClose(
      mine.gradient(withRespectTo: variable), theirs.gradient(withRespectTo: variable), rtol: 1e-6, atol: 1e-6)
  }

  @Test func gradientOfThePredictiveDensityMatchesDifferences() throws {
    let (process, points, values) = try process()
    expectGradient(
      of: { inputs in
        let prediction = try process.predict(points, inputs[0], solver: DenseSolver())
        return negativeLogDensity(of: values - prediction.mean, prediction.variance)
      }, at: [Features.initial])
  }

  @Test func marginalLikelihoodIsThatOfANormalDistribution() throws {
    let (process, _, _) = try process()
    let one = GaussianProcess(features: process.features[0..<1], values: process.values[0..<1])
    let variance =
      ((one.features * Features.scales(Features.initial)).square().sum() + Features.noise(Features.initial).square())
      .item()
    let y = one.values.item()
    expectClose(
      try one.negativeLogMarginalLikelihood(Features.initial).item(),
      0.5 * (y * y / variance + Foundation.log(2 * Double.pi * variance)), rtol: 1e-10)
  }

  @Test func featuresHaveTheSquaredExponentialKernel() {
    // Without trend, season and fast deviations: exp(−d²/2ℓ²) with ℓ = 10, far from the ends of the interval.
    let logarithms = Tensor([1e-9, 1, 10, 1e-9, 1, 1e-9, 1e-9, 1e-9, 10, 1]).log()
    let a = Features.matrix(at: [1975, 1978, 1985]) * Features.scales(logarithms)
    let expected = Tensor([3.0, 10].map { Foundation.exp(-$0 * $0 / 200) })
    expectClose(a.matmul(a.transposed())[0, .from(1)], expected, rtol: 1e-4, atol: 1e-4)
  }
}
