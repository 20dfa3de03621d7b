import LeastSquares
import ScoreTraining
import TestSupport
import Testing
import Torch

/// An optimizer whose update is known beforehand.
struct GivenUpdate: Optimizer {
  var learningRate = 1.0
  let update: [Tensor]
  let preconditioner: [Tensor]?
  var state: [String: Tensor] { [:] }

  init(_ update: Tensor..., preconditioner: [Tensor]? = nil) {
    self.update = update
    self.preconditioner = preconditioner
  }

  func updates(for gradients: [Tensor], at parameters: [Tensor]) -> [Tensor] { update }
  func restore(_ state: [String: Tensor], for parameters: [Tensor]) {}
}

/// A point, an update, a metric and an affine constraint of any shape and rank: what projections are tested on.
struct ProjectionProblem {
  let matrix: Tensor
  let target: Tensor
  let point: Tensor
  let update: Tensor
  let metric: Tensor

  init(rows: Int, columns: Int, rank: Int, dtype: DType = .float64, seed: UInt64 = 3) {
    var generator = RandomGenerator(seed: seed)
    let (left, right) = (
      generator.normal([rows, rank], dtype: .float64), generator.normal([rank, columns], dtype: .float64)
    )
    matrix = (left.matmul(right) / Double(rank)).to(dtype)
    point = generator.normal([columns], dtype: dtype)
    target = generator.normal([rows], dtype: dtype)
    update = generator.normal([columns], dtype: dtype)
    metric = (generator.normal([columns], dtype: dtype) * 1.5).exp()
  }

  var constraint: AffineConstraint { AffineConstraint(matrix, equals: target) }
  var violation: Tensor { matrix.matmul(point) - target }

  func projected(
    _ metric: NullSpaceProjected<GivenUpdate>.Metric = .preconditioner, rate: Double = 0.5,
    solver: any LeastSquaresSolver = LSMR(tolerance: 1e-13), constraint: (any Constraint)? = nil
  ) throws -> (update: Tensor, report: ProjectionReport?) {
    var optimizer = NullSpaceProjected(
      GivenUpdate(update, preconditioner: [self.metric]), constraint: constraint ?? self.constraint, metric: metric,
      solver: solver, schedule: .init(correctionRate: rate))
    return (try optimizer.updates(for: [update], at: [point])[0], optimizer.projectionReport)
  }

  /// M, with M⁻¹ = P⁻¹/s + 10⁻⁴ and s the root mean square of P⁻¹.
  func bounded(_ metric: NullSpaceProjected<GivenUpdate>.Metric) -> Tensor {
    guard metric == .preconditioner else { return .ones(like: self.metric) }
    let inverse = 1 / self.metric
    return 1 / (inverse / inverse.square().mean().sqrt() + 1e-4)
  }

  /// Δθ − M^½·(A·M^½)⁺·(A·Δθ + γ·c), by a decomposition.
  func reference(_ metric: NullSpaceProjected<GivenUpdate>.Metric, rate: Double) throws -> Tensor {
    let root = bounded(metric).sqrt()
    let (u, s, v) = try (matrix * root).singularValueDecomposition()
    let values: [Double] = s.elements()
    let inverse = Tensor(values.map { $0 > 1e-10 * values[0] ? 1 / $0 : 0 }).to(matrix.dtype)
    let target = matrix.matmul(update) + violation * rate
    return update - root * v.transposed().matmul(inverse * u.transposed().matmul(target))
  }
}
