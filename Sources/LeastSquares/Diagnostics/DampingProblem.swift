internal import Foundation
internal import Torch

/// A problem in a basis of singular vectors, in which the quantities of a rule for the damping are sums.
struct DampingProblem {
  typealias Choice = (damping: Double, residualNorm: Double, degreesOfFreedom: Double?)

  private let rows: Int
  /// The largest singular value; the other singular values and δ are relative to it.
  let largest: Double
  /// Singular values, and the squared components of b along their left singular vectors.
  private let components: [(value: Double, square: Double)]
  /// The squared norm of the part of b outside the range of A.
  private let rest: Double
  /// Singular values, and the number of degrees of freedom that each represents; empty if they are not needed.
  private let degrees: [(value: Double, weight: Double)]

  /// The whole problem, by a decomposition.
  init(decomposing a: any LinearOperator, _ b: Tensor) throws {
    rows = a.rows
    let matrix = try checkedMatrix(a, like: b).to(.float64)
    let (u, s, _) = try matrix.singularValueDecomposition()
    let scale = s.elementCount > 0 ? s[0].item() : 0
    let values: [Double] = scale > 0 ? (s / scale).elements() : []
    let b = b.to(.float64)
    let coefficients = u.transposed().matmul(b)
    largest = scale
    components = zip(values, coefficients.square().elements(as: Double.self)).map { ($0, $1) }
    // A difference of squared norms would lose half the digits, and with them small norms of the noise.
    rest = pow((b - u.matmul(coefficients)).norm(), 2)
    degrees = values.map { ($0, 1) }
  }

  /// The problem projected onto the space of b, with degrees of freedom from the spaces of random signs z.
  ///
  /// With E[z·zᵀ] = I the trace is E[zᵀ·A·(AᵀA + δ²I)⁻¹·Aᵀ·z], a sum over the singular values of the bidiagonal matrix of z.
  init(_ process: GolubKahan, probes: [GolubKahan], rows: Int) throws {
    self.rows = rows
    let own = try Self.squares(process)
    let scale = own.values.first ?? 0
    largest = scale
    components = zip(own.values, own.squares).map { (scale > 0 ? $0 / scale : 0, $1) }
    rest = Self.rest(process)
    degrees = try probes.flatMap { probe in
      let (values, squares) = try Self.squares(probe)
      return zip(values, squares).map { (scale > 0 ? $0 / scale : 0, $1 / Double(probes.count)) }
    }
  }

  /// The singular values of B, and the squared components of β₁·e₁ along its left singular vectors.
  private static func squares(_ process: GolubKahan) throws -> (values: [Double], squares: [Double]) {
    guard !process.alphas.isEmpty else { return ([], []) }
    let matrix = bidiagonalMatrix(process.alphas, process.betas, process.alphas.count)
    let (u, s, _) = try matrix.singularValueDecomposition()
    return (s.elements(), (u[0] * process.start).square().elements())
  }

  /// The squared component of β₁·e₁ outside the range of B, that along y with Bᵀ·y = 0.
  ///
  /// From y₁ = 1 follows yᵢ₊₁ = −αᵢ·yᵢ/βᵢ₊₁. A difference of squares would lose half the digits.
  private static func rest(_ process: GolubKahan) -> Double {
    var (y, sum) = (1.0, 1.0)
    for (alpha, beta) in zip(process.alphas, process.betas) {
      guard beta > 0 else { return 0 }
      y *= alpha / beta
      sum += y * y
    }
    return process.start * process.start / sum
  }

  /// The norms of residuals at the smallest damping and at the largest; the latter is that of b.
  var residualRange: (least: Double, largest: Double) {
    (residualNorm(exp2(Self.range.0)), components.reduce(rest) { $0 + $1.square }.squareRoot())
  }

  /// ‖b − A·x_δ‖ at a δ relative to the largest singular value.
  private func residualNorm(_ delta: Double) -> Double {
    components.reduce(rest) { sum, component in
      let filter = Self.complement(component.value, delta)
      return sum + filter * filter * component.square
    }.squareRoot()
  }

  /// rows − Σ σ²/(σ² + δ²).
  private func remainingDegrees(_ delta: Double) -> Double {
    Double(rows) - degrees.reduce(0) { $0 + $1.weight * (1 - Self.complement($1.value, delta)) }
  }

  /// δ²/(σ² + δ²).
  private static func complement(_ value: Double, _ delta: Double) -> Double {
    let sum = value * value + delta * delta
    return sum > 0 ? delta * delta / sum : 1
  }

  /// δ by a rule; `nil` if no δ satisfies it.
  func choose(_ rule: DampingRule) -> Choice? {
    let logarithm: Double?
    switch rule {
    case .generalizedCrossValidation:
      logarithm = minimize { log in
        let delta = exp2(log)
        let remaining = remainingDegrees(delta)
        // With smaller numbers G would be 0/0 in floating point.
        guard remaining > 1e-6 * Double(rows) else { return .infinity }
        return pow(residualNorm(delta) / remaining, 2)
      }
    case .discrepancy(let noise): logarithm = root { residualNorm(exp2($0)) - noise }
    }
    guard let logarithm else { return nil }
    let relative = exp2(logarithm)
    return (
      relative * largest, residualNorm(relative), degrees.isEmpty ? nil : Double(rows) - remainingDegrees(relative)
    )
  }

  /// The range of log₂ δ, from the precision of the singular values to well above the largest.
  private static let range = (-50.0, 10.0)

  /// The minimiser over the range: the best point of a grid, refined by golden sections.
  private func minimize(_ function: (Double) -> Double) -> Double {
    let (low, high) = Self.range
    let grid = (0...240).map { low + (high - low) * Double($0) / 240 }
    let values = grid.map(function)
    let best = values.indices.min { values[$0] < values[$1] } ?? 0
    var (left, right) = (grid[max(best - 1, 0)], grid[min(best + 1, 240)])
    let section = (5.0.squareRoot() - 1) / 2
    for _ in 0..<40 {
      let (first, second) = (right - section * (right - left), left + section * (right - left))
      if function(first) <= function(second) { right = second } else { left = first }
    }
    return (left + right) / 2
  }

  /// The zero of an increasing function; `nil` if it has none.
  private func root(_ function: (Double) -> Double) -> Double? {
    var (low, high) = Self.range
    guard function(low) <= 0 else { return nil }
    // Residuals almost as large as b need more damping; from 2³⁰ on it makes no difference in double precision.
    while function(high) < 0, high < 30 { high += 10 }
    guard function(high) >= 0 else { return nil }
    for _ in 0..<100 {
      let middle = (low + high) / 2
      if function(middle) <= 0 { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
