internal import Files
public import ScoreModels
public import Torch

extension ModelConfiguration {
  /// Builds the model with initial weights drawn from a seed.
  ///
  /// - Parameters:
  ///   - seed: the seed.
  ///   - catalog: the models and processes that the program adds.
  /// - Throws: `ModelConfigurationError` or `UNet2D.ConfigurationError` if the configuration, which may come from a file,
  ///   describes no model; `UnknownModel` if it describes one that the catalog lacks; what a model of the catalog throws.
  public func makeModel(seed: UInt64, catalog: Catalog = .builtIn) throws -> any ScoreModel {
    try validate(catalog)
    return try makeModel(RandomGenerator(seed: seed, purpose: .initialization), catalog, hasElements: true)
  }

  private func makeModel(
    _ generator: RandomGenerator, _ catalog: Catalog, hasElements: Bool
  ) throws -> any ScoreModel {
    var generator = generator
    func made<Network>(_ make: () -> Network) -> Network { hasElements ? make() : withoutElements(make) }
    if let own {
      // Code of the program's own may look at elements, so they are always there.
      return wrapped(try catalog.model(named: own.name).make(own.options, for: context(catalog), using: &generator))
    }
    if let mlp { return try score(made { MLP(mlp, using: &generator) }, catalog) }
    if let unet { return try score(made { UNet2D(unet, using: &generator) }, catalog) }
    throw ModelConfigurationError("the configuration names neither an MLP nor a U-Net")
  }

  /// What the model is made for.
  private func context(_ catalog: Catalog) throws -> ModelContext {
    ModelContext(
      exampleShape: shape, classCount: classCount, sigmaData: sigmaData, process: try process.makeProcess(catalog))
  }

  /// Builds the model with given weights.
  ///
  /// The configuration is compared with the weights before memory for the network is allocated, so a configuration that
  /// does not fit costs nothing. No random weights are drawn for a built-in network.
  ///
  /// - Parameters:
  ///   - weights: the weights by name.
  ///   - catalog: the models and processes that the program adds.
  /// - Throws: as `makeModel(seed:catalog:)`; `StateMismatch` for weights of another model.
  public func makeModel(weights: [String: Tensor], catalog: Catalog = .builtIn) throws -> any ScoreModel {
    let model = try outline(for: weights, catalog)
    try model.load(weights)
    return model
  }

  /// Checks, without building the model, that weights fit it.
  ///
  /// Call it before `makeModel(seed:catalog:)` if the configuration comes from a file.
  ///
  /// - Throws: as `makeModel(weights:catalog:)`.
  public func check(weights: [String: Tensor], catalog: Catalog = .builtIn) throws {
    try outline(for: weights, catalog).check(weights)
  }

  /// The model, without memory for the elements of a built-in one; an error if it has more tensors than the weights.
  private func outline(for weights: [String: Tensor], _ catalog: Catalog) throws -> any ScoreModel {
    try validate(catalog)
    // A network that is built without elements still takes memory for each of its parts.
    let count = max(mlp?.minimumTensorCount ?? 0, unet?.minimumTensorCount ?? 0)
    guard count <= weights.count else {
      throw ModelConfigurationError(
        "the configuration describes a network of \(count) tensors or more, and the weights hold \(weights.count): they belong to another model"
      )
    }
    return try makeModel(RandomGenerator(seed: 0, purpose: .initialization), catalog, hasElements: false)
  }

  /// Checks the values of a configuration, which may come from a file, without building anything large.
  ///
  /// - Throws: `ModelConfigurationError`, `UnknownModel` or `UNet2D.ConfigurationError`.
  func validate(_ catalog: Catalog) throws {
    try validateExamples()
    if let own {
      _ = try catalog.model(named: own.name)
      guard mlp == nil, unet == nil, !isEnergy, (0...1_000_000).contains(classCount) else {
        throw ModelConfigurationError("the configuration describes another network beside the model \(own.name)")
      }
    } else if let mlp {
      try mlp.validate()
      guard mlp.shape == shape, mlp.classCount == classCount else {
        throw ModelConfigurationError(
          "an MLP for examples of shape \(mlp.shape) in \(mlp.classCount) classes does not model \(shape) in \(classCount)"
        )
      }
    } else if let unet {
      try unet.validate()
      guard shape.count == 3, shape[0] == unet.inChannels, max(0, (unet.numClassEmbeds ?? 1) - 1) == classCount else {
        throw ModelConfigurationError(
          "a U-Net of \(unet.inChannels) channels does not model examples of shape \(shape) in \(classCount) classes")
      }
      guard unet.takes(side: shape[1]), unet.takes(side: shape[2]) else {
        throw ModelConfigurationError(
          "a U-Net that halves images \(unet.blockOutChannels.count - 1) times does not model examples of shape \(shape)"
        )
      }
    }
    _ = try process.makeProcess(catalog)
  }

  private var parameterization: Parameterization {
    switch prediction ?? (process.kind == .ddpm ? .noise : .edm) {
    case .edm: .edm(sigmaData: sigmaData, noiseScale: noiseScale ?? 10)
    case .noise: .noise(timeScale: 1)
    case .velocity: .velocity(timeScale: 1)
    case .denoised: .denoised(timeScale: 1)
    }
  }

  /// The score model around a network.
  ///
  /// - Throws: `ModelConfigurationError`.
  func score(_ network: some ScoreNetwork, _ catalog: Catalog = .builtIn) throws -> any ScoreModel {
    let process = try process.makeProcess(catalog)
    let model: any ScoreModel
    if isEnergy {
      let energy = EnergyNetwork(network, form: energyForm ?? .product)
      model = NetworkScore(energy, process: process, parameterization: parameterization)
    } else {
      model = NetworkScore(network, process: process, parameterization: parameterization)
    }
    return wrapped(model)
  }

  /// The model with what is learned beside it.
  private func wrapped(_ model: any ScoreModel) -> any ScoreModel {
    learnsUncertainty == true ? UncertainScore(model) : model
  }
}

extension MLP.Configuration {
  /// Checks the sizes.
  ///
  /// - Throws: `ModelConfigurationError`.
  public func validate() throws(ModelConfigurationError) {
    let features = shape.reduce(1.0) { $0 * Double($1) }
    let parameters = Double(width) * (2 * features + 3 * Double(blocks) * Double(width))
    guard (1...16).contains(shape.count), shape.allSatisfy({ $0 > 0 }), width >= 2, blocks >= 1,
      (0...1_000_000).contains(classCount), parameters < 4e9
    else {
      throw ModelConfigurationError(
        "an MLP of width \(width) with \(blocks) blocks for examples of shape \(shape.prefix(16)) cannot be built")
    }
  }

  /// The number of tensors in the blocks: a lower bound for the network.
  fileprivate var minimumTensorCount: Int { 6 * blocks }
}

extension UNet2D.Configuration {
  /// The number of tensors in the residual blocks without their shortcuts: a lower bound for the network.
  var minimumTensorCount: Int {
    10 * (blockOutChannels.count * (2 * layersPerBlock + 1) + (midBlockType == nil ? 0 : 2))
  }

  /// Whether an image side can be halved once for each resolution below the first.
  func takes(side: Int) -> Bool {
    var side = side
    for type in downBlockTypes.dropLast() {
      let padding: Int =
        switch type {
        case .plain: downsamplePadding
        case .attention: downsampleType == .conv ? downsamplePadding : 0
        case .resnet: 0
        }
      if padding == 0 && side < 2 { return false }
      // Either means of pairs, or a convolution with kernel 3 and stride 2.
      side = padding == 0 ? side / 2 : (side + 2 * padding - 3) / 2 + 1
    }
    return true
  }
}
