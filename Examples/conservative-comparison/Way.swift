import ScoreKit

/// A way to train a score model, conservative or not.
enum Way: Hashable {
  case off
  /// With the weight λ.
  case penalty(Double)
  case projection
  case energy
  /// Not conservative, and made so afterwards.
  case fit

  /// What does not differ between the weights of a penalty: the rule, and what it costs.
  enum Kind: String, CaseIterable, Sendable { case off, penalty, projection, energy, fit }

  var kind: Kind {
    switch self {
    case .off: .off
    case .penalty: .penalty
    case .projection: .projection
    case .energy: .energy
    case .fit: .fit
    }
  }

  var name: String {
    if case .penalty(let weight) = self { return "penalty \(shortened(weight))" }
    return kind.rawValue
  }

  /// The ways of these kinds, in their order, with a penalty for each weight.
  static func all(of kinds: [Kind], penaltyWeights: [Double]) -> [Way] {
    kinds.flatMap { kind -> [Way] in
      switch kind {
      case .off: [.off]
      case .penalty: penaltyWeights.map { .penalty($0) }
      case .projection: [.projection]
      case .energy: [.energy]
      case .fit: [.fit]
      }
    }
  }

  /// The options that stand for it.
  func apply(to configuration: inout RunConfiguration) {
    switch self {
    case .off, .fit: configuration.conservative = .off
    case .penalty(let weight): (configuration.conservative, configuration.penaltyWeight) = (.penalty, weight)
    case .projection: configuration.conservative = .projection
    case .energy: configuration.conservative = .energy
    }
  }
}

/// A number without a fraction of 0.
func shortened(_ number: Double) -> String {
  number == number.rounded() && abs(number) < 1e9 ? "\(Int(number))" : "\(number)"
}
