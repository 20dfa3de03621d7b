internal import CTorch

extension Tensor {
  @inline(__always)
  private static func binary(
    _ name: StaticString, _ x: Tensor, _ y: Tensor,
    _ function: (OpaquePointer, OpaquePointer, UnsafeMutablePointer<OpaquePointer?>) -> Int32
  ) -> Tensor {
    produce(name, [x, y]) { function(x.pointer, y.pointer, $0) }
  }

  @inline(__always)
  private static func scalar(
    _ name: StaticString, _ x: Tensor, _ y: Double,
    _ function: (OpaquePointer, Double, UnsafeMutablePointer<OpaquePointer?>) -> Int32
  ) -> Tensor {
    produce(name, [x]) { function(x.pointer, y, $0) }
  }

  // MARK: Arithmetic

  /// Elementwise sum.
  public static func + (x: Tensor, y: Tensor) -> Tensor { binary("+", x, y, ctorch_add) }
  /// Elementwise difference.
  public static func - (x: Tensor, y: Tensor) -> Tensor { binary("-", x, y, ctorch_sub) }
  /// Elementwise product.
  public static func * (x: Tensor, y: Tensor) -> Tensor { binary("*", x, y, ctorch_mul) }
  /// Elementwise quotient; integers give floating-point numbers.
  public static func / (x: Tensor, y: Tensor) -> Tensor { binary("/", x, y, ctorch_div) }

  /// Adds a number to every element.
  ///
  /// A tensor of integers plus a whole number stays a tensor of integers. The same holds for `-` and `*`; `/` gives
  /// floating-point numbers.
  public static func + (x: Tensor, y: Double) -> Tensor { scalar("+", x, y, ctorch_add_scalar) }
  /// Adds a number to every element.
  public static func + (x: Double, y: Tensor) -> Tensor { scalar("+", y, x, ctorch_add_scalar) }
  /// Subtracts a number from every element.
  public static func - (x: Tensor, y: Double) -> Tensor { scalar("-", x, -y, ctorch_add_scalar) }
  /// Subtracts every element from a number.
  public static func - (x: Double, y: Tensor) -> Tensor { scalar("-", y, x, ctorch_rsub_scalar) }
  /// Multiplies every element by a number.
  public static func * (x: Tensor, y: Double) -> Tensor { scalar("*", x, y, ctorch_mul_scalar) }
  /// Multiplies every element by a number.
  public static func * (x: Double, y: Tensor) -> Tensor { scalar("*", y, x, ctorch_mul_scalar) }
  /// Divides every element by a number.
  public static func / (x: Tensor, y: Double) -> Tensor { scalar("/", x, y, ctorch_div_scalar) }
  /// Divides a number by every element.
  public static func / (x: Double, y: Tensor) -> Tensor { scalar("*", y.reciprocal(), x, ctorch_mul_scalar) }
  /// Negates every element.
  public static prefix func - (x: Tensor) -> Tensor { produce("-", [x]) { ctorch_neg(x.pointer, $0) } }

  /// Replaces the tensor by its sum with another; copies of it keep their value.
  public static func += (x: inout Tensor, y: Tensor) { x = x + y }
  /// Replaces the tensor by its difference from another.
  public static func -= (x: inout Tensor, y: Tensor) { x = x - y }
  /// Replaces the tensor by its product with another.
  public static func *= (x: inout Tensor, y: Tensor) { x = x * y }
  /// Replaces the tensor by a multiple.
  public static func *= (x: inout Tensor, y: Double) { x = x * y }

  /// Raises every element to the power of the matching element of another tensor.
  public func pow(_ exponent: Tensor) -> Tensor { Self.binary("pow", self, exponent, ctorch_pow) }
  /// Raises every element to a power.
  public func pow(_ exponent: Double) -> Tensor { Self.scalar("pow", self, exponent, ctorch_pow_scalar) }
  /// The elementwise larger of two tensors.
  public func maximum(_ other: Tensor) -> Tensor { Self.binary("maximum", self, other, ctorch_maximum) }
  /// The elementwise smaller of two tensors.
  public func minimum(_ other: Tensor) -> Tensor { Self.binary("minimum", self, other, ctorch_minimum) }
  /// The angles of points (x, y), where this tensor holds the y.
  public func atan2(_ x: Tensor) -> Tensor { Self.binary("atan2", self, x, ctorch_atan2) }

  /// The product of matrices, of batches of matrices, or of matrices and vectors, as in NumPy.
  public func matmul(_ other: Tensor) -> Tensor { Self.binary("matmul", self, other, ctorch_matmul) }

  /// The sum of the products of all elements: ⟨x, y⟩.
  public func dot(_ other: Tensor) -> Tensor { (self * other).sum() }

  /// x + weight·(y − x).
  public func lerp(_ end: Tensor, weight: Double) -> Tensor {
    produce("lerp", [self, end]) { ctorch_lerp(pointer, end.pointer, weight, $0) }
  }

  /// self + value·y·z in one pass.
  public func adding(_ y: Tensor, times z: Tensor, scaledBy value: Double = 1) -> Tensor {
    produce("adding(_:times:scaledBy:)", [self, y, z]) { ctorch_addcmul(pointer, y.pointer, z.pointer, value, $0) }
  }

  /// One step of Adam for a gradient g, which is this tensor: the update −η·m̂/(√v̂ + ε) and the new moments
  /// m ← β₁m + (1 − β₁)g and v ← β₂v + (1 − β₂)g², with m̂ = m/(1 − β₁ⁿ) and v̂ = v/(1 − β₂ⁿ) at step n.
  ///
  /// All in one pass through memory. Nothing is recorded for differentiation.
  ///
  /// Kingma & Ba (2015), arXiv 1412.6980.
  public func adamStep(
    firstMoment m: Tensor, secondMoment v: Tensor, step n: Int, learningRate: Double, beta1: Double, beta2: Double,
    epsilon: Double
  ) -> (update: Tensor, firstMoment: Tensor, secondMoment: Tensor) {
    let results = produceMany("adamStep", count: 3, [self, m, v]) {
      ctorch_adam(pointer, m.pointer, v.pointer, Int64(n), learningRate, beta1, beta2, epsilon, $0)
    }
    return (results[0], results[1], results[2])
  }

  // MARK: Comparison

  /// Elementwise equality, as `bool`.
  public static func .== (x: Tensor, y: Tensor) -> Tensor { binary(".==", x, y, ctorch_eq) }
  /// Elementwise inequality.
  public static func .!= (x: Tensor, y: Tensor) -> Tensor { binary(".!=", x, y, ctorch_ne) }
  /// Elementwise comparison.
  public static func .< (x: Tensor, y: Tensor) -> Tensor { binary(".<", x, y, ctorch_lt) }
  /// Elementwise comparison.
  public static func .<= (x: Tensor, y: Tensor) -> Tensor { binary(".<=", x, y, ctorch_le) }
  /// Elementwise comparison.
  public static func .> (x: Tensor, y: Tensor) -> Tensor { binary(".>", x, y, ctorch_gt) }
  /// Elementwise comparison.
  public static func .>= (x: Tensor, y: Tensor) -> Tensor { binary(".>=", x, y, ctorch_ge) }
  /// Elementwise equality with a number.
  public static func .== (x: Tensor, y: Double) -> Tensor { scalar(".==", x, y, ctorch_eq_scalar) }
  /// Elementwise inequality with a number.
  public static func .!= (x: Tensor, y: Double) -> Tensor { scalar(".!=", x, y, ctorch_ne_scalar) }
  /// Elementwise comparison with a number.
  public static func .< (x: Tensor, y: Double) -> Tensor { scalar(".<", x, y, ctorch_lt_scalar) }
  /// Elementwise comparison with a number.
  public static func .<= (x: Tensor, y: Double) -> Tensor { scalar(".<=", x, y, ctorch_le_scalar) }
  /// Elementwise comparison with a number.
  public static func .> (x: Tensor, y: Double) -> Tensor { scalar(".>", x, y, ctorch_gt_scalar) }
  /// Elementwise comparison with a number.
  public static func .>= (x: Tensor, y: Double) -> Tensor { scalar(".>=", x, y, ctorch_ge_scalar) }
  /// Elementwise conjunction of truth values.
  public static func .& (x: Tensor, y: Tensor) -> Tensor { binary(".&", x, y, ctorch_logical_and) }
  /// Elementwise disjunction of truth values.
  public static func .| (x: Tensor, y: Tensor) -> Tensor { binary(".|", x, y, ctorch_logical_or) }

  /// The elements of another tensor where a mask is true, and the elements of this tensor elsewhere.
  public func replacing(where mask: Tensor, with other: Tensor) -> Tensor {
    produce("replacing(where:with:)", [mask, other, self]) {
      ctorch_where(mask.pointer, other.pointer, pointer, $0)
    }
  }
}
