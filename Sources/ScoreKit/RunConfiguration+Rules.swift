extension RunConfiguration {
  /// What a run minimises, and how it changes the weights.
  ///
  /// The configuration is one that `resolved(for:)` returned.
  func makeRules(
    for model: any ScoreModel, process: any DiffusionProcess, data: any TrainingData, sigmaData: Double
  ) -> (objective: any ScoreObjective, optimizer: any Optimizer) {
    let noiseLevels: NoiseDistribution = self.process == .edm ? .logNormal() : .uniformTime
    var objective: any ScoreObjective = DenoisingScoreMatching(
      noiseLevels: noiseLevels, weighting: .edm(sigmaData: sigmaData))
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
