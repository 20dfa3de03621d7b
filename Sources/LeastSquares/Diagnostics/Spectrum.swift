internal import Torch

/// What a solver knows about the singular values of an operator A, without damping.
///
/// A direct solver knows them all. LSMR sees them through Golub & Kahan's bidiagonal matrix B of its iterations, whose singular
/// values approach those of A that the right-hand side excites, each distinct one once; they are computed when asked for.
public struct Spectrum {
  enum Source {
    case decomposition([Double])
    /// The diagonal and the subdiagonal of B, of equal length.
    case bidiagonal(alphas: [Double], betas: [Double])
  }

  let source: Source
  /// min(rows, columns).
  public let fullRank: Int
  /// max(rows, columns)·ε: relative to the largest, smaller singular values cannot be told from 0.
  public let relativeTolerance: Double

  /// The singular values found, in descending order.
  ///
  /// From iterations, copies that rounding errors make of converged values are left out by the test of Cullum & Willoughby
  /// (1985), *Lanczos algorithms for large symmetric eigenvalue computations*; the smallest ones may not have converged.
  /// - Complexity: O(k³) for k iterations, the first 500 of them at most.
  public var singularValues: [Double] {
    switch source {
    case .decomposition(let values): values
    case .bidiagonal(let alphas, let betas): bidiagonalSingularValues(alphas, betas, tolerance: relativeTolerance)
    }
  }

  /// The number of singular values found that are not 0 in floating-point numbers.
  ///
  /// The numerical rank after a direct solve; after iterations a lower bound of it, since a Krylov space sees a multiple
  /// singular value once and none that b does not excite.
  public var rank: Int {
    let values = singularValues
    guard let largest = values.first else { return 0 }
    return values.count { $0 > relativeTolerance * largest }
  }

  /// The numerical rank if it is known for sure, which is after a direct solve.
  public var exactRank: Int? {
    if case .decomposition = source { return rank }
    return nil
  }

  /// The largest over the smallest singular value that is not 0 in floating-point numbers; 1 without any.
  public var condition: Double { condition(damping: 0) }

  /// The condition number of (A; δI) on the singular values found.
  func condition(damping: Double) -> Double {
    let values = singularValues
    guard let largest = values.first, let smallest = values.last(where: { $0 > relativeTolerance * largest }) else {
      return 1
    }
    return hypotenuse(largest, damping) / hypotenuse(smallest, damping)
  }
}

/// The genuine singular values of a lower bidiagonal matrix that Golub–Kahan iterations built in floating-point numbers.
private func bidiagonalSingularValues(_ alphas: [Double], _ betas: [Double], tolerance: Double) -> [Double] {
  let count = min(alphas.count, 500)
  guard count > 0 else { return [] }
  let values = singularValues(of: bidiagonalMatrix(alphas, betas, count))
  guard let largest = values.first, largest > 0 else { return [] }
  // Values that agree to half the digits are one value and its copies. Of the others, those that stay when the first column is
  // struck out belong to the rounding errors: a genuine one has a part in the starting vector.
  let reduced = count > 1 ? singularValues(of: bidiagonalMatrix(alphas, betas, count)[.all, .from(1)]) : []
  let distance = max(1e-10, tolerance) * largest
  var genuine: [Double] = []
  var index = 0
  while index < values.count {
    var end = index + 1
    while end < values.count, values[end - 1] - values[end] <= distance { end += 1 }
    let isMultiple = end - index > 1
    if isMultiple || !reduced.contains(where: { ($0 - values[index]).magnitude <= distance * 1e-2 }) {
      genuine.append(values[index])
    }
    index = end
  }
  return genuine
}

/// The (k + 1)×k lower bidiagonal matrix with α on the diagonal and β, from the second on, below.
func bidiagonalMatrix(_ alphas: [Double], _ betas: [Double], _ count: Int) -> Tensor {
  var elements = [Double](repeating: 0, count: (count + 1) * count)
  for index in 0..<count {
    elements[index * count + index] = alphas[index]
    elements[(index + 1) * count + index] = betas[index]
  }
  return Tensor(elements, shape: [count + 1, count])
}

private func singularValues(of matrix: Tensor) -> [Double] {
  guard let (_, s, _) = try? matrix.singularValueDecomposition() else { return [] }
  return s.elements()
}
