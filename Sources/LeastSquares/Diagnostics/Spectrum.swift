internal import Torch

/// The singular values of an operator A without damping, as far as a solver has found them.
///
/// A direct solver finds all of them. LSMR builds Golub & Kahan's bidiagonal matrix B in its iterations. The singular values of B
/// approach those singular values of A that the right-hand side excites, each distinct one once. They are computed on demand.
public struct Spectrum {
  enum Source {
    case decomposition([Double])
    /// The diagonal and the subdiagonal of B, of equal lengths.
    case bidiagonal(alphas: [Double], betas: [Double])
  }

  let source: Source
  /// min(rows, columns).
  public let fullRank: Int
  /// max(rows, columns)·ε: singular values below this fraction of the largest cannot be distinguished from 0.
  public let relativeTolerance: Double

  init(_ source: Source, of a: any LinearOperator, in dtype: DType) {
    self.source = source
    fullRank = min(a.rows, a.columns)
    relativeTolerance = Double(max(a.rows, a.columns)) * dtype.ulpOfOne
  }

  /// The singular values that were found, in descending order.
  ///
  /// In iterations, rounding errors produce copies of converged values. The test of Cullum & Willoughby (1985), *Lanczos algorithms for
  /// large symmetric eigenvalue computations*, removes them. The smallest values may not have converged.
  /// - Complexity: O(k³) for k iterations, the first 500 of them at most.
  public var singularValues: [Double] {
    switch source {
    case .decomposition(let values): values
    case .bidiagonal(let alphas, let betas): bidiagonalSingularValues(alphas, betas, tolerance: relativeTolerance)
    }
  }

  /// The number of singular values found that are not 0 in floating point.
  ///
  /// After a direct solve it is the numerical rank. After iterations it is a lower bound: a multiple singular value is found once, and
  /// one that b does not excite is not found.
  public var rank: Int {
    let values = singularValues
    guard let largest = values.first else { return 0 }
    return values.count { $0 > relativeTolerance * largest }
  }

  /// The numerical rank after a direct solve; `nil` after iterations, which give only a lower bound.
  public var exactRank: Int? {
    if case .decomposition = source { return rank }
    return nil
  }

  /// The largest singular value over the smallest that is not 0 in floating point; 1 if there are none.
  public var condition: Double { condition(damping: 0) }

  /// The condition number of (A; δI), by the singular values found.
  func condition(damping: Double) -> Double {
    let values = singularValues
    guard let largest = values.first, let smallest = values.last(where: { $0 > relativeTolerance * largest }) else {
      return 1
    }
    return hypotenuse(largest, damping) / hypotenuse(smallest, damping)
  }
}

/// The singular values of a lower bidiagonal matrix of Golub–Kahan iterations, without copies from rounding errors.
private func bidiagonalSingularValues(_ alphas: [Double], _ betas: [Double], tolerance: Double) -> [Double] {
  let count = min(alphas.count, 500)
  guard count > 0 else { return [] }
  let values = singularValues(of: bidiagonalMatrix(alphas, betas, count))
  guard let largest = values.first, largest > 0 else { return [] }
  // Values that agree to half the digits are one value and its copies. Other values that remain without the first column come from
  // rounding errors, because a genuine value has a component in the starting vector.
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

/// The (k + 1)×k lower bidiagonal matrix with α on the diagonal, and the β of the same step below it.
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
