public import ScoreModels
public import Testing
internal import Torch

/// Expects a module to keep the laws of modules.
///
/// - Every parameter has a name of its own.
/// - Values that are saved by name and loaded again are the same.
/// - In `withParameters(_:_:)` the parameters have other values, given one by one or in one vector, and afterwards their own.
///
/// Parameters that the walk does not find, for example in a dictionary, are not found by this function either: compare
/// `parameterCount` with the number that you expect.
///
/// - Complexity: two copies of the parameters.
public func expectModuleLaws(of module: any Module, sourceLocation: SourceLocation = #_sourceLocation) throws {
  let names = module.namedParameters().map(\.name)
  let naming = Law("every parameter has a name of its own", of: module, at: sourceLocation)
  guard naming.requires(Set(names).count == names.count && !names.contains(""), "the names are \(names)") else {
    return
  }
  let parameters = module.parameters()
  guard !parameters.isEmpty else { return }
  let start = parameters.map { $0.value.detached() }
  func expectStart(_ law: Law, _ detail: String) {
    for (name, (parameter, value)) in zip(names, zip(parameters, start)) {
      law.expectIdentical(parameter.value.detached(), value, "\(name) \(detail)")
    }
  }
  let loading = Law("loaded values are those that were saved", of: module, at: sourceLocation)
  let state = module.state()
  loading.expect(Set(state.keys) == Set(names), "the state has the names \(state.keys.sorted())")
  try module.load(state)
  expectStart(loading, "after loading")
  let setting = Law("parameters have other values for a closure", of: module, at: sourceLocation)
  let others = start.map { $0 + 1 }
  // A single vector stands for all parameters.
  for values in [others, [Tensor.flatten(others)]] {
    module.withParameters(values) {
      for (name, (parameter, value)) in zip(names, zip(parameters, others)) {
        setting.expectIdentical(parameter.value.detached(), value, "\(name) in the closure")
      }
    }
    expectStart(setting, "after the closure")
  }
}

/// Expects a network to keep the laws of networks from which a score is made.
///
/// - The output has the shape and the element type of x, and is finite.
/// - Each example has an output of its own: the other examples of the batch do not matter.
/// - With classes: the label matters.
/// - Derivatives in x and in the noise match finite differences, from the first to `order`, and so do those in the parameters.
/// - A `PotentialNetwork` is the gradient of its potential.
/// - The laws of modules.
///
/// The network computes in `float64`: `network.randomized()` converts it and gives it weights that hide nothing.
///
/// - Parameters:
///   - network: the network.
///   - shape: the shape of one example.
///   - classCount: the number of classes; `nil` for a network without labels.
///   - order: the highest derivative in x; conservative models need third derivatives.
///   - noise: two numbers that encode noise levels.
///   - sourceLocation: where failures are reported; by default at the call.
/// - Complexity: 4 evaluations for each element of two examples and each order.
public func expectNetworkLaws(
  of network: any ScoreNetwork, shape: [Int], classCount: Int? = nil, order: Int = 1, noise: [Double] = [0.3, -0.8],
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  try expectModuleLaws(of: network, sourceLocation: sourceLocation)
  func law(_ sentence: String) -> Law { Law(sentence, of: network, at: sourceLocation) }
  let dtype = network.parameters().first?.value.dtype ?? .float64
  guard law("laws are tried in float64").requires(dtype == .float64, "the network computes in \(dtype)") else { return }
  var generator = RandomGenerator(seed: 5, purpose: .data)
  let (x, noise) = (generator.normal([2] + shape, dtype: .float64), Tensor(noise))
  let labels = classCount.map { Tensor([0, $0 - 1]) }
  let output = network(x, noise: noise, condition: labels).detached()
  guard
    law("the output has the shape of x").requires(
      output.shape == x.shape && output.dtype == .float64 && output.allFinite,
      "it is \(output.dtype)\(output.shape) for x of \(x.shape), or not finite")
  else { return }
  for i in 0..<2 {
    let alone = network(x[i..<(i + 1)], noise: noise[i..<(i + 1)], condition: labels?[i..<(i + 1)]).detached()
    law("examples have outputs of their own").expectClose(
      alone, output[i..<(i + 1)], rtol: 1e-12, atol: 1e-12 * output.norm(), "example \(i) alone")
  }
  if let classCount, classCount > 1 {
    let other = network(x, noise: noise, condition: Tensor([classCount - 1, 0])).detached()
    law("the label matters").expect((other - output).norm() > 1e-6 * output.norm(), "other labels change nothing")
  }
  if let network = network as? any PotentialNetwork {
    let law = law("the network is the gradient of its potential")
    let (along, h) = (generator.normal(x.shape, dtype: .float64), 1e-4)
    func potential(_ step: Double) -> Tensor {
      network.potential(x + step * along, noise: noise, condition: labels).detached()
    }
    if law.requires(potential(0).shape == [2], "potentials of 2 examples have the shape \(potential(0).shape)") {
      let slope = (8 * (potential(h) - potential(-h)) - (potential(2 * h) - potential(-2 * h))) / (12 * h)
      law.expectClose((output * along).sumPerExample(), slope, rtol: 1e-6, atol: 1e-6 * slope.norm(), "the slope")
    }
  }
  law("derivatives match finite differences").expectGradient(
    of: { network($0[0], noise: $0[1], condition: labels) }, at: [x, noise], order: order)
  try expectParameters(of: network, law("derivatives in the parameters match finite differences")) {
    network(x, noise: noise, condition: labels)
  }
}
