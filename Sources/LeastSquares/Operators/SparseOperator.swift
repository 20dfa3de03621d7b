public import Torch

/// A sparse matrix in compressed rows (CSR) as an operator, whose one parameter is the vector of the stored elements.
///
/// Both A and Aᵀ are kept in compressed rows, so that both products read memory in order and have a fixed order of summation.
public struct SparseOperator: LinearOperator {
  /// The number of rows.
  public let rows: Int
  /// The number of columns.
  public let columns: Int
  /// The stored elements, row by row.
  public let values: Tensor
  private let direct: Pattern
  private let transposed: Pattern
  /// The position of each stored element of Aᵀ among those of A.
  private let order: Tensor
  private let inverseOrder: Tensor
  private let rowIndices: Tensor
  private let columnIndices: Tensor
  private let latest = Latest()

  /// The positions of the stored elements, in compressed rows.
  private struct Pattern {
    let offsets: Tensor
    let indices: Tensor
    let shape: (rows: Int, columns: Int)
  }

  /// Makes an operator of compressed rows.
  ///
  /// - Parameters:
  ///   - rowOffsets: rows + 1 numbers: row i has the elements from offset i up to offset i + 1.
  ///   - columnIndices: the column of each element, from 0.
  ///   - values: the elements, a vector of floating-point numbers.
  ///   - columns: the number of columns.
  /// - Throws: `LeastSquaresError` if the three do not describe a matrix.
  public init(rowOffsets: [Int], columnIndices: [Int], values: Tensor, columns: Int) throws {
    try Self.check(rowOffsets, columnIndices, values, columns)
    var rowOfEach: [Int] = []
    rowOfEach.reserveCapacity(columnIndices.count)
    for row in 0..<(rowOffsets.count - 1) {
      rowOfEach += repeatElement(row, count: rowOffsets[row + 1] - rowOffsets[row])
    }
    self.init(
      offsets: rowOffsets, rowOfEach: rowOfEach, columnOfEach: columnIndices, values: values, columns: columns)
  }

  /// Makes an operator of elements with row and column indices, in any order; elements at the same position add up.
  ///
  /// - Throws: `LeastSquaresError` if an index is outside of the matrix or the counts differ.
  public init(rowIndices: [Int], columnIndices: [Int], values: Tensor, rows: Int, columns: Int) throws {
    guard rowIndices.count == columnIndices.count else {
      throw LeastSquaresError("\(rowIndices.count) row indices do not match \(columnIndices.count) column indices")
    }
    guard rows >= 0, rows < Int(Int32.max) else {
      throw LeastSquaresError("a sparse matrix has from 0 to 2³¹ − 2 rows, not \(rows)")
    }
    if let row = rowIndices.first(where: { !(0..<rows).contains($0) }) {
      throw LeastSquaresError("row index \(row) is not below the number of rows, \(rows)")
    }
    let order = rowIndices.indices.sorted {
      (rowIndices[$0], columnIndices[$0], $0) < (rowIndices[$1], columnIndices[$1], $1)
    }
    guard values.rank == 1, values.elementCount == order.count else {
      throw LeastSquaresError("values of shape \(values.shape) do not match \(order.count) indices")
    }
    var offsets = [Int](repeating: 0, count: rows + 1)
    for row in rowIndices { offsets[row + 1] += 1 }
    for row in 0..<rows { offsets[row + 1] += offsets[row] }
    try self.init(
      rowOffsets: offsets, columnIndices: order.map { columnIndices[$0] },
      values: order.isEmpty ? values : values.gathering(order), columns: columns)
  }

  private init(offsets: [Int], rowOfEach: [Int], columnOfEach: [Int], values: Tensor, columns: Int) {
    rows = offsets.count - 1
    self.columns = columns
    self.values = values
    let device = values.device
    func index(_ numbers: [Int]) -> Tensor { Tensor(numbers.map(Int32.init(truncatingIfNeeded:))).to(device) }
    direct = Pattern(offsets: index(offsets), indices: index(columnOfEach), shape: (rows, columns))
    // A stable sort by column keeps the rows of each column in order.
    var next = [Int](repeating: 0, count: columns + 1)
    for column in columnOfEach { next[column + 1] += 1 }
    for column in 0..<columns { next[column + 1] += next[column] }
    let transposedOffsets = next
    var order = [Int](repeating: 0, count: columnOfEach.count)
    var inverse = order
    for (position, column) in columnOfEach.enumerated() {
      order[next[column]] = position
      inverse[position] = next[column]
      next[column] += 1
    }
    transposed = Pattern(
      offsets: index(transposedOffsets), indices: index(order.map { rowOfEach[$0] }), shape: (columns, rows))
    self.order = Tensor(order).to(device)
    inverseOrder = Tensor(inverse).to(device)
    rowIndices = Tensor(rowOfEach).to(device)
    columnIndices = Tensor(columnOfEach).to(device)
  }

  private static func check(_ offsets: [Int], _ columnIndices: [Int], _ values: Tensor, _ columns: Int) throws {
    guard let first = offsets.first, first == 0, offsets.last == columnIndices.count,
      zip(offsets, offsets.dropFirst()).allSatisfy(<=)
    else {
      throw LeastSquaresError(
        "the row offsets of a sparse matrix rise from 0 to the number of elements, \(columnIndices.count); these do not"
      )
    }
    guard columns >= 0 else { throw LeastSquaresError("a sparse matrix cannot have \(columns) columns") }
    if let column = columnIndices.first(where: { !(0..<columns).contains($0) }) {
      throw LeastSquaresError("column index \(column) is not below the number of columns, \(columns)")
    }
    guard values.rank == 1, values.elementCount == columnIndices.count, values.dtype.isFloatingPoint else {
      throw LeastSquaresError(
        "a sparse matrix of \(columnIndices.count) elements needs as many floating-point values in a vector, not "
          + "\(values.dtype)\(values.shape)")
    }
    guard max(offsets.count, columns, columnIndices.count) < Int(Int32.max) else {
      throw LeastSquaresError("a sparse matrix has fewer than 2³¹ rows, columns and elements")
    }
  }

  /// The stored elements.
  public var parameters: [Tensor] { [values] }

  /// The number of stored elements.
  public var productCost: Double { Double(values.elementCount) }

  /// A·x.
  public func apply(_ x: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try product(parameters[0], x, isTransposed: false)
  }

  /// Aᵀ·y.
  public func applyAdjoint(_ y: Tensor, _ parameters: [Tensor]) throws -> Tensor {
    try product(transposedValues(parameters[0]), y, isTransposed: true)
  }

  /// The elements in the order of Aᵀ's rows, kept for the next product with the same elements unless they are recorded.
  private func transposedValues(_ values: Tensor) -> Tensor {
    if gradientsAreRecorded, values.requiresGradient { return values.gathering(order) }
    if let kept = latest.value, kept.values.isSame(as: values) { return kept.transposed }
    let transposed = values.detached().gathering(order)
    latest.value = (values, transposed)
    return transposed
  }

  private final class Latest {
    var value: (values: Tensor, transposed: Tensor)?
  }

  /// The product with elements in the order of A's or Aᵀ's rows.
  ///
  /// The derivatives of y = M·x are x̄ = Mᵀ·ȳ and, for the element at (i, j), ȳᵢ·xⱼ. Both are products of the same kinds, so that there
  /// are derivatives of any order.
  private func product(_ values: Tensor, _ x: Tensor, isTransposed: Bool) throws -> Tensor {
    try checkOperand(x, ofMatrix: values)
    let pattern = isTransposed ? transposed : direct
    return try customFunction([values, x]) { inputs in
      [
        inputs[0].compressedRowsProduct(
          rowOffsets: pattern.offsets, columns: pattern.indices, shape: pattern.shape, with: inputs[1].contiguous())
      ]
    } backward: { cotangents in
      let other = values.gathering(isTransposed ? inverseOrder : order)
      let (left, right) = isTransposed ? (columnIndices, rowIndices) : (rowIndices, columnIndices)
      let elements = cotangents[0].gathering(left) * x.gathering(right)
      return [
        isTransposed ? elements.gathering(order) : elements,
        try product(other, cotangents[0], isTransposed: !isTransposed),
      ]
    }[0]
  }
}
