internal import CTorch

/// The type of a tensor's elements.
public enum DType: Int32, CaseIterable, Sendable {
  /// Unsigned bytes.
  case uint8 = 0
  /// Signed 32-bit integers.
  case int32 = 3
  /// Signed 64-bit integers: indices, labels.
  case int64 = 4
  /// IEEE half precision.
  case float16 = 5
  /// IEEE single precision, the default.
  case float32 = 6
  /// IEEE double precision.
  case float64 = 7
  /// Truth values, one byte each.
  case bool = 11
  /// Brain floating point: the exponent of `float32` with a mantissa of 7 bits.
  case bfloat16 = 15

  /// The size of an element in bytes.
  public var byteCount: Int {
    switch self {
    case .uint8, .bool: 1
    case .float16, .bfloat16: 2
    case .int32, .float32: 4
    case .int64, .float64: 8
    }
  }

  /// Whether elements are floating-point numbers, which can have gradients.
  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .float32, .float64, .bfloat16: true
    default: false
    }
  }

  /// The distance from 1 to the next larger number; 0 for types that are not floating-point.
  public var ulpOfOne: Double {
    switch self {
    case .float64: Double.ulpOfOne
    case .float32: Double(Float.ulpOfOne)
    case .float16: 0x1p-10
    case .bfloat16: 0x1p-7
    default: 0
    }
  }
}

/// A Swift type that tensors can be made from and copied to.
public protocol TensorElement {
  /// The matching element type.
  static var dtype: DType { get }
}

extension Float: TensorElement {
  /// `float32`.
  public static var dtype: DType { .float32 }
}
extension Double: TensorElement {
  /// `float64`.
  public static var dtype: DType { .float64 }
}
extension UInt8: TensorElement {
  /// `uint8`.
  public static var dtype: DType { .uint8 }
}
extension Int32: TensorElement {
  /// `int32`.
  public static var dtype: DType { .int32 }
}
extension Int64: TensorElement {
  /// `int64`.
  public static var dtype: DType { .int64 }
}
extension Int: TensorElement {
  /// `int64`.
  public static var dtype: DType { .int64 }
}
extension Bool: TensorElement {
  /// `bool`.
  public static var dtype: DType { .bool }
}
