public import Checkpoints
internal import Files
public import ScoreModels
public import ScoreTraining
public import Torch

extension RunConfiguration {
  /// The objective that gives a run its noise levels and their weights.
  public func makeObjective(sigmaData: Double) -> DenoisingScoreMatching {
    let lossWeighting: LossWeighting =
      switch weighting ?? defaultWeighting {
      case .edm, .uncertainty: .edm(sigmaData: sigmaData)
      case .inverseVariance, .likelihood: .inverseVariance
      case .minSNR: .minSNR(sigmaData: sigmaData)
      }
    let noiseLevels: NoiseDistribution =
      weighting == .likelihood
      ? .logUniform
      : drawsNormalNoiseLevels
        ? .logNormal(mean: noiseMean ?? Self.noiseMean, deviation: noiseDeviation ?? Self.noiseDeviation) : .uniformTime
    return DenoisingScoreMatching(noiseLevels: noiseLevels, weighting: lossWeighting)
  }

  // P_mean and P_std of Karras et al. (2022), arXiv 2206.00364, table 1.
  static let (noiseMean, noiseDeviation) = (-1.2, 1.2)

  /// Whether log σ is drawn from a normal distribution.
  var drawsNormalNoiseLevels: Bool {
    weighting != .likelihood && (process == .edm || noiseMean != nil || noiseDeviation != nil)
  }

  /// The default weighting: a network that predicts the noise is trained as in DDPM.
  var defaultWeighting: Weighting { process == .ddpm ? .inverseVariance : .edm }
}

extension ResolvedConfiguration {
  /// Makes a trainer of a new model from these options and the model's configuration.
  ///
  /// - Parameters:
  ///   - model: the configuration of the model.
  ///   - data: the examples.
  ///   - device: where the model is trained.
  ///   - catalog: what the program adds to the built-in models.
  /// - Throws: `ModelConfigurationError`, and what the model, objective or constraint of the catalog throw.
  public func makeTrainer(
    of model: ModelConfiguration, on data: any TrainingData, device: Device = .cpu, catalog: Catalog = .builtIn
  ) throws -> Trainer {
    let scoreModel = try sayingWhatIsWrong { try model.makeModel(seed: options.seed, catalog: catalog) }
    scoreModel.move(to: device)
    let process = try model.process.makeProcess(catalog)
    let schedule = LearningRateSchedule(peak: learningRate, warmupSteps: warmup, decay: options.decay, steps: steps)
    let context = ModelContext(
      exampleShape: model.shape, classCount: model.classCount, sigmaData: model.sigmaData, process: process)
    let (objective, optimizer) = try makeRules(for: scoreModel, context, data: data, catalog)
    let own = ((scoreModel as? UncertainScore)?.base ?? scoreModel) as? any ConfigurableScoreModel
    if let own, own.learningRateFactors != nil, optimizer is any ProjectingOptimizer {
      throw RunError(
        .usage,
        "the parts of the \(option: "model") \(type(of: own).name) have learning rates of their own, which do not go with projected updates; "
          + "leave out \(option: "constraint"), \(option: "sparsity") and \(option: "conservative") projection")
    }
    return Trainer(
      scoreModel, process: process, data: data, objective: objective, optimizer: optimizer,
      settings: Trainer.Settings(
        seed: options.seed, batchSize: batchSize, schedule: schedule, gradientClip: options.gradientClip,
        averageDecay: ema, labelDropout: model.classCount > 0 ? 0.1 : 0,
        nullLabel: model.classCount > 0 ? model.classCount : nil,
        augmentation: augmentation.isIdentity ? nil : augmentation, learningRateFactors: own?.learningRateFactors))
  }

  /// How images are changed at random.
  private var augmentation: Augmentation {
    let flip = options.flip
    return Augmentation(
      flipsHorizontally: flip == .horizontal || flip == .both, flipsVertically: flip == .vertical || flip == .both,
      shift: options.shift)
  }

  /// The objective that a run minimises, without penalties.
  private func makeScoreObjective(_ context: ModelContext, _ catalog: Catalog) throws -> any ScoreObjective {
    let base = options.makeObjective(sigmaData: context.sigmaData)
    switch options.objective {
    case .denoising: return weighting == .uncertainty ? UncertaintyWeighting(base) : base
    case .sliced: return SlicedScoreMatching(noiseLevels: base.noiseLevels, weighting: base.weighting)
    case .implicit: return ImplicitScoreMatching(noiseLevels: base.noiseLevels, weighting: base.weighting)
    case .own(let name):
      guard let type = catalog.objectives.first(where: { $0.name == name }) else {
        throw RunError(.usage, "this program does not know the \(option: "objective") \(name)")
      }
      return try sayingWhatIsWrong { try type.make(options.objectiveOptions, for: context, denoising: base) }
    }
  }

  /// The loss that a run minimises, and the optimizer that changes the weights.
  private func makeRules(
    for model: any ScoreModel, _ context: ModelContext, data: any TrainingData, _ catalog: Catalog
  ) throws -> (objective: any ScoreObjective, optimizer: any Optimizer) {
    var objective = try makeScoreObjective(context, catalog)
    let adam = Adam(weightDecay: options.weightDecay)
    var optimizer: any Optimizer = adam
    switch conservativeness {
    case .off, .energy: break
    case .penalty(let weight): objective = AsymmetryPenalty(objective, weight: weight)
    case .projection(let interval):
      optimizer = NullSpaceProjected.conservative(
        adam, of: model, process: context.process, data: data, interval: interval, seed: options.seed)
    }
    if options.sparsity > 0 {
      optimizer = NullSpaceProjected(
        adam,
        constraint: WeightSparsity(
          of: model, target: options.sparsity, schedule: SparsitySchedule(steps: steps)))
    }
    if let name = options.constraint {
      guard let type = catalog.constraints.first(where: { $0.name == name }) else {
        throw RunError(.usage, "this program does not know the \(option: "constraint") \(name)")
      }
      let constraint = try sayingWhatIsWrong {
        try type.make(
          options.constraintOptions,
          for: ConstraintContext(
            model: model, process: context.process, data: data, steps: steps, seed: options.seed))
      }
      optimizer = NullSpaceProjected(adam, constraint: constraint, schedule: constraint.schedule)
    }
    return (objective, optimizer)
  }
}

/// Runs code of the program's own, whose errors are about the options of the run.
private func sayingWhatIsWrong<Result>(_ make: () throws -> Result) throws -> Result {
  do {
    return try make()
  } catch let error as ConfigurableError {
    throw RunError(.usage, error.sentence)
  } catch let error where !(error is any Failure) {
    throw RunError(.usage, "\(error)")
  }
}

extension ConfigurableObjective {
  /// The objective that JSON describes.
  fileprivate static func make(
    _ options: JSONValue?, for context: ModelContext, denoising: DenoisingScoreMatching
  ) throws -> any ScoreObjective {
    try Self(configuration(from: options), for: context, denoising: denoising)
  }
}

extension ConfigurableConstraint {
  /// The constraint that JSON describes.
  fileprivate static func make(
    _ options: JSONValue?, for context: ConstraintContext
  ) throws -> any ConfigurableConstraint {
    try Self(configuration(from: options), for: context)
  }
}
