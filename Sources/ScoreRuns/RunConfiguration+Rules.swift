public import Checkpoints
internal import ScoreModels
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
      weighting == .likelihood ? .logUniform : process == .edm ? .logNormal() : .uniformTime
    return DenoisingScoreMatching(noiseLevels: noiseLevels, weighting: lossWeighting)
  }

  /// The default weighting: a network that predicts the noise is trained as in DDPM.
  var defaultWeighting: Weighting { process == .ddpm ? .inverseVariance : .edm }
}

extension ResolvedConfiguration {
  /// Makes a trainer of a new model from these options and the model's configuration.
  ///
  /// - Throws: `ModelConfigurationError`.
  public func makeTrainer(
    of model: ModelConfiguration, on data: any TrainingData, device: Device = .cpu
  ) throws -> Trainer {
    let scoreModel = try model.makeModel(seed: options.seed)
    scoreModel.move(to: device)
    let process = try model.process.makeProcess()
    let schedule = LearningRateSchedule(peak: learningRate, warmupSteps: warmup, decay: options.decay, steps: steps)
    let (objective, optimizer) = makeRules(for: scoreModel, process: process, data: data, sigmaData: model.sigmaData)
    return Trainer(
      scoreModel, process: process, data: data, objective: objective, optimizer: optimizer,
      settings: Trainer.Settings(
        seed: options.seed, batchSize: batchSize, schedule: schedule, gradientClip: options.gradientClip,
        averageDecay: ema, labelDropout: model.classCount > 0 ? 0.1 : 0,
        nullLabel: model.classCount > 0 ? model.classCount : nil,
        augmentation: augmentation.isIdentity ? nil : augmentation))
  }

  /// How images are changed at random.
  private var augmentation: Augmentation {
    let flip = options.flip
    return Augmentation(
      flipsHorizontally: flip == .horizontal || flip == .both, flipsVertically: flip == .vertical || flip == .both,
      shift: options.shift)
  }

  /// The objective that a run minimises, without penalties.
  private func makeScoreObjective(sigmaData: Double) -> any ScoreObjective {
    let base = options.makeObjective(sigmaData: sigmaData)
    return switch options.objective {
    case .denoising: weighting == .uncertainty ? UncertaintyWeighting(base) : base
    case .sliced: SlicedScoreMatching(noiseLevels: base.noiseLevels, weighting: base.weighting)
    case .implicit: ImplicitScoreMatching(noiseLevels: base.noiseLevels, weighting: base.weighting)
    }
  }

  /// The loss that a run minimises, and the optimizer that changes the weights.
  private func makeRules(
    for model: any ScoreModel, process: any DiffusionProcess, data: any TrainingData, sigmaData: Double
  ) -> (objective: any ScoreObjective, optimizer: any Optimizer) {
    var objective: any ScoreObjective = makeScoreObjective(sigmaData: sigmaData)
    let adam = Adam(weightDecay: options.weightDecay)
    var optimizer: any Optimizer = adam
    switch conservativeness {
    case .off, .energy: break
    case .penalty(let weight): objective = AsymmetryPenalty(objective, weight: weight)
    case .projection(let interval):
      optimizer = NullSpaceProjected.conservative(
        adam, of: model, process: process, data: data, interval: interval, seed: options.seed)
    }
    if options.sparsity > 0 {
      optimizer = NullSpaceProjected(
        adam,
        constraint: WeightSparsity(
          of: model, target: options.sparsity, schedule: SparsitySchedule(steps: steps)))
    }
    return (objective, optimizer)
  }
}
