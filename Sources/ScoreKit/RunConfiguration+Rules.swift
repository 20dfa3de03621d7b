extension RunConfiguration {
  /// A trainer of a new model by these options, which `resolved(for:)` returned with the model's configuration.
  ///
  /// - Throws: `ModelConfigurationError`.
  public func makeTrainer(
    of model: ModelConfiguration, on data: any TrainingData, device: Device = .cpu
  ) throws -> Trainer {
    let scoreModel = try model.makeModel(seed: seed)
    scoreModel.move(to: device)
    let process = try model.process.makeProcess()
    let schedule = LearningRateSchedule(
      peak: learningRate ?? 0, warmupSteps: warmup ?? 0, decay: decay, steps: steps ?? 0)
    let (objective, optimizer) = makeRules(for: scoreModel, process: process, data: data, sigmaData: model.sigmaData)
    return Trainer(
      scoreModel, process: process, data: data, objective: objective, optimizer: optimizer,
      settings: Trainer.Settings(
        seed: seed, batchSize: batchSize ?? 1, schedule: schedule, gradientClip: gradientClip, averageDecay: ema ?? 0,
        labelDropout: model.classCount > 0 ? 0.1 : 0, nullLabel: model.classCount > 0 ? model.classCount : nil))
  }

  /// What a run minimises, apart from penalties.
  public func makeObjective(sigmaData: Double) -> DenoisingScoreMatching {
    DenoisingScoreMatching(
      noiseLevels: process == .edm ? .logNormal() : .uniformTime, weighting: .edm(sigmaData: sigmaData))
  }

  /// What a run minimises, and how it changes the weights.
  private func makeRules(
    for model: any ScoreModel, process: any DiffusionProcess, data: any TrainingData, sigmaData: Double
  ) -> (objective: any ScoreObjective, optimizer: any Optimizer) {
    var objective: any ScoreObjective = makeObjective(sigmaData: sigmaData)
    let adam = Adam(weightDecay: weightDecay)
    var optimizer: any Optimizer = adam
    switch conservative {
    case .off, .energy: break
    case .penalty: objective = AsymmetryPenalty(objective, weight: penaltyWeight ?? 0)
    case .projection:
      optimizer = NullSpaceProjected.conservative(
        adam, of: model, process: process, data: data, interval: projectionEvery ?? 1, seed: seed)
    }
    if sparsity > 0 {
      optimizer = NullSpaceProjected(
        adam,
        constraint: WeightSparsity(of: model, target: sparsity, schedule: SparsitySchedule(steps: steps ?? 0)))
    }
    return (objective, optimizer)
  }
}
