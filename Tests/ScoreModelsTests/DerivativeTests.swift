import ScoreModels
import TestSupport
import Testing
import Torch

/// Conservativeness needs third derivatives of networks: those with respect to the input are compared with finite
/// differences order by order, those with respect to parameters through the asymmetry of the Jacobian.
@Suite struct DerivativeTests {
  /// A layer with inputs to differentiate it at.
  struct LayerCase: CustomTestStringConvertible, Sendable {
    typealias Layer = (module: any Module, function: ([Tensor]) -> Tensor)

    let testDescription: String
    let shapes: [[Int]]
    let make: @Sendable (inout RandomGenerator) -> Layer

    init(_ name: String, _ shapes: [Int]..., make: @escaping @Sendable (inout RandomGenerator) -> Layer) {
      testDescription = name
      self.shapes = shapes
      self.make = make
    }

    static let all: [LayerCase] = [
      LayerCase("linear", [2, 3]) {
        let layer = Linear(3, 2, using: &$0).randomized()
        return (layer, { layer($0[0]) })
      },
      LayerCase("convolution", [1, 2, 4, 5]) {
        let layer = Conv2d(2, 3, kernel: 3, stride: 2, using: &$0).randomized()
        return (layer, { layer($0[0]) })
      },
      LayerCase("normalization of groups", [2, 4, 2, 2]) { _ in
        let layer = GroupNorm(4, groups: 2).randomized()
        return (layer, { layer($0[0]) })
      },
      LayerCase("normalization of features", [2, 5]) { _ in
        let layer = LayerNorm(5).randomized()
        return (layer, { layer($0[0]) })
      },
      LayerCase("attention", [2, 4, 2, 2]) {
        let layer = SelfAttention2d(4, headFeatures: 2, groups: 2, using: &$0).randomized()
        return (layer, { layer($0[0]) })
      },
    ]
  }

  @Test(arguments: LayerCase.all) func layersMatchDifferences(_ layerCase: LayerCase) throws {
    var generator = RandomGenerator(seed: 4, purpose: .initialization)
    let (layer, function) = layerCase.make(&generator)
    let inputs = layerCase.shapes.map { normal($0) }
    expectGradient(of: function, at: inputs, order: 3)
    let weights = normal(function(inputs).shape, seed: 8)
    func expectParameters(of module: some Module) throws {
      try expectParameterGradient(of: module) {
        let variable = inputs[0].variable()
        let output = function([variable] + inputs.dropFirst())
        // The square makes a layer that is linear in its input contribute too.
        let gradient = (output.square() * weights).sum().gradient(withRespectTo: variable, createGraph: true)
        return gradient.square().sum().gradient(withRespectTo: variable, createGraph: true).square().sum()
      }
    }
    try expectParameters(of: layer)
  }

  @Test(arguments: Activation.allCases.filter { $0 != .relu }) func activations(activation: Activation) {
    expectGradient(of: { activation($0[0]) }, at: [normal([6])], order: 3)
  }

  @Test func embeddingsOfTheNoiseLevel() {
    let sinusoids = SinusoidalEmbedding(6, maximumPeriod: 10)
    expectGradient(of: { sinusoids($0[0]) }, at: [normal([3])], order: 3)
    var generator = RandomGenerator(seed: 4, purpose: .initialization)
    let fourier = FourierEmbedding(4, scale: 0.1, using: &generator)
    fourier.convert(to: .float64)
    expectGradient(of: { fourier($0[0]) }, at: [normal([3]).exp()], order: 3)
  }

  /// A network with an input to differentiate it at.
  struct NetworkCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let shape: [Int]
    let labels: [Int]?
    let isConservative: Bool
    let make: @Sendable () -> any ScoreNetwork

    init(
      _ name: String, shape: [Int], labels: [Int]? = nil, isConservative: Bool = false,
      make: @escaping @Sendable () -> any ScoreNetwork
    ) {
      testDescription = name
      self.shape = shape
      self.labels = labels
      self.isConservative = isConservative
      self.make = make
    }

    private static func unet(_ configuration: UNet2D.Configuration) -> UNet2D {
      var generator = RandomGenerator(seed: 4, purpose: .initialization)
      return UNet2D(configuration, using: &generator).randomized()
    }

    private static func attentive(_ kind: UNet2D.Configuration.TimeScaleShift) -> UNet2D {
      var configuration = UNet2D.Configuration(
        channels: [4, 8], attentionLevels: [1], inputChannels: 2, classCount: 2)
      configuration.resnetTimeScaleShift = kind
      configuration.attentionHeadDim = 4
      return unet(configuration)
    }

    private static func mlp(blocks: Int, classCount: Int = 0) -> MLP {
      var generator = RandomGenerator(seed: 4, purpose: .initialization)
      return MLP(.init(shape: [3], width: 6, blocks: blocks, classCount: classCount), using: &generator).randomized()
    }

    static let all: [NetworkCase] = [
      NetworkCase("a U-Net with attention", shape: [2, 2, 3, 4], labels: [0, 2]) { attentive(.default) },
      NetworkCase("a U-Net with scales", shape: [2, 2, 3, 4], labels: [0, 2]) { attentive(.scaleShift) },
      NetworkCase("an MLP", shape: [2, 3]) { mlp(blocks: 2, classCount: 2) },
      NetworkCase("the energy of an MLP", shape: [2, 3], isConservative: true) { EnergyNetwork(mlp(blocks: 1)) },
      NetworkCase("the energy of a U-Net", shape: [2, 1, 2, 2], isConservative: true) {
        EnergyNetwork(unet(.init(channels: [4])))
      },
    ]
  }

  private static func expectNetworkDerivatives(
    of network: some ScoreNetwork, at x: Tensor, condition: Tensor?, isConservative: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try expectNetworkLaws(
      of: network, shape: Array(x.shape.dropFirst()), classCount: condition == nil ? nil : 2, order: 3,
      sourceLocation: sourceLocation)
    let noise = Tensor([0.3, -0.8])
    let probe = normal(x.shape, seed: 9)
    func asymmetry() -> Tensor {
      squaredAsymmetry(of: { network($0, noise: noise, condition: condition) }, at: x, probe: probe)
    }
    if isConservative {
      #expect(asymmetry().item() < 1e-20, sourceLocation: sourceLocation)
    } else {
      #expect(asymmetry().item() > 1e-6, sourceLocation: sourceLocation)
      try expectParameterGradient(of: network, sourceLocation: sourceLocation, asymmetry)
    }
  }

  @Test(arguments: NetworkCase.all) func networksMatchDifferences(_ networkCase: NetworkCase) throws {
    try Self.expectNetworkDerivatives(
      of: networkCase.make(), at: normal(networkCase.shape), condition: networkCase.labels.map { Tensor($0) },
      isConservative: networkCase.isConservative)
  }

  @Test func theEnergyNetworkDependsOnItsParameters() throws {
    var generator = RandomGenerator(seed: 4, purpose: .initialization)
    let images = UNet2D(.init(channels: [4]), using: &generator).randomized()
    try expectParameterGradient(of: images) {
      EnergyNetwork(images)(normal([2, 1, 2, 2]), noise: Tensor([0.3, -0.8]), condition: nil).square().sum()
    }
  }

  @Test func everyModuleIsDifferentiated() throws {
    try expectEveryConformer(of: "ScoreNetwork", among: NetworkCase.all.map { $0.make() })
    var generator = RandomGenerator(seed: 4, purpose: .initialization)
    let layers = LayerCase.all.map { $0.make(&generator).module }
    // The parts of networks are differentiated with them, and score models have laws of their own.
    let parts = NetworkCase.all.flatMap { modules(in: $0.make()) }
    try expectEveryConformer(
      of: "Module", among: layers + parts + ScoreModelCase.models,
      except: [
        "FourierEmbedding": "embeddingsOfTheNoiseLevel", "ClassifierNetwork": "private to ScoreKit, which trains it",
      ])
  }

  /// A module and those that it is made of.
  private func modules(in value: Any) -> [any Module] {
    let own = (value as? any Module).map { [$0] } ?? []
    return own + Mirror(reflecting: value).children.flatMap { modules(in: $0.value) }
  }
}
