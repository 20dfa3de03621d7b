internal import CTorch

extension Tensor {
  @inline(__always)
  private func unary(
    _ name: StaticString, _ function: (OpaquePointer, UnsafeMutablePointer<OpaquePointer?>) -> Int32
  ) -> Tensor {
    produce(name, [self]) { function(pointer, $0) }
  }

  /// |x|.
  public func abs() -> Tensor { unary("abs", ctorch_abs) }
  /// The sign: −1, 0 or 1.
  public func sign() -> Tensor { unary("sign", ctorch_sign) }
  /// eˣ.
  public func exp() -> Tensor { unary("exp", ctorch_exp) }
  /// eˣ − 1 without cancellation near 0.
  public func expMinusOne() -> Tensor { unary("expMinusOne", ctorch_expm1) }
  /// The natural logarithm.
  public func log() -> Tensor { unary("log", ctorch_log) }
  /// log(1 + x) without cancellation near 0.
  public func logOnePlus() -> Tensor { unary("logOnePlus", ctorch_log1p) }
  /// √x.
  public func sqrt() -> Tensor { unary("sqrt", ctorch_sqrt) }
  /// 1/√x.
  public func rsqrt() -> Tensor { unary("rsqrt", ctorch_rsqrt) }
  /// x².
  public func square() -> Tensor { unary("square", ctorch_square) }
  /// 1/x.
  public func reciprocal() -> Tensor { unary("reciprocal", ctorch_reciprocal) }
  /// The sine.
  public func sin() -> Tensor { unary("sin", ctorch_sin) }
  /// The cosine.
  public func cos() -> Tensor { unary("cos", ctorch_cos) }
  /// The hyperbolic tangent.
  public func tanh() -> Tensor { unary("tanh", ctorch_tanh) }
  /// The error function.
  public func erf() -> Tensor { unary("erf", ctorch_erf) }
  /// The inverse of the error function.
  public func erfInverse() -> Tensor { unary("erfInverse", ctorch_erfinv) }
  /// 1/(1 + e⁻ˣ).
  public func sigmoid() -> Tensor { unary("sigmoid", ctorch_sigmoid) }
  /// max(x, 0).
  public func relu() -> Tensor { unary("relu", ctorch_relu) }
  /// x·sigmoid(x), also called swish.
  public func silu() -> Tensor { unary("silu", ctorch_silu) }
  /// x·tanh(softplus(x)).
  public func mish() -> Tensor { unary("mish", ctorch_mish) }
  /// The largest integer that is not larger.
  public func floor() -> Tensor { unary("floor", ctorch_floor) }
  /// The smallest integer that is not smaller.
  public func ceil() -> Tensor { unary("ceil", ctorch_ceil) }
  /// The nearest integer, halves to even.
  public func round() -> Tensor { unary("round", ctorch_round) }
  /// Whether each element is neither infinite nor NaN, as `bool`.
  public func isFinite() -> Tensor { unary("isFinite", ctorch_isfinite) }
  /// Elementwise negation of truth values.
  public func logicalNot() -> Tensor { unary("logicalNot", ctorch_logical_not) }

  /// x·Φ(x) with the normal distribution function Φ, or its tanh approximation.
  public func gelu(tanhApproximation: Bool = false) -> Tensor {
    produce("gelu", [self]) { ctorch_gelu(pointer, tanhApproximation, $0) }
  }

  /// log(1 + e^(βx))/β.
  public func softplus(beta: Double = 1) -> Tensor {
    produce("softplus", [self]) { ctorch_softplus(pointer, beta, $0) }
  }

  /// Limits every element to a range.
  public func clamped(to range: ClosedRange<Double>) -> Tensor {
    produce("clamped", [self]) { ctorch_clamp(pointer, range.lowerBound, range.upperBound, $0) }
  }

  /// exp(x)/Σ exp(x) along a dimension.
  public func softmax(dimension: Int = -1) -> Tensor {
    produce("softmax", [self]) { ctorch_softmax(pointer, Int64(dimension), $0) }
  }

  /// The logarithm of the softmax along a dimension, without overflow.
  public func logSoftmax(dimension: Int = -1) -> Tensor {
    produce("logSoftmax", [self]) { ctorch_log_softmax(pointer, Int64(dimension), $0) }
  }
}
