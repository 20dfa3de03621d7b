public import Checkpoints
public import Datasets
internal import Files
public import ScoreModels
internal import Torch

/// What a run uses: the options of a `RunConfiguration` with every choice made.
///
/// `RunConfiguration.resolved(for:)` makes it; an option that is still open does not exist here.
public struct ResolvedConfiguration: Hashable, Sendable {
  /// The sizes of a network.
  public enum Network: Hashable, Sendable {
    /// A multilayer perceptron of a width, with a number of residual blocks.
    case mlp(width: Int, blocks: Int)
    /// A U-Net of the channels of its levels, with a number of residual blocks on each level.
    case unet(channels: [Int], blocks: Int)
    /// A model of the program's own, with its name and configuration.
    case own(NamedConfiguration)
  }

  /// How the score is made conservative, with the numbers that belong to it.
  public enum Conservativeness: Hashable, Sendable {
    /// No measure is taken.
    case off
    /// A penalty on the asymmetry of the Jacobian, with its weight.
    case penalty(weight: Double)
    /// Every so many steps an update is projected onto those that make the Jacobian symmetric.
    case projection(every: Int)
    /// The score is the gradient of an energy.
    case energy
  }

  /// The options, all of them set, as `config.json` holds them.
  public let options: RunConfiguration
  /// A built-in data set, the path of one, or the name of data that came from neither.
  public let data: String
  /// The network.
  public let network: Network
  /// How the score is made conservative.
  public let conservativeness: Conservativeness
  /// How noise levels are drawn and weighed.
  public let weighting: RunConfiguration.Weighting
  /// The number of training steps.
  public let steps: Int
  /// The number of examples in a step.
  public let batchSize: Int
  /// The learning rate after the warm-up.
  public let learningRate: Double
  /// The number of steps over which the learning rate grows.
  public let warmup: Int
  /// The decay of the moving average of the weights.
  public let ema: Double
  /// The number of threads on the processor.
  public let threads: Int
  /// The number of steps between checkpoints.
  public let checkpointEvery: Int
  /// The number of steps between sample grids; 0 for none.
  public let sampleEvery: Int

  /// Chooses what options leave open, to suit the data.
  fileprivate init(_ open: RunConfiguration, for dataset: Dataset, _ catalog: Catalog) throws(ConfigurableError) {
    let shape = dataset.exampleShape
    let isSmall = shape.reduce(1, *) <= 256
    let pixels = shape.dropFirst().reduce(1, *)
    let own = catalog.models.first { $0.name == open.model.rawValue }
    let isMLP = own == nil ? !open.isUNet(for: dataset) : !dataset.isImages
    weighting = open.weighting ?? open.defaultWeighting
    batchSize = open.batchSize ?? (isMLP ? 512 : isSmall ? 128 : min(64, max(4, 65536 / pixels)))
    steps = open.steps ?? (isMLP ? 5000 : isSmall ? 1500 : 10_000)
    learningRate = open.learningRate ?? (isSmall ? 2e-3 : 1e-3)
    ema = open.ema ?? 0.995
    warmup = open.warmup ?? min(500, steps / 20)
    threads = open.threads ?? Engine.threadCount
    checkpointEvery = open.checkpointEvery ?? max(1, steps / 10)
    sampleEvery = open.sampleEvery ?? max(1, steps / 10)
    conservativeness =
      switch open.conservative {
      case .off: .off
      case .penalty: .penalty(weight: open.penaltyWeight ?? 100)
      case .projection: .projection(every: open.projectionEvery ?? max(1, steps / 12))
      case .energy: .energy
      }
    if let own {
      network = .own(try NamedConfiguration(own, options: open.modelOptions))
    } else if isMLP {
      network = .mlp(width: open.width ?? 128, blocks: open.blocks ?? 3)
    } else {
      network = .unet(
        channels: open.channels ?? (isSmall ? [32, 64] : Self.levels(for: max(shape[1], shape[2]))),
        blocks: open.blocks ?? (isSmall ? 1 : 2))
    }

    var options = open
    options.makePathsAbsolute(catalog)
    options.loading = dataset.isStreamed ? .stream : .memory
    (options.weighting, options.batchSize, options.steps) = (weighting, batchSize, steps)
    (options.learningRate, options.ema, options.warmup, options.threads) = (learningRate, ema, warmup, threads)
    (options.checkpointEvery, options.sampleEvery) = (checkpointEvery, sampleEvery)
    switch network {
    case .mlp(let width, let blocks): (options.model, options.width, options.blocks) = (.mlp, width, blocks)
    case .unet(let channels, let blocks): (options.model, options.channels, options.blocks) = (.unet, channels, blocks)
    case .own(let own): options.modelOptions = own.options
    }
    if open.drawsNormalNoiseLevels {
      options.noiseMean = open.noiseMean ?? RunConfiguration.noiseMean
      options.noiseDeviation = open.noiseDeviation ?? RunConfiguration.noiseDeviation
    }
    if open.hasNoiseRange {
      let standard = ProcessConfiguration(open.process)
      (options.sigmaMin, options.sigmaMax) = (open.sigmaMin ?? standard.minimum, open.sigmaMax ?? standard.maximum)
    }
    // The files hold all members of a configuration, so that defaults may change later.
    func complete(_ options: inout JSONValue?, _ types: [any Configurable.Type], _ name: String?)
      throws(ConfigurableError)
    {
      guard let type = types.first(where: { $0.name == name }) else { return }
      options = try NamedConfiguration(type, options: options).options
    }
    try complete(&options.processOptions, catalog.processes, options.process.rawValue)
    try complete(&options.objectiveOptions, catalog.objectives, options.objective.rawValue)
    try complete(&options.constraintOptions, catalog.constraints, options.constraint)
    try complete(&options.dataOptions, catalog.data, options.data)
    switch conservativeness {
    case .penalty(let weight): options.penaltyWeight = weight
    case .projection(let every): options.projectionEvery = every
    case .off, .energy: break
    }
    self.options = options
    data = options.data ?? dataset.name
  }

  /// The channels of the levels: as many levels as reduce an image to 16 pixels, where attention is cheap.
  private static func levels(for side: Int) -> [Int] {
    var channels = [32, 64, 64]
    while side >> (channels.count - 1) > 16, channels.count < 8 { channels.append(128) }
    return channels
  }
}

extension RunConfiguration {
  /// Chooses all open options to suit the data, and describes the model.
  ///
  /// - Parameters:
  ///   - dataset: the data.
  ///   - sigmaData: σ_d, if it is known from an earlier run; by default the standard deviation of the data.
  ///   - catalog: what the program adds to the built-in models.
  /// - Throws: `RunError` for options that do not suit the data.
  public func resolved(
    for dataset: Dataset, sigmaData: Double? = nil, catalog: Catalog = .builtIn
  ) throws(RunError) -> (configuration: ResolvedConfiguration, model: ModelConfiguration) {
    try validate(catalog)
    try validate(for: dataset, catalog)
    let result: ResolvedConfiguration
    let processConfiguration: ProcessConfiguration
    do {
      result = try ResolvedConfiguration(self, for: dataset, catalog)
      processConfiguration = try makeProcessConfiguration(catalog)
    } catch {
      throw RunError(.usage, (error as? any Failure)?.sentence ?? "\(error)")
    }
    let deviation: Double
    do throws(DataError) {
      if let sigmaData { deviation = sigmaData } else { deviation = try dataset.standardDeviation }
    } catch {
      throw RunError(.data, error.sentence)
    }
    guard deviation > 0, deviation.isFinite else {
      throw RunError(.data, "all values in \(data ?? dataset.name) are the same: there is no distribution to learn")
    }
    let (shape, classCount) = (dataset.exampleShape, classConditional ? dataset.classCount : 0)
    var model: ModelConfiguration
    switch result.network {
    case .mlp(let width, let blocks):
      model = ModelConfiguration(
        mlp: MLP.Configuration(shape: shape, width: width, blocks: blocks, classCount: classCount),
        process: processConfiguration, sigmaData: deviation, isEnergy: conservative == .energy)
    case .unet(let channels, let blocks):
      let unet = UNet2D.Configuration(
        channels: channels, layersPerBlock: blocks, inputChannels: shape[0], classCount: classCount)
      model = ModelConfiguration(
        unet: unet, shape: shape, process: processConfiguration, sigmaData: deviation,
        isEnergy: conservative == .energy)
    case .own(let own):
      model = ModelConfiguration(
        own: own, shape: shape, classCount: classCount, process: processConfiguration, sigmaData: deviation)
    }
    if weighting == .uncertainty { model.learnsUncertainty = true }
    return (result, model)
  }

  /// Whether the network is a U-Net, which `auto` takes for images.
  fileprivate func isUNet(for dataset: Dataset) -> Bool {
    model == .unet || model == .auto && dataset.isImages
  }

  /// Checks that the options suit the data.
  private func validate(for dataset: Dataset, _ catalog: Catalog) throws(RunError) {
    let name = data ?? dataset.name
    if case .own(let own) = model { try validate(own, catalog) }
    if model == .unet && !dataset.isImages {
      throw RunError(
        .usage, "\(option: "model") unet needs images, and \(name) holds points; use \(option: "model") mlp")
    }
    let isUNet = isUNet(for: dataset)
    let isOwn = if case .own = model { true } else { false }
    if !isOwn && isUNet && width != nil {
      throw RunError(.usage, "\(option: "width") is the width of an MLP; a U-Net takes \(option: "channels")")
    }
    if !isOwn && !isUNet && channels != nil {
      throw RunError(.usage, "\(option: "channels") are the levels of a U-Net; an MLP takes \(option: "width")")
    }
    if !dataset.isImages && (flip != .none || shift > 0) {
      throw RunError(
        .usage, "\(option: "flip") and \(option: "shift") change images, and \(name) holds points")
    }
    if let side = dataset.exampleShape.dropFirst().min(), shift >= side, shift > 0 {
      throw RunError(
        .usage,
        "\(option: "shift") \(shift) moves images of \(side) pixels a side out of sight; take a smaller one")
    }
    if weighting == .uncertainty && objective != .denoising {
      throw RunError(
        .usage,
        "\(option: "weighting") uncertainty belongs to \(option: "objective") denoising, not to \(objective.rawValue)")
    }
    let dimensions = dataset.exampleShape.reduce(1, *)
    if objective == .implicit && dimensions > 64 {
      throw RunError(
        .usage,
        "\(option: "objective") implicit takes a backward pass for each of the \(dimensions) numbers of an example, "
          + "more than 64; take \(option: "objective") sliced")
    }
    if conservative == .projection && sparsity > 0 {
      throw RunError(
        .usage,
        "\(option: "sparsity") and \(option: "conservative") projection are both projections of an update; take one, "
          + "or a penalty")
    }
    if constraint != nil, conservative == .projection || sparsity > 0 {
      let other = sparsity > 0 ? "sparsity" : "conservative"
      throw RunError(
        .usage, "\(option: "constraint") and \(option: other) are both projections of an update; take one")
    }
    for (name, isGiven, way) in [
      ("penalty-weight", penaltyWeight != nil, Conservative.penalty),
      ("projection-every", projectionEvery != nil, .projection),
    ] where isGiven && conservative != way {
      throw RunError(
        .usage,
        "\(option: name) belongs to \(option: "conservative") \(way.rawValue), not to \(conservative.rawValue)")
    }
    if classConditional && dataset.classCount == 0 {
      throw RunError(
        .usage,
        "\(option: "class-conditional") needs labels, and \(name) has none; IDX files and .npy arrays take them with "
          + "\(option: "labels")")
    }
  }
}

extension RunConfiguration {
  /// Checks that the options suit a model of the program's own.
  fileprivate func validate(_ name: String, _ catalog: Catalog) throws(RunError) {
    for (option, isGiven) in [("width", width != nil), ("channels", channels != nil), ("blocks", blocks != nil)]
    where isGiven {
      throw RunError(
        .usage, "\(option: option) belongs to the built-in networks; \(name) has \(option: "model-options")")
    }
    let model = catalog.models.first { $0.name == name }
    if conservative == .energy && !(model is any EnergyModel.Type) {
      throw RunError(
        .usage,
        "\(option: "conservative") energy makes a built-in network the gradient of an energy; the model \(name) would have to be an energy model itself"
      )
    }
  }
}
