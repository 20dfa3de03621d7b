internal import CTorch
internal import Files

/// The one owner of a tensor of the engine.
final class TensorHandle {
  let pointer: OpaquePointer

  init(_ pointer: OpaquePointer) { self.pointer = pointer }

  deinit { ctorch_free(pointer) }
}

/// An n-dimensional array of numbers.
///
/// A tensor is a value: no operation changes one, and copies are cheap because they share the elements. Operators follow
/// NumPy's broadcasting rules. An operator whose operands do not fit, which is a mistake in the program, traps with the
/// operands' shapes; functions that meet data from outside throw instead.
///
/// Tensors are not `Sendable`: the engine's recording of operations belongs to one thread.
public struct Tensor {
  var handle: TensorHandle

  /// Takes over a handle that the shim returned.
  init(adopting pointer: OpaquePointer) { handle = TensorHandle(pointer) }

  var pointer: OpaquePointer { handle.pointer }

  /// Asks the engine about this tensor, which stays alive for the duration of the call.
  @inline(__always)
  func inspect<Result>(_ question: (OpaquePointer) -> Result) -> Result {
    withExtendedLifetime(handle) { question(handle.pointer) }
  }

  // MARK: Creation

  /// Makes a tensor from elements in row-major order.
  ///
  /// - Precondition: `elements.count` is the product of `shape`.
  public init<Element: TensorElement>(_ elements: [Element], shape: [Int]) {
    demand(
      shape.allSatisfy { $0 >= 0 } && elements.count == shape.reduce(1, *),
      "\(elements.count) elements do not fill the shape \(shape)")
    self = elements.withUnsafeBytes { Tensor(bytes: $0, dtype: Element.dtype, shape: shape) }
  }

  /// Makes a vector.
  public init<Element: TensorElement>(_ elements: [Element]) { self.init(elements, shape: [elements.count]) }

  /// Makes a `float32` matrix from its rows.
  ///
  /// - Precondition: the rows have the same length.
  public init(_ rows: [[Float]]) {
    let columns = rows.first?.count ?? 0
    demand(rows.allSatisfy { $0.count == columns }, "the rows of a matrix have the same length")
    self.init(rows.flatMap { $0 }, shape: [rows.count, columns])
  }

  /// Makes a tensor without dimensions.
  public init(_ value: Double, dtype: DType = .float32) { self = .full([], value, dtype: dtype) }

  /// Makes a tensor from memory in row-major order.
  ///
  /// - Precondition: `bytes.count` is the product of `shape` times the size of an element.
  public init(bytes: UnsafeRawBufferPointer, dtype: DType, shape: [Int]) {
    let empty = UnsafeRawPointer(bitPattern: 8)!
    self = produce("Tensor(bytes:dtype:shape:)", []) { out in
      shape.withInt64s {
        ctorch_from_data(bytes.baseAddress ?? empty, Int64(bytes.count), dtype.rawValue, $0, $1, out)
      }
    }
  }

  /// A tensor of one value.
  public static func full(_ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu) -> Tensor {
    produce("full", []) { out in
      shape.withInt64s { ctorch_full(value, dtype.rawValue, $0, $1, device.type, device.index, out) }
    }
  }

  /// A tensor of zeros.
  public static func zeros(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) -> Tensor {
    full(shape, 0, dtype: dtype, device: device)
  }

  /// A tensor of ones.
  public static func ones(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) -> Tensor {
    full(shape, 1, dtype: dtype, device: device)
  }

  /// Zeros of the shape, element type and device of another tensor.
  public static func zeros(like other: Tensor) -> Tensor { full(like: other, 0) }

  /// Ones of the shape, element type and device of another tensor.
  public static func ones(like other: Tensor) -> Tensor { full(like: other, 1) }

  /// One value in the shape, element type and device of another tensor.
  public static func full(like other: Tensor, _ value: Double) -> Tensor {
    full(other.shape, value, dtype: other.dtype, device: other.device)
  }

  /// start, start + step, … up to but not including `end`: a vector.
  public static func range(_ start: Double, to end: Double, by step: Double = 1, dtype: DType = .float32) -> Tensor {
    produce("range", []) { ctorch_arange(start, end, step, dtype.rawValue, $0) }
  }

  /// `count` numbers at equal distances, both ends included.
  public static func linspace(_ start: Double, _ end: Double, count: Int, dtype: DType = .float32) -> Tensor {
    demand(count >= 1, "linspace needs a positive count, not \(count)")
    let step = count == 1 ? 0 : (end - start) / Double(count - 1)
    return Tensor((0..<count).map { $0 == count - 1 && count > 1 ? end : start + Double($0) * step }).to(dtype)
  }

  /// The identity matrix.
  public static func identity(_ size: Int, dtype: DType = .float32) -> Tensor {
    produce("identity", []) { ctorch_eye(Int64(size), dtype.rawValue, $0) }
  }

  // MARK: Inspection

  /// The number of dimensions.
  public var rank: Int { Int(inspect(ctorch_rank)) }

  /// The length of each dimension.
  public var shape: [Int] { (0..<rank).map { index in Int(inspect { ctorch_size($0, Int64(index)) }) } }

  /// The length of one dimension; negative numbers count from the last.
  public func size(_ dimension: Int) -> Int {
    let rank = rank
    let index = dimension < 0 ? dimension + rank : dimension
    demand((0..<rank).contains(index), "a tensor of rank \(rank) has no dimension \(dimension)")
    return Int(inspect { ctorch_size($0, Int64(index)) })
  }

  /// The number of elements.
  public var elementCount: Int { Int(inspect(ctorch_element_count)) }

  /// The type of the elements.
  public var dtype: DType {
    guard let type = DType(rawValue: inspect(ctorch_dtype)) else {
      endProgram("the engine returned a tensor of an element type that ScoreKit does not know")
    }
    return type
  }

  /// The device that holds the elements.
  public var device: Device {
    Device(type: inspect(ctorch_device_type), index: inspect(ctorch_device_index))
  }

  /// The elements in row-major order, converted to the type asked for.
  public func elements<Element: TensorElement>(as type: Element.Type = Element.self) -> [Element] {
    let source = to(Element.dtype)
    let count = source.elementCount
    return [Element](unsafeUninitializedCapacity: count) { buffer, filled in
      if count > 0 {
        let bytes = UnsafeMutableRawBufferPointer(buffer)
        if let base = bytes.baseAddress {
          check(
            "elements(as:)", ctorch_copy_out(source.pointer, base, Int64(count * MemoryLayout<Element>.stride)),
            [source])
        }
      }
      filled = count
    }
  }

  /// The elements in row-major order as `float32`.
  public var floats: [Float] { elements() }

  /// The element of a tensor that has exactly one.
  public func item() -> Double {
    var value = 0.0
    check("item", ctorch_item(pointer, &value), [self])
    return value
  }

  // MARK: Conversion

  /// The same values in another element type; the tensor itself if it has that type.
  public func to(_ dtype: DType) -> Tensor {
    dtype == self.dtype ? self : produce("to", [self]) { ctorch_to_dtype(pointer, dtype.rawValue, $0) }
  }

  /// The same values on another device; the tensor itself if it is on that device.
  public func to(_ device: Device) -> Tensor {
    device == self.device ? self : produce("to", [self]) { ctorch_to_device(pointer, device.type, device.index, $0) }
  }
}

extension Tensor: CustomStringConvertible {
  /// Element type, shape and up to eight elements.
  public var description: String {
    let shown = (elementCount > 8 ? flattened()[.range(0, 8)] : self).elements(as: Double.self)
    let text = shown.map { "\($0)" }.joined(separator: ", ") + (elementCount > 8 ? ", …" : "")
    return "Tensor(\(dtype)\(shape): \(text))"
  }
}
