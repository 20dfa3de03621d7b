import ScoreKit

/// A way to train a score model, conservative or not.
enum Way: Hashable {
  case off
  /// With the weight λ.
  case penalty(Double)
  /// With this number of projected steps, or a few more where it does not divide that of all steps.
  case projection(Int)
  case energy
  /// Not conservative, and made so afterwards.
  case fit

  /// What does not differ between the weights of a penalty, or the numbers of projections: the rule, and what a step costs.
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
    switch self {
    case .penalty, .projection: "\(kind.rawValue) \(shortened(strength))"
    default: kind.rawValue
    }
  }

  /// What sets it apart from others of its kind.
  var strength: Double {
    switch self {
    case .penalty(let weight): weight
    case .projection(let count): Double(count)
    default: 0
    }
  }

  /// What it is called where steps are given: penalties take the same time whatever their weights.
  var timeName: String {
    if case .projection(let count) = self { return "projection-\(count)" }
    return kind.rawValue
  }

  /// How many of a number of steps are projected.
  func projectionCount(steps: Int) -> Int {
    guard case .projection(let count) = self else { return 0 }
    return steps / max(1, steps / count)
  }

  /// The ways of these kinds, in their order, with a penalty for each weight and a projection for each number.
  static func all(of kinds: [Kind], penaltyWeights: [Double], projections: [Int]) -> [Way] {
    kinds.flatMap { kind -> [Way] in
      switch kind {
      case .off: [.off]
      case .penalty: penaltyWeights.map { .penalty($0) }
      case .projection: projections.map { .projection($0) }
      case .energy: [.energy]
      case .fit: [.fit]
      }
    }
  }

  /// The options that stand for it in a run of a number of steps.
  func apply(to configuration: inout RunConfiguration, steps: Int) {
    configuration.steps = steps
    switch self {
    case .off, .fit: configuration.conservative = .off
    case .penalty(let weight): (configuration.conservative, configuration.penaltyWeight) = (.penalty, weight)
    case .projection(let count):
      (configuration.conservative, configuration.projectionEvery) = (.projection, max(1, steps / count))
    case .energy: configuration.conservative = .energy
    }
  }
}

/// A number without a fraction of 0.
func shortened(_ number: Double) -> String {
  number == number.rounded() && abs(number) < 1e9 ? "\(Int(number))" : "\(number)"
}
