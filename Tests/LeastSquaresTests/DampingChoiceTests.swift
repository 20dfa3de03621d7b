import Foundation
import LeastSquares
import TestSupport
import Testing
import Torch

@Suite struct DampingChoiceTests {
  /// A matrix with singular values 10^(−i/4) and a smooth x, so that noise of 1e-3 hides most of them.
  private func illPosed(noise: Double = 1e-3) -> (a: Tensor, x: Tensor, b: Tensor, noiseNorm: Double) {
    var generator = RandomGenerator(seed: 5)
    let u = Problem.orthonormal(60, 40, using: &generator)
    let v = Problem.orthonormal(40, 40, using: &generator)
    let s = Tensor((0..<40).map { Foundation.pow(10, -Double($0) / 4) })
    let x = v.matmul(Tensor((0..<40).map { Foundation.pow(0.8, Double($0)) }))
    let a = (u * s).matmul(v.transposed())
    let e = generator.normal([60], dtype: .float64) * noise
    return (a, x, a.matmul(x) + e, e.norm())
  }

  /// G(δ) of the whole problem, from A's own decomposition.
  private func crossValidation(_ a: Tensor, _ b: Tensor, _ delta: Double) throws -> Double {
    let x = try DenseSolver().solve(MatrixOperator(a), b, damping: delta)
    let (_, s, _) = try a.singularValueDecomposition()
    let degrees = (s.square() / (s.square() + delta * delta)).sum().item()
    return Foundation.pow(x.residual.norm() / (Double(a.size(0)) - degrees), 2)
  }

  @Test func crossValidationIsMinimisedOnTheWholeProblem() throws {
    let (a, _, b, _) = illPosed()
    let choice = try chooseDamping(MatrixOperator(a), b, by: .generalizedCrossValidation)
    let best = try crossValidation(a, b, choice.damping)
    for factor in [0.5, 0.8, 0.95, 1.05, 1.25, 2] {
      let other = try crossValidation(a, b, choice.damping * factor)
      #expect(other > best * (1 - 1e-6), "δ·\(factor): \(other) instead of at least \(best)")
    }
    #expect(choice.steps == 0 && choice.isSettled)
  }

  /// An operator that looks cheap, so that it is not decomposed: a few large singular values and many small ones alike, which a
  /// Krylov space sees as one.
  @Test(arguments: [1, 2, 3]) func crossValidationCountsClustersOfSingularValues(_ seed: UInt64) throws {
    var generator = RandomGenerator(seed: seed)
    let (rows, columns) = (230, 250)
    let u = Problem.orthonormal(rows, rows, using: &generator)
    let v = Problem.orthonormal(columns, rows, using: &generator)
    let s = Tensor(
      (0..<rows).map { (index: Int) -> Double in
        index < 20 ? Foundation.pow(0.8, Double(index)) : 2e-3 - 1e-6 * Double(index)
      })
    let a = (u * s).matmul(v.transposed())
    let x = v.matmul(Tensor((0..<rows).map { Foundation.pow(0.8, Double($0)) }))
    let b = a.matmul(x) + generator.normal([rows], dtype: .float64) * 3e-3
    let cheap = FunctionOperator(
      rows: rows, columns: columns, parameters: [a], productCost: 1,
      adjoint: { y, parameters in parameters[0].transposed().matmul(y) }
    ) { x, parameters in parameters[0].matmul(x) }
    let choice = try chooseDamping(cheap, b, by: .generalizedCrossValidation)
    #expect(choice.steps > 10 && choice.steps <= 100)
    let grid = try (-60...4).map { try crossValidation(a, b, Foundation.pow(10, Double($0) / 10)) }
    let (best, chosen) = (grid.min() ?? .nan, try crossValidation(a, b, choice.damping))
    #expect(chosen < 1.02 * best, "G = \(chosen) at \(choice), where the smallest is \(best)")
  }

  @Test func crossValidationIsNearTheBestDamping() throws {
    let (a, x, b, _) = illPosed()
    func error(_ delta: Double) throws -> Double {
      (try leastSquares(MatrixOperator(a), b, damping: delta, solver: DenseSolver()).x - x).norm()
    }
    let choice = try chooseDamping(MatrixOperator(a), b, by: .generalizedCrossValidation)
    let best = try (-60...0).map { try error(Foundation.pow(10, Double($0) / 10)) }.min() ?? .nan
    let chosen = try error(choice.damping)
    #expect(chosen < 2 * best, "an error of \(chosen), where the best damping gives \(best)")
    #expect(chosen < 0.1 * (try error(1e-9)))
  }

  @Test func discrepancyIsTheNoise() throws {
    let (a, _, b, noise) = illPosed()
    let choice = try chooseDamping(MatrixOperator(a), b, by: .discrepancy(noiseNorm: noise))
    expectClose(choice.residualNorm, noise, rtol: 1e-6, atol: 0)
    let solution = try LSMR(tolerance: 1e-13).solve(MatrixOperator(a), b, damping: choice.damping)
    expectClose(solution.residual.norm(), noise, rtol: 1e-3, atol: 0)
  }

  @Test func choiceScalesWithTheOperator() throws {
    let (a, _, b, _) = illPosed()
    let reference = try chooseDamping(MatrixOperator(a), b, by: .generalizedCrossValidation)
    let scaled = try chooseDamping(MatrixOperator(a * 1e6), b * 1e-8, by: .generalizedCrossValidation)
    expectClose(scaled.damping, reference.damping * 1e6, rtol: 1e-5, atol: 0)
    expectClose(scaled.degreesOfFreedom ?? .nan, reference.degreesOfFreedom ?? 0, rtol: 1e-5)
  }

  @Test func impossibleDiscrepanciesAreErrors() throws {
    let (a, _, b, _) = illPosed()
    for noise in [0, -1, b.norm() * 2, .nan, 1e-9] {
      #expect(throws: LeastSquaresError.self) {
        try chooseDamping(MatrixOperator(a), b, by: .discrepancy(noiseNorm: noise))
      }
    }
    #expect(throws: LeastSquaresError.self) {
      try chooseDamping(MatrixOperator(a), Tensor.zeros(like: b), by: .generalizedCrossValidation)
    }
  }

  @Test func spectrumIsEstimatedFromProducts() throws {
    var generator = RandomGenerator(seed: 2)
    let u = Problem.orthonormal(50, 6, using: &generator)
    let v = Problem.orthonormal(30, 6, using: &generator)
    let values = [9.0, 5, 2, 0.5, 1e-2, 1e-4]
    let a = (u * Tensor(values)).matmul(v.transposed())
    let spectrum = try Spectrum.estimate(of: MatrixOperator(a), like: a)
    #expect(spectrum.rank == 6 && spectrum.fullRank == 30 && spectrum.exactRank == nil)
    expectClose(Tensor(spectrum.singularValues), Tensor(values), rtol: 1e-6, atol: 1e-12)
    expectClose(spectrum.condition, 9e4, rtol: 1e-6)
    #expect(try DenseSolver().solve(MatrixOperator(a), u[.all, 0]).spectrum.exactRank == 6)
  }
}
