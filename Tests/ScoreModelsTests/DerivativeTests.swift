import ScoreModels
import TestSupport
import Testing
import Torch

/// Conservativeness needs third derivatives of networks: those with respect to the input are compared with finite
/// differences order by order, those with respect to parameters through the asymmetry of the Jacobian.
@Suite struct DerivativeTests {
  private var generator = RandomGenerator(seed: 4, purpose: .initialization)

  private static func expectDerivatives(
    of layer: some Module, at inputs: [Tensor], sourceLocation: SourceLocation = #_sourceLocation,
    _ function: @escaping ([Tensor]) -> Tensor
  ) throws {
    expectGradient(of: function, at: inputs, order: 3, sourceLocation: sourceLocation)
    guard !layer.parameters().isEmpty else { return }
    let weights = normal(function(inputs).shape, seed: 8)
    try expectParameterGradient(of: layer, sourceLocation: sourceLocation) {
      let variable = inputs[0].variable()
      let output = function([variable] + inputs.dropFirst())
      // The square makes a layer that is linear in its input contribute too.
      let gradient = (output.square() * weights).sum().gradient(withRespectTo: variable, createGraph: true)
      return gradient.square().sum().gradient(withRespectTo: variable, createGraph: true).square().sum()
    }
  }

  @Test mutating func linearLayers() throws {
    let linear = Linear(3, 2, using: &generator).randomized()
    try Self.expectDerivatives(of: linear, at: [normal([2, 3])]) { linear($0[0]) }
    let convolution = Conv2d(2, 3, kernel: 3, stride: 2, using: &generator).randomized()
    try Self.expectDerivatives(of: convolution, at: [normal([1, 2, 4, 5])]) { convolution($0[0]) }
  }

  @Test func normalizations() throws {
    let group = GroupNorm(4, groups: 2).randomized()
    try Self.expectDerivatives(of: group, at: [normal([2, 4, 2, 2])]) { group($0[0]) }
    let layer = LayerNorm(5).randomized()
    try Self.expectDerivatives(of: layer, at: [normal([2, 5])]) { layer($0[0]) }
  }

  @Test mutating func attention() throws {
    let layer = SelfAttention2d(4, headFeatures: 2, groups: 2, using: &generator).randomized()
    try Self.expectDerivatives(of: layer, at: [normal([2, 4, 2, 2])]) { layer($0[0]) }
  }

  @Test(arguments: [Activation.silu, .mish, .gelu]) func activations(activation: Activation) {
    expectGradient(of: { activation($0[0]) }, at: [normal([6])], order: 3)
  }

  @Test mutating func embeddingsOfTheNoiseLevel() {
    let sinusoids = SinusoidalEmbedding(6, maximumPeriod: 10)
    expectGradient(of: { sinusoids($0[0]) }, at: [normal([3])], order: 3)
    let fourier = FourierEmbedding(4, scale: 0.1, using: &generator)
    fourier.convert(to: .float64)
    expectGradient(of: { fourier($0[0]) }, at: [normal([3]).exp()], order: 3)
  }

  private static func expectNetworkDerivatives(
    of network: some ScoreNetwork, at x: Tensor, condition: Tensor?, isConservative: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let noise = Tensor([0.3, -0.8])
    expectGradient(
      of: { network($0[0], noise: $0[1], condition: condition) }, at: [x, noise], order: 3,
      sourceLocation: sourceLocation)
    let probe = normal(x.shape, seed: 9)
    func asymmetry() -> Tensor {
      ScoreModelsTests.asymmetry(of: { network($0, noise: noise, condition: condition) }, at: x, probe: probe)
    }
    if isConservative {
      #expect(asymmetry().item() < 1e-20, sourceLocation: sourceLocation)
    } else {
      #expect(asymmetry().item() > 1e-6, sourceLocation: sourceLocation)
      try expectParameterGradient(of: network, sourceLocation: sourceLocation, asymmetry)
    }
  }

  @Test(arguments: [UNet2D.Configuration.TimeScaleShift.default, .scaleShift])
  func theUNetWithAttention(kind: UNet2D.Configuration.TimeScaleShift) throws {
    var generator = generator
    var configuration = UNet2D.Configuration(
      channels: [4, 8], attentionLevels: [1], inputChannels: 2, classCount: 2)
    configuration.resnetTimeScaleShift = kind
    configuration.attentionHeadDim = 4
    let network = UNet2D(configuration, using: &generator).randomized()
    try Self.expectNetworkDerivatives(of: network, at: normal([2, 2, 3, 4]), condition: Tensor([0, 2]))
  }

  @Test mutating func theMLP() throws {
    let network = MLP(.init(shape: [3], width: 6, blocks: 2, classCount: 2), using: &generator).randomized()
    try Self.expectNetworkDerivatives(of: network, at: normal([2, 3]), condition: nil)
  }

  @Test mutating func theEnergyNetwork() throws {
    let base = MLP(.init(shape: [3], width: 6, blocks: 1), using: &generator).randomized()
    try Self.expectNetworkDerivatives(
      of: EnergyNetwork(base), at: normal([2, 3]), condition: nil, isConservative: true)
    let images = UNet2D(.init(channels: [4]), using: &generator).randomized()
    try Self.expectNetworkDerivatives(
      of: EnergyNetwork(images), at: normal([2, 1, 2, 2]), condition: nil, isConservative: true)
    try expectParameterGradient(of: images) {
      EnergyNetwork(images)(normal([2, 1, 2, 2]), noise: Tensor([0.3, -0.8]), condition: nil).square().sum()
    }
  }
}
