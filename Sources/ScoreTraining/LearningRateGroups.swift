internal import Files
internal import ScoreModels
internal import Torch

/// The factors of `Trainer.Settings.learningRateFactors`, as vectors over all parameters.
struct LearningRateGroups {
  /// For each parameter, whether its factor is above 0.
  let isTrained: [Bool]
  private let factors: Tensor
  /// Where the factor is 0; `nil` if all parameters are trained.
  private let isFrozen: Tensor?

  /// Finds the factor of each parameter; `nil` if all of them are 1.
  ///
  /// - Parameters:
  ///   - factors: the factors by names of parameters, or of the parts of a model that they lie in.
  ///   - named: the parameters.
  ///   - model: the model, for messages.
  init?(_ factors: [String: Double]?, of named: [NamedParameter], in model: any ScoreModel) {
    guard let factors, !factors.isEmpty else { return nil }
    for (name, factor) in factors.sorted(by: { $0.key < $1.key }) {
      demand(
        factor >= 0 && factor.isFinite,
        "the factor of a learning rate must be at least 0 and finite, not \(factor) for \"\(name)\"")
      demand(
        named.contains { Self.isPart($0.name, of: name) },
        "\"\(name)\" with a factor of the learning rate is no parameter of \(type(of: model)) and no part with parameters, such as "
          + "\(named[0].name)")
    }
    let values = named.map { entry in
      factors.filter { Self.isPart(entry.name, of: $0.key) }.max { $0.key.count < $1.key.count }?.value ?? 1
    }
    demand(values.contains { $0 > 0 }, "all parameters of \(type(of: model)) are frozen, and nothing is trained")
    guard values.contains(where: { $0 != 1 }) else { return nil }
    isTrained = values.map { $0 > 0 }
    let vector = withoutGradients {
      Tensor.flatten(zip(named, values).map { .full(like: $0.parameter.value.detached(), $1) })
    }
    self.factors = vector
    isFrozen = values.contains(0) ? vector .== 0 : nil
  }

  /// Whether a parameter is a part of what a name stands for; the empty name stands for the whole model.
  private static func isPart(_ parameter: String, of name: String) -> Bool {
    name.isEmpty || parameter == name || parameter.hasPrefix("\(name).")
  }

  /// The weights after an update; frozen ones keep their bits.
  func updated(_ weights: Tensor, by update: Tensor) -> Tensor {
    frozen(weights, in: weights + update * factors)
  }

  /// A new vector with the old elements where parameters are frozen.
  func frozen(_ old: Tensor, in new: Tensor) -> Tensor {
    isFrozen.map { new.replacing(where: $0, with: old) } ?? new
  }
}
