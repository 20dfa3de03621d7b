import LeastSquares
import TestSupport
import Testing
import Torch

/// What solutions say about singular values.
@Suite struct SpectrumTests {
  /// A matrix of the singular values, one column or row for each.
  private func matrix(_ values: [Double], rows: Int, columns: Int) -> Tensor {
    var generator = RandomGenerator(seed: 9)
    let u = Problem.orthonormal(rows, values.count, using: &generator)
    let v = Problem.orthonormal(columns, values.count, using: &generator)
    return (u * Tensor(values)).matmul(v.transposed())
  }

  private func expectValues(
    _ actual: [Double], _ expected: [Double], rtol: Double, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectClose(Tensor(actual), Tensor(expected), rtol: rtol, atol: 0, sourceLocation: sourceLocation)
  }

  @Test(arguments: [(14, 8), (8, 14), (8, 8)])
  func singularValuesAreTheMatrixs(_ shape: (Int, Int)) throws {
    let values = [5.0, 4, 3.5, 2, 1.5, 1, 0.5, 0.25]
    let a = MatrixOperator(matrix(values, rows: shape.0, columns: shape.1))
    let b = Problem(rows: shape.0, columns: 1, rank: 1).rightHandSide()
    var solver = LSMR(tolerance: 0)
    solver.reorthogonalization = 20
    for (solver, damping) in [(solver, 0.0), (solver, 0.5), (LSMR(tolerance: 1e-14), 0), (DenseSolver(), 0.5)]
      as [(any LeastSquaresSolver, Double)]
    {
      // Without damping, which the spectrum leaves out.
      let spectrum = try solver.solve(a, b, damping: damping).spectrum
      expectValues(spectrum.singularValues, values, rtol: 1e-7)
      #expect(spectrum.rank == 8 && spectrum.fullRank == 8)
      expectClose(spectrum.condition, 20, rtol: 1e-7, atol: 0)
      #expect(spectrum.exactRank == (solver is DenseSolver ? 8 : nil))
    }
  }

  /// Converged values come again as copies, and copies on their way come as ghosts; neither is a singular value.
  @Test(arguments: [DType.float64, .float32])
  func ghostsAreLeftOut(_ dtype: DType) throws {
    let values = [1000.0, 300, 100] + (0..<12).map { Double.pow(10, -Double($0) / 8) }
    let a = MatrixOperator(matrix(values, rows: 30, columns: 15).to(dtype))
    let b = Problem(rows: 30, columns: 1, rank: 1).rightHandSide().to(dtype)
    let solution = try LSMR(tolerance: 0).solve(a, b)
    let spectrum = solution.spectrum
    let found = spectrum.singularValues
    // Of many more iterations than there are singular values, each of these is found once.
    #expect(solution.iterations > (dtype == .float64 ? 30 : 20))
    if dtype == .float64 {
      expectValues(found, values, rtol: 1e-6)
      expectClose(spectrum.condition, values[0] / values[14], rtol: 1e-6, atol: 0)
    }
    expectValues(Array(found.prefix(3)), Array(values.prefix(3)), rtol: 1e-5)
    #expect(spectrum.rank == found.count && found.count <= 15)
  }

  @Test func multipleSingularValuesAreFoundOnce() throws {
    let a = MatrixOperator(matrix([3, 3, 3, 2, 1, 1], rows: 9, columns: 6))
    let b = Problem(rows: 9, columns: 1, rank: 1).rightHandSide()
    let iterated = try LSMR(tolerance: 1e-14).solve(a, b).spectrum
    expectValues(iterated.singularValues, [3, 2, 1], rtol: 1e-7)
    #expect(iterated.rank == 3 && iterated.exactRank == nil && iterated.fullRank == 6)
    let direct = try DenseSolver().solve(a, b).spectrum
    expectValues(direct.singularValues, [3, 3, 3, 2, 1, 1], rtol: 1e-12)
    #expect(direct.rank == 6)
  }

  @Test func rankOfDeficientMatricesIsFound() throws {
    for problem in [(9, 6), (6, 9), (8, 8)].map({ Problem(rows: $0, columns: $1, rank: 4) }) {
      let (a, b) = (MatrixOperator(problem.matrix()), problem.rightHandSide())
      let direct = try DenseSolver().solve(a, b)
      #expect(direct.spectrum.rank == 4 && direct.spectrum.exactRank == 4)
      let iterated = try LSMR(tolerance: 1e-14).solve(a, b)
      #expect(iterated.spectrum.rank == 4)
      expectClose(iterated.spectrum.condition, 4, rtol: 1e-6, atol: 0)
      expectClose(direct.spectrum.condition, 4, rtol: 1e-10, atol: 0)
      // The estimate of the recurrences is of the range that b reaches, too.
      #expect((1...4.5).contains(iterated.condition))
    }
  }

  @Test func estimatesAreThoseOfTheDampedSystem() throws {
    let problem = Problem(rows: 14, columns: 8, rank: 8)
    let (a, b) = (MatrixOperator(problem.matrix(condition: 100)), problem.rightHandSide())
    for damping in [0, 0.1, 10] {
      let truth = ((1 + damping * damping) / (1e-4 + damping * damping)).squareRoot()
      let direct = try DenseSolver().solve(a, b, damping: damping)
      expectClose(direct.condition, truth, rtol: 1e-8, atol: 0)
      let iterated = try LSMR(tolerance: 1e-14).solve(a, b, damping: damping)
      #expect(
        (truth / 10...truth * 1.01).contains(iterated.condition), "\(damping): \(iterated.condition), not \(truth)")
    }
    // From below, as long as the vectors are orthogonal.
    let frobenius = a.matrix.norm()
    var norms: [Double] = []
    for limit in 1...8 {
      let solver = LSMR(atol: 0, btol: 0, conditionLimit: 0, iterationLimit: limit, reorthogonalization: 8)
      norms.append(try solver.solve(a, b).operatorNorm)
    }
    #expect(norms == norms.sorted() && norms[7] <= frobenius * (1 + 1e-12))
    expectClose(norms[7], frobenius, rtol: 1e-10, atol: 0)
    expectClose(try DenseSolver().solve(a, b).operatorNorm, frobenius, rtol: 1e-12, atol: 0)
  }
}
