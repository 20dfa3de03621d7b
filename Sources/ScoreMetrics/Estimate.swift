/// A number with its standard error.
public struct Estimate: Codable, Hashable, Sendable {
  /// The number.
  public let value: Double
  /// The standard deviation of the number over repetitions with other draws; NaN where there was a single draw, which
  /// says nothing about it, and then left out of files.
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
    precondition(!draws.isEmpty, "the mean of no draws is not defined")
    let mean = draws.reduce(0, +) / Double(draws.count)
    self.init(value: mean, standardError: Self.standardError(of: draws.map { $0 - mean }))
  }

  /// The ratio R = ā/b̄ of two means over the same independent draws; 0 where both means are.
  ///
  /// Its standard error is that of the mean of aᵢ − R·bᵢ over b̄, by linearization (the delta method); its bias is of
  /// order 1/n. The mean of the ratios aᵢ/bᵢ would estimate another number.
  ///
  /// - Precondition: there is a draw, and as many numerators as denominators.
  public init(ratioOf numerators: [Double], to denominators: [Double]) {
    precondition(
      !numerators.isEmpty && numerators.count == denominators.count,
      "a ratio of \(numerators.count) numerators and \(denominators.count) denominators is not defined")
    let (a, b) = (numerators.reduce(0, +), denominators.reduce(0, +))
    let ratio = a == 0 && b == 0 ? 0 : a / b
    let error = Self.standardError(of: zip(numerators, denominators).map { $0 - ratio * $1 })
    self.init(value: ratio, standardError: error == 0 ? 0 : error / (b / Double(denominators.count)).magnitude)
  }

  /// The standard error of the mean of draws that deviate so from it.
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

  /// Writes the estimate, without the standard error if that is NaN: JSON has no such number.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(value, forKey: .value)
    try values.encodeIfPresent(standardError.isNaN ? nil : standardError, forKey: .standardError)
  }
}
