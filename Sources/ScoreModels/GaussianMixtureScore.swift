internal import Files
import Foundation
public import Torch

/// The exact score of data from a mixture of normal distributions, p₀ = Σₖ wₖ·N(μₖ, Cₖ), made noisy by a process.
///
/// xₜ/s has the density Σₖ wₖ·N(μₖ, Cₖ + σ²I). It is evaluated in the basis of the eigenvectors of each Cₖ, where noise
/// turns each variance λ into λ + σ². The responsibilities of the components are a softmax of logarithms. The
/// computation is in `float64`, except on a device without it; the result has x's element type. The model has no
/// parameters; it is the reference in tests of samplers and estimators.
///
/// A condition `[batch]` of integers names the component that each example comes from.
public struct GaussianMixtureScore: ScoreModel {
  /// The process that makes the data noisy.
  public let process: any DiffusionProcess
  /// The weights of the components, of sum 1.
  public let weights: [Double]
  /// The number d of elements in an example.
  public let dimension: Int
  private let means: [[Double]]
  private let components: [SymmetricEigenvalues]
  /// Qₖ for all k side by side, `[d, components·d]`.
  private let axes: Tensor
  /// Qₖᵀμₖ and λₖ, `[components, d]`.
  private let centers: Tensor
  private let variances: Tensor

  /// Makes a mixture.
  ///
  /// - Parameters:
  ///   - weights: the components' probabilities, up to a factor.
  ///   - means: μₖ, `[components, d]`.
  ///   - covariances: Cₖ: `[components, d, d]`, or `[components, d]` for variances along the coordinates, or `[components]`
  ///     for one variance in all directions.
  ///   - process: the process that makes the data noisy.
  /// - Precondition: the shapes fit, weights are positive, covariances symmetric and positive semidefinite.
  public init(weights: [Double], means: Tensor, covariances: Tensor, process: any DiffusionProcess) {
    let count = weights.count
    demand(
      count > 0 && weights.allSatisfy { $0 > 0 && $0.isFinite }, "a mixture has positive weights, unlike \(weights)")
    demand(
      means.rank == 2 && means.size(0) == count, "means of \(count) components do not have shape \(means.shape)")
    let d = means.size(1)
    let full = Self.full(covariances.to(.float64).to(.cpu), count: count, dimension: d)
    let total = weights.reduce(0, +)
    self.process = process
    self.weights = weights.map { $0 / total }
    dimension = d
    let means = means.to(.float64).to(.cpu)
    self.means = (0..<count).map { means[$0].elements() }
    components = (0..<count).map { SymmetricEigenvalues(of: full[$0].elements(), size: d) }
    for (k, component) in components.enumerated() {
      let largest = component.values.max() ?? 0
      demand(
        component.values.allSatisfy { $0 >= -1e-12 * largest }, "covariance \(k) is not positive semidefinite")
    }
    let vectors = components.map { Tensor($0.vectors, shape: [d, d]) }
    axes = .concatenate(vectors, along: 1)
    centers = .stack((0..<count).map { vectors[$0].transposed().matmul(means[$0]) })
    variances = Tensor(components.flatMap { $0.values.map { max($0, 0) } }, shape: [count, d])
  }

  private static func full(_ covariances: Tensor, count: Int, dimension d: Int) -> Tensor {
    demand(
      [[count], [count, d], [count, d, d]].contains(covariances.shape),
      "covariances of \(count) components in \(d) dimensions do not have shape \(covariances.shape)")
    if covariances.rank == 3 {
      let asymmetry = (covariances - covariances.transposed()).abs().max().item()
      demand(asymmetry <= 1e-12 * covariances.abs().max().item(), "a covariance is not symmetric")
      return covariances
    }
    return covariances.reshaped(count, -1, 1) * Tensor.identity(d, dtype: .float64)
  }

  /// The mean of the mixture, `[d]` in `float64`.
  public var mean: Tensor {
    zip(weights, means).map { $0 * Tensor($1) }.reduce(.zeros([dimension], dtype: .float64), +)
  }

  /// The covariance of the mixture, `[d, d]` in `float64`: Σₖ wₖ·(Cₖ + (μₖ − μ)(μₖ − μ)ᵀ).
  public var covariance: Tensor {
    let mean = mean
    var sum = Tensor.zeros([dimension, dimension], dtype: .float64)
    for (k, component) in components.enumerated() {
      let offset = Tensor(means[k]) - mean
      let vectors = Tensor(component.vectors, shape: [dimension, dimension])
      let within = (vectors * Tensor(component.values)).matmul(vectors.transposed())
      sum += weights[k] * (within + offset.expandingDimension(at: 1) * offset)
    }
    return sum
  }

  /// The exact score.
  public func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let terms = Terms(self, x, t, condition)
    // ∇ log Σₖ: −(x − μₖ)/(λₖ + σ²) of each component, weighted by its responsibility, rotated back and divided by s.
    let pulls = terms.logarithms.softmax(dimension: 1).expandingDimension(at: 2) * terms.offsets / terms.variances
    let score = -pulls.flattened(from: 1).matmul(axes.to(pulls.dtype).to(pulls.device).transposed())
    return (score / terms.scale).reshaped(x.shape).to(x.dtype)
  }

  /// log pₜ(x) for each example, `[batch]`.
  ///
  /// - Parameter condition: the component of each example, integers `[batch]`; `nil` for the whole mixture.
  public func logDensity(_ x: Tensor, at t: Tensor, condition: Tensor? = nil) -> Tensor {
    let terms = Terms(self, x, t, condition)
    let constant = 0.5 * Double(dimension) * log(2 * Double.pi)
    let volume = terms.scale.squeezed(1).log() * Double(dimension) + constant
    return (terms.logarithms.logSumExp(1) - volume).to(x.dtype)
  }

  /// Independent examples of the data x₀, `[count, d]` in `float64`.
  public func draw(_ count: Int, using generator: inout RandomGenerator) -> Tensor {
    let choices: [Double] = generator.uniform([count], dtype: .float64).elements()
    let noise = generator.normal([count, dimension], dtype: .float64)
    var bounds: [Double] = []
    for weight in weights { bounds.append((bounds.last ?? 0) + weight) }
    let indices = choices.map { u in bounds.firstIndex { u < $0 } ?? weights.count - 1 }
    let deviations = variances.sqrt().gathering(indices)
    let rotated = (noise * deviations + centers.gathering(indices)).expandingDimension(at: 1)
    let vectors = Tensor.stack(axes.chunked(weights.count, along: 1)).gathering(indices)
    return (vectors * rotated).sum(2)
  }

  /// For each example and component: the offset from the mean and the variances, both in the basis of the eigenvectors,
  /// and log(weight·density) up to the scale and a constant.
  private struct Terms {
    let offsets: Tensor
    let variances: Tensor
    let logarithms: Tensor
    let scale: Tensor

    init(_ mixture: GaussianMixtureScore, _ x: Tensor, _ t: Tensor, _ condition: Tensor?) {
      let (d, count) = (mixture.dimension, mixture.weights.count)
      demand(
        x.rank > 1 && x.elementCount == x.size(0) * d, "a mixture in \(d) dimensions has no score at shape \(x.shape)")
      let dtype = x.device == .mps ? x.dtype : .float64
      func constant(_ tensor: Tensor) -> Tensor { tensor.to(dtype).to(x.device) }
      scale = mixture.process.scale(t.to(dtype)).reshaped(-1, 1)
      let y = x.to(dtype).flattened(from: 1) / scale
      let variance = mixture.process.sigma(t.to(dtype)).square().reshaped(-1, 1, 1)
      offsets = y.matmul(constant(mixture.axes)).reshaped(-1, count, d) - constant(mixture.centers)
      variances = constant(mixture.variances) + variance
      var logWeights = constant(Tensor(mixture.weights.map { log($0) })).reshaped(1, count)
      if let condition {
        let isOther = condition.to(x.device).reshaped(-1, 1) .!= Tensor(Array(0..<count)).to(x.device)
        logWeights = Tensor.zeros([x.size(0), count], dtype: dtype, device: x.device)
          .replacing(where: isOther, with: .full(like: logWeights, -.infinity))
      }
      logarithms = logWeights - 0.5 * (offsets.square() / variances + variances.log()).sum(2)
    }
  }
}

/// The eigenvalues and eigenvectors of a small symmetric matrix, by Jacobi's rotations.
///
/// Golub & Van Loan (2013), *Matrix computations*, section 8.5.
struct SymmetricEigenvalues {
  /// λ, in no particular order.
  private(set) var values: [Double]
  /// Q in row-major order; column j belongs to `values[j]`.
  private(set) var vectors: [Double]

  init(of matrix: [Double], size n: Int) {
    var a = matrix
    vectors = (0..<n * n).map { $0 % (n + 1) == 0 ? 1 : 0 }
    let scale = matrix.map(\.magnitude).max() ?? 0
    for _ in 0..<100 {
      var offDiagonal = 0.0
      for p in 0..<n {
        for q in (p + 1)..<max(n, p + 1) {
          let element = a[p * n + q]
          offDiagonal = max(offDiagonal, element.magnitude)
          if element.magnitude <= 1e-300 { continue }
          // The rotation by the smaller of the two angles that make the element 0.
          let theta = (a[q * n + q] - a[p * n + p]) / (2 * element)
          let tangent = (theta < 0 ? -1 : 1) / (theta.magnitude + (1 + theta * theta).squareRoot())
          let cosine = 1 / (1 + tangent * tangent).squareRoot()
          let sine = tangent * cosine
          for k in 0..<n {
            Self.rotate(&a, k * n + p, k * n + q, cosine, sine)
            Self.rotate(&vectors, k * n + p, k * n + q, cosine, sine)
          }
          for k in 0..<n { Self.rotate(&a, p * n + k, q * n + k, cosine, sine) }
        }
      }
      if offDiagonal <= 1e-17 * scale { break }
    }
    values = (0..<n).map { a[$0 * n + $0] }
  }

  private static func rotate(_ a: inout [Double], _ i: Int, _ j: Int, _ cosine: Double, _ sine: Double) {
    (a[i], a[j]) = (cosine * a[i] - sine * a[j], sine * a[i] + cosine * a[j])
  }
}
