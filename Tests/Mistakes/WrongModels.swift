import ScoreKit

/// A right model, for mistakes that lie elsewhere.
struct LinearScore: ScoreModel {
  let layer: Linear

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { layer(x) }
}

/// A model with nothing to train.
struct Unparameterized: ScoreModel {
  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { -x }
}

/// A score of shape [batch, 1], which broadcasts.
struct ScalarScore: ScoreModel {
  let layer: Linear

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { layer(x) }
}

/// A network whose output has shape [batch, 1].
struct ScalarNetwork: ScoreNetwork {
  let layer: Linear

  func callAsFunction(_ x: Tensor, noise: Tensor, condition: Tensor?) -> Tensor { layer(x) }
}

/// An energy for each element.
struct WrongEnergy: EnergyModel {
  let layer: Linear

  func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { layer(x).square() }
  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { -layer(x) }
}

/// Layers without an order.
struct SetModel: ScoreModel {
  struct Entry: Hashable {
    let layer: Linear

    init(_ layer: Linear) { self.layer = layer }
    static func == (one: Entry, other: Entry) -> Bool { one.layer.weight === other.layer.weight }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(layer.weight)) }
  }

  let layers: Set<Entry>

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { -x }
}

/// Layers in a class of which nothing says that it is a part of the model.
struct ClassModel: ScoreModel {
  final class Store {
    let layer: Linear

    init(_ layer: Linear) { self.layer = layer }
  }

  let store: Store

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { store.layer(x) }
}

/// Layers under numbers that have no one spelling.
struct KeyedModel: ScoreModel {
  let layers: [Double: Linear]

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { -x }
}

/// Two layers that checkpoints could not tell apart.
struct TwinModel: ScoreModel {
  let first: Linear
  let second: Linear

  static var parameterNames: [String: String] { ["first": "layer", "second": "layer"] }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { first(second(x)) }
}

/// Data without examples.
struct NoData: TrainingData {
  var count: Int { 0 }

  func batch(at positions: Tensor) -> TrainingBatch { TrainingBatch(examples: .zeros([0, 2])) }
}
