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

  /// Square and consistent, so that every residual norm below ‖b‖ can be had.
  private func consistent(_ dtype: DType) -> (a: Tensor, b: Tensor) {
    var generator = RandomGenerator(seed: 6)
    let u = Problem.orthonormal(30, 30, using: &generator)
    let a = (u * Tensor((0..<30).map { 1 - Double($0) / 40 })).matmul(u.transposed())
    return (a.to(dtype), generator.normal([30], dtype: .float64).to(dtype))
  }

  /// The problem among many rows and columns of zeros, so that products look cheaper than a decomposition.
  private func sparse(_ a: Tensor, _ b: Tensor) -> (a: any LinearOperator, b: Tensor) {
    let (rows, columns, zeros) = (a.size(0), a.size(1), Tensor.zeros([200], dtype: a.dtype))
    let wide = FunctionOperator(
      rows: rows + 200, columns: columns + 200, parameters: [a], productCost: 1,
      adjoint: { y, parameters in .concatenate([parameters[0].transposed().matmul(y[0..<rows]), zeros]) }
    ) { x, parameters in .concatenate([parameters[0].matmul(x[0..<columns]), zeros]) }
    return (wide, .concatenate([b, zeros]))
  }

  @Test(arguments: [1e-11, 1e-9, 1e-5, 1e-4, 0.5, 1 - 1e-6, 1 - 1e-9])
  func everyAttainableNoiseIsAttained(_ part: Double) throws {
    for dtype in [DType.float64, .float32] where dtype == .float64 || (1e-5...0.9).contains(part) {
      let (a, b) = consistent(dtype)
      let noise = part * b.norm()
      for (problem, isDirect) in [((MatrixOperator(a), b), true), (sparse(a, b), false)]
        as [((a: any LinearOperator, b: Tensor), Bool)]
      {
        let choice = try chooseDamping(problem.a, problem.b, by: .discrepancy(noiseNorm: noise))
        #expect((choice.steps == 0) == isDirect && choice.warnings.isEmpty)
        expectClose(choice.residualNorm, noise, rtol: 1e-7, atol: 0, "\(dtype), direct: \(isDirect)")
        guard dtype == .float64 else { continue }
        let residual = try DenseSolver().solve(MatrixOperator(a), b, damping: choice.damping).residual.norm()
        // Where the residual is almost b, only the difference tells them apart.
        let rtol = isDirect ? 1e-4 : 1e-2
        if part < 0.9 { expectClose(residual, noise, rtol: rtol, atol: 0) }
        expectClose(b.norm() - residual, b.norm() - noise, rtol: rtol, atol: 1e-12)
      }
    }
  }

  @Test func unattainableNoiseIsToldItsRange() throws {
    let (a, _, b, _) = illPosed()
    let least = try leastSquares(MatrixOperator(a), b, damping: 1e-12, solver: DenseSolver()).residual.norm()
    let (wide, padded) = sparse(a, b)
    for (a, b, steps) in [(MatrixOperator(a), b, 100), (wide, padded, 100), (wide, padded, 3)]
      as [(any LinearOperator, Tensor, Int)]
    {
      let error = #expect(throws: LeastSquaresError.self) {
        try chooseDamping(a, b, by: .discrepancy(noiseNorm: least / 2), stepLimit: steps)
      }
      let text = try #require(error?.description)
      let numbers = text.split(separator: " ").compactMap { Double($0.replacing(",", with: "")) }
      if steps == 100 { expectClose(numbers[0], least, rtol: 1e-3, atol: 0, text) } else { #expect(numbers[0] > least) }
      expectClose(numbers[1], b.norm(), rtol: 1e-12, atol: 0, text)
      #expect(text.contains("after 3 steps") == (steps == 3), "\(text)")
      // The range that is told is one that can be had.
      let choice = try chooseDamping(a, b, by: .discrepancy(noiseNorm: numbers[0] * 1.01), stepLimit: steps)
      expectClose(choice.residualNorm, numbers[0] * 1.01, rtol: 1e-6, atol: 0)
    }
  }

  @Test func aChoiceThatHasNotSettledWarns() throws {
    let (matrix, _, vector, _) = illPosed()
    let (a, b) = sparse(matrix, vector)
    let settled = try chooseDamping(a, b, by: .generalizedCrossValidation)
    #expect(settled.isSettled && settled.warnings.isEmpty)
    let choice = try chooseDamping(a, b, by: .generalizedCrossValidation, stepLimit: 4)
    #expect(!choice.isSettled && choice.warnings == [.dampingNotSettled(steps: 4)])
    #expect(choice.warnings.first?.description.contains("after 4 steps; raise the limit") == true)
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
