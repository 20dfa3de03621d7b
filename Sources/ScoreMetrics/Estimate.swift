internal import Files

/// A number with its standard error.
public struct Estimate: Codable, Hashable, Sendable {
  /// The number.
  public let value: Double
  /// The standard deviation of the number over repetitions with other draws.
  ///
  /// It is NaN for a single draw, from which it cannot be estimated; files then leave it out.
  public let standardError: Double

  /// Makes an estimate.
  public init(value: Double, standardError: Double) {
    self.value = value
    self.standardError = standardError
  }

  /// The mean of independent draws, with the standard error √(Σ(aᵢ − ā)²/(n(n − 1))).
  ///
  /// - Precondition: there is a draw.
  public init(meanOf draws: [Double]) {
    demand(!draws.isEmpty, "the mean of no draws is not defined")
    let mean = draws.reduce(0, +) / Double(draws.count)
    self.init(value: mean, standardError: Self.standardError(of: draws.map { $0 - mean }))
  }

  /// The ratio R = ā/b̄ of two means over the same independent draws; 0 if both means are 0.
  ///
  /// By linearization (the delta method), its standard error is the standard error of the mean of aᵢ − R·bᵢ, divided by
  /// |b̄|. Its bias is of order 1/n. The mean of the ratios aᵢ/bᵢ would estimate another number.
  ///
  /// - Precondition: there is a draw, and as many numerators as denominators.
  public init(ratioOf numerators: [Double], to denominators: [Double]) {
    demand(
      !numerators.isEmpty && numerators.count == denominators.count,
      "a ratio of \(numerators.count) numerators and \(denominators.count) denominators is not defined")
    let (a, b) = (numerators.reduce(0, +), denominators.reduce(0, +))
    let ratio = a == 0 && b == 0 ? 0 : a / b
    let error = Self.standardError(of: zip(numerators, denominators).map { $0 - ratio * $1 })
    self.init(value: ratio, standardError: error == 0 ? 0 : error / (b / Double(denominators.count)).magnitude)
  }

  /// The standard error of a mean, from the deviations of the draws from that mean.
  private static func standardError(of deviations: [Double]) -> Double {
    let n = Double(deviations.count)
    return n > 1 ? (deviations.reduce(0) { $0 + $1 * $1 } / (n * (n - 1))).squareRoot() : .nan
  }

  private enum CodingKeys: String, CodingKey {
    case value
    case standardError = "standard-error"
  }

  /// Reads an estimate; a missing standard error is NaN.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    value = try values.decode(Double.self, forKey: .value)
    standardError = try values.decodeIfPresent(Double.self, forKey: .standardError) ?? .nan
  }

  /// Writes the estimate; a standard error that is NaN is left out, because JSON has no NaN.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(value, forKey: .value)
    try values.encodeIfPresent(standardError.isNaN ? nil : standardError, forKey: .standardError)
  }
}
