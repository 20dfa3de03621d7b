internal import Foundation
public import Torch

/// How to choose the damping of an ill-posed problem from the data.
public enum DampingRule: Sendable, Equatable {
  /// Minimises G(δ) = ‖b − A·x_δ‖²/(m − Σ σᵢ²/(σᵢ² + δ²))², an estimate of the error of predicting a left-out element of b.
  ///
  /// For noise that is independent and of equal variance in all elements of b, whose size need not be known.
  /// G. H. Golub, M. Heath & G. Wahba (1979), *Generalized cross-validation as a method for choosing a good ridge parameter*.
  case generalizedCrossValidation

  /// Makes ‖b − A·x_δ‖ equal to the norm of the noise in b, which must be known.
  ///
  /// V. A. Morozov (1966), *On the solution of functional equations by the method of regularization*.
  case discrepancy(noiseNorm: Double)
}

/// A damping that was chosen from the data.
public struct DampingChoice: Sendable, Equatable {
  /// δ.
  public let damping: Double
  /// ‖b − A·x_δ‖ on the projected problem.
  public let residualNorm: Double
  /// Σ σᵢ²/(σᵢ² + δ²): about how many components of x the data determine.
  public let degreesOfFreedom: Double
  /// The number of products with A, and with Aᵀ.
  public let steps: Int
  /// Whether δ had settled, or the whole problem been seen, before the limit of steps.
  public let isSettled: Bool
}

/// Chooses the damping δ of min ‖A·x − b‖² + δ²·‖x‖² from the data.
///
/// The rule is applied to the problem projected onto the Krylov space of Golub & Kahan's bidiagonalisation, whose few singular
/// values stand for those of A (D. P. O'Leary & J. A. Simmons 1981, *A bidiagonalization-regularization procedure for large scale
/// discretizations of ill-posed problems*), until δ changes no more. That suits operators whose singular values decay; where
/// many of similar size remain outside of the space, generalized cross-validation counts too few degrees of freedom and
/// `isSettled` may be true too early: raise `stepLimit` to min(m, n), where the result is that of the whole problem.
///
/// ```swift
/// let choice = try chooseDamping(a, b, by: .generalizedCrossValidation)
/// let x = try leastSquares(a, b, damping: choice.damping).x
/// ```
///
/// - Parameters:
///   - a: the operator.
///   - b: the right-hand side `[a.rows]`, `float32` or `float64`.
///   - rule: what to go by.
///   - stepLimit: the largest dimension of the space.
/// - Throws: `LeastSquaresError` if b is 0 or not finite, or if no δ has the discrepancy asked for.
/// - Complexity: a product with A and one with Aᵀ in each step, memory for as many vectors of `a.columns`.
public func chooseDamping(
  _ a: any LinearOperator, _ b: Tensor, by rule: DampingRule, stepLimit: Int = 100
) throws -> DampingChoice {
  try checkProblem(a, b, damping: 0, from: nil)
  guard stepLimit > 0 else { throw LeastSquaresError("choosing a damping takes at least one step, not \(stepLimit)") }
  return try withoutGradients {
    var process = try GolubKahan(a, from: b.detached())
    guard !process.isExhausted else {
      throw LeastSquaresError(
        "no damping can be chosen: the right-hand side is 0 or orthogonal to the operator's range")
    }
    if case .discrepancy(let noise) = rule {
      guard noise > 0, noise < process.start else {
        throw LeastSquaresError(
          "the norm of the noise must be positive and below that of the right-hand side, \(process.start), not \(noise)"
        )
      }
    }
    let limit = min(stepLimit, min(a.rows, a.columns))
    var (choice, settled): (ProjectedProblem.Choice?, Int) = (nil, 0)
    while !process.isExhausted, process.alphas.count < limit, settled < 3 {
      try process.step()
      let problem = try ProjectedProblem(process, rows: a.rows)
      let next = problem.choose(rule)
      if let next, let choice, (next.damping / choice.damping - 1).magnitude < 1e-3 {
        settled += 1
      } else {
        settled = 0
      }
      choice = next
    }
    guard let choice else {
      throw LeastSquaresError(
        "after \(process.alphas.count) steps the residual without damping is still above the norm of the noise; raise the "
          + "limit of steps, or the noise is larger than assumed")
    }
    return DampingChoice(
      damping: choice.damping, residualNorm: choice.residualNorm, degreesOfFreedom: choice.degreesOfFreedom,
      steps: process.alphas.count,
      isSettled: settled >= 3 || process.isExhausted || process.alphas.count == min(a.rows, a.columns))
  }
}

/// min ‖B·y − β₁·e₁‖² + δ²·‖y‖² in the basis of B's singular vectors, where everything is a sum.
private struct ProjectedProblem {
  typealias Choice = (damping: Double, residualNorm: Double, degreesOfFreedom: Double)

  private let rows: Int
  /// The singular values relative to the largest.
  private let values: [Double]
  private let largest: Double
  /// The components of β₁·e₁ along the left singular vectors.
  private let components: [Double]
  /// The squared norm of the rest of it, which no y reaches.
  private let rest: Double

  init(_ process: GolubKahan, rows: Int) throws {
    self.rows = rows
    let count = process.alphas.count
    let (u, s, _) = try bidiagonalMatrix(process.alphas, process.betas, count).singularValueDecomposition()
    let singularValues: [Double] = s.elements()
    let scale = singularValues.first ?? 0
    largest = scale
    values = singularValues.map { scale > 0 ? $0 / scale : 0 }
    let start = process.start
    components = u[0].elements().map { $0 * start }
    rest = max(0, start * start - components.reduce(0) { $0 + $1 * $1 })
  }

  /// ‖β₁·e₁ − B·y‖ and Σ σ²/(σ² + δ²) at a δ relative to the largest singular value.
  private func evaluate(_ delta: Double) -> (residualNorm: Double, degreesOfFreedom: Double) {
    var (squared, degrees) = (rest, 0.0)
    for (value, component) in zip(values, components) {
      let sum = value * value + delta * delta
      let filter = sum > 0 ? delta * delta / sum : 1
      squared += filter * filter * component * component
      degrees += 1 - filter
    }
    return (squared.squareRoot(), degrees)
  }

  func choose(_ rule: DampingRule) -> Choice? {
    let logarithm: Double?
    switch rule {
    case .generalizedCrossValidation:
      logarithm = minimize { log in
        let (residual, degrees) = evaluate(exp2(log))
        let ratio = residual / (Double(rows) - degrees)
        return ratio * ratio
      }
    case .discrepancy(let noise): logarithm = root { evaluate(exp2($0)).residualNorm - noise }
    }
    guard let logarithm else { return nil }
    let relative = exp2(logarithm)
    let (residual, degrees) = evaluate(relative)
    return (relative * largest, residual, degrees)
  }

  /// log₂ δ from the precision of the values to well above the largest.
  private static let range = (-50.0, 10.0)

  /// The minimiser over the range: the best of a grid, refined by golden sections.
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

  /// The zero of a rising function; nil if it is positive everywhere.
  private func root(_ function: (Double) -> Double) -> Double? {
    var (low, high) = Self.range
    guard function(low) <= 0 else { return nil }
    for _ in 0..<100 {
      let middle = (low + high) / 2
      if function(middle) <= 0 { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
