internal import Foundation
public import Samplers
public import ScoreModels
public import Testing
internal import Torch

/// Expects the errors of a sampler on the probability-flow ODE to fall with an order: p if they are proportional to N⁻ᵖ for N steps.
///
/// The data are a mixture of two normal distributions on a line, whose score is exact. Along the ODE the rank of a sample among all
/// samples stays the same, so the exact sample at each noise level is a quantile of the noisy mixture. The errors are those of 16
/// samples at the smallest noise level above 0, and the order is the slope of log error against log N by least squares. On a single
/// normal distribution the leading errors of some methods cancel; on this mixture they do not.
///
/// The samples at the end are compared with quantiles of the data, to the errors of a step without noise.
///
/// - Parameters:
///   - sampler: a sampler without noise of its own that starts from σ_max times the first draw; it has the setting `steps`.
///   - order: the order p.
///   - process: the process.
///   - steps: growing numbers of steps N + 1, the last of which goes from the smallest noise level to the data.
///   - tolerance: how much the measured order may differ.
///   - sourceLocation: where failures are reported; by default at the call.
/// - Throws: the sampler's errors.
/// - Complexity: one sampling of 16 numbers for each number of steps; less than a second for the default.
public func expectConvergence(
  of sampler: any Sampler, order: Double, process: any DiffusionProcess = EDMProcess(sigmaMin: 0.02, sigmaMax: 10),
  steps: [Int] = [49, 97, 193, 385], tolerance: Double = 0.2, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let law = Law("errors fall with order \(order)", of: sampler, at: sourceLocation)
  guard law.requires(sampler.has(.steps), "the sampler has no setting `steps`"),
    law.requires(steps.count > 1, "an order needs two numbers of steps")
  else { return }
  let problem = MixtureOnALine(process: process)
  var errors: [(way: Double, end: Double, level: Double)] = []
  for count in steps {
    var sampler = sampler
    sampler.set(.steps, to: count)
    guard let error = try problem.error(of: sampler) else {
      return law.expect(false, "no step ends at a noise level above 0")
    }
    errors.append(error)
  }
  let intervals = steps.map { Double($0 - 1) }
  let slope = -regression(of: errors.map { log($0.way) }, on: intervals.map(log))
  // Written so that NaN fails.
  law.expect(
    (slope - order).magnitude <= tolerance,
    "with \(intervals) intervals the errors are \(errors.map(\.way)), which is order \(slope)")
  if let last = errors.last {
    law.expect(last.end <= 3 * (last.way + last.level), "the samples are off by \(last.end), the way by \(last.way)")
  }
}

/// The slope of a straight line through points by least squares.
private func regression(of y: [Double], on x: [Double]) -> Double {
  let count = Double(x.count)
  let (xMean, yMean) = (x.reduce(0, +) / count, y.reduce(0, +) / count)
  let covariance = zip(x, y).reduce(0) { $0 + ($1.0 - xMean) * ($1.1 - yMean) }
  return covariance / x.reduce(0) { $0 + ($1 - xMean) * ($1 - xMean) }
}

/// Σ wᵢ·N(μᵢ, vᵢ) on a line, with the exact way of every sample along the probability-flow ODE.
private struct MixtureOnALine {
  let process: any DiffusionProcess
  private let components = [
    (weight: 0.6, mean: -1.0, variance: 0.15), (weight: 0.4, mean: 1.2, variance: 0.3),
  ]
  private let noise = (0..<16).map { -1.7 + 3.3 * Double($0) / 15 }

  init(process: any DiffusionProcess) { self.process = process }

  private var score: GaussianMixtureScore {
    GaussianMixtureScore(
      weights: components.map(\.weight), means: Tensor(components.map(\.mean), shape: [components.count, 1]),
      covariances: Tensor(components.map(\.variance)), process: process)
  }

  /// The root mean square errors at the last noise level above 0 and at the end, and that level; nil if there is none.
  func error(of sampler: any Sampler) throws -> (way: Double, end: Double, level: Double)? {
    var last: (sigma: Double, x: [Double])?
    let samples = try sampler.sample(
      from: FixedBatchScore(score, batchSize: 32), process: process, shape: [1], seeds: (0..<16).map { UInt64($0) },
      noise: Tensor(noise, shape: [1, 16, 1])
    ) { state in
      if state.sigma > 0 { last = (state.sigma, (state.x / process.scale(state.time)).elements()) }
    }
    guard let last else { return nil }
    let start = sampler.value(of: .sigmaMax, as: Double.self) ?? process.samplingSigmaRange.upperBound
    let ranks = noise.map { distribution($0 * start, start) }
    return (distance(last.x, ranks, last.sigma), distance(samples.elements(), ranks, 0), last.sigma)
  }

  private func distance(_ x: [Double], _ ranks: [Double], _ sigma: Double) -> Double {
    let squares = zip(x, ranks).map { x, rank in (x - quantile(rank, sigma)) * (x - quantile(rank, sigma)) }
    return (squares.reduce(0, +) / Double(x.count)).squareRoot()
  }

  /// The part of the mixture with noise σ that lies below x.
  private func distribution(_ x: Double, _ sigma: Double) -> Double {
    components.reduce(0) { sum, component in
      let deviation = (component.variance + sigma * sigma).squareRoot()
      return sum + component.weight * 0.5 * erfc((component.mean - x) / (deviation * 2.0.squareRoot()))
    }
  }

  /// The inverse of `distribution`, by bisection.
  private func quantile(_ rank: Double, _ sigma: Double) -> Double {
    var (low, high) = (-10 - 10 * sigma, 10 + 10 * sigma)
    for _ in 0..<100 {
      let middle = 0.5 * (low + high)
      if distribution(middle, sigma) < rank { low = middle } else { high = middle }
    }
    return 0.5 * (low + high)
  }
}
