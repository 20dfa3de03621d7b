import ScoreKit

/// A network whose last layer is fitted to the few points that are known of a function.
struct FewShotRegressor: Module {
  let features: FeatureNetwork
  let layer: LeastSquaresLayer

  /// The predictions `[tasks, points]` at x, from the known points of the same tasks.
  ///
  /// - Parameter differentiatesSolve: whether the fitted weights count as functions of the network's; otherwise they are
  ///   constants in the gradient.
  func predictions(at x: Tensor, from known: Examples, differentiatesSolve: Bool = true) throws -> Tensor {
    let (tasks, count) = (x.size(0), known.x.size(1))
    let phi = features(.concatenate([known.x, x], along: 1))
    return try .stack(
      (0..<tasks).map { task in
        let weights = try layer.weights(fitting: known.y[task], from: phi[task][0..<count])
        return phi[task][count..<(count + x.size(1))].matmul(differentiatesSolve ? weights : weights.detached())
      })
  }

  /// The mean squared error on points that were not known.
  func loss(on queries: Examples, from known: Examples, differentiatesSolve: Bool = true) throws -> Tensor {
    let predicted = try predictions(at: queries.x, from: known, differentiatesSolve: differentiatesSolve)
    return (predicted - queries.y).square().mean()
  }
}

/// The same network with an ordinary last layer, one for all tasks.
struct PlainRegressor: Module {
  let features: FeatureNetwork
  let output: Linear

  init(features: FeatureNetwork, using generator: inout RandomGenerator) {
    self.features = features
    output = Linear(features.layers.last?.weight.shape[0] ?? 1, 1, using: &generator)
  }

  /// The mean squared error.
  func loss(on examples: Examples) -> Tensor {
    (output(features(examples.x)).squeezed(-1) - examples.y).square().mean()
  }
}
