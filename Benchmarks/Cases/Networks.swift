import ScoreKit

/// The networks that are timed, each with its data; peers/networks.py holds the same.
struct BenchmarkNetwork: Sendable {
  let name: String
  let batchSize: Int
  let exampleShape: [Int]
  let classCount: Int
  let makeModel: @Sendable () -> any ScoreModel

  static let sigmaData = 0.5
  static let process = EDMProcess()

  /// Points of the plane: the network that `score-train` takes for them.
  static let mlp = BenchmarkNetwork(name: "mlp", batchSize: 512, exampleShape: [2], classCount: 0) {
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    return score(MLP(MLP.Configuration(shape: [2], width: 128, blocks: 3), using: &generator))
  }

  /// Digits of 8 × 8 pixels as vectors: the network that `score-train --model mlp` takes for them, with a last layer that is not 0,
  /// so that its Jacobian is not symmetric.
  static let vectors = BenchmarkNetwork(name: "mlp-8x8", batchSize: 128, exampleShape: [1, 8, 8], classCount: 0) {
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    let network = MLP(MLP.Configuration(shape: [1, 8, 8]), using: &generator)
    for parameter in network.parameters() where (parameter.value .== 0).all() {
      parameter.value = generator.normal(parameter.shape) * 0.1
    }
    return score(network)
  }

  /// Digits of 8 × 8 pixels as vectors: 52 million parameters.
  static let large = BenchmarkNetwork(name: "mlp-50m", batchSize: 64, exampleShape: [1, 8, 8], classCount: 0) {
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    return score(MLP(MLP.Configuration(shape: [1, 8, 8], width: 1920, blocks: 4), using: &generator))
  }

  /// Digits of 8 × 8 pixels with labels.
  static let small = unet("unet-8x8", batchSize: 128, side: 8, channels: [32, 64], classCount: 10)

  /// Digits of 8 × 8 pixels as vectors, whose score is the gradient of an energy.
  static let vectorEnergy = BenchmarkNetwork(
    name: "mlp-8x8-energy", batchSize: 128, exampleShape: [1, 8, 8], classCount: 0
  ) {
    var generator = RandomGenerator(seed: 0, purpose: .initialization)
    return score(EnergyNetwork(MLP(MLP.Configuration(shape: [1, 8, 8]), using: &generator)))
  }

  /// Digits of 8 × 8 pixels, whose score is the gradient of an energy.
  static let smallEnergy = unetEnergy("unet-8x8-energy", batchSize: 128, side: 8, channels: [32, 64])

  /// Grey pictures of 28 × 28 pixels, whose score is the gradient of an energy.
  static let mediumEnergy = unetEnergy("unet-28x28-energy", batchSize: 16, side: 28, channels: [32, 64, 64])

  /// Grey pictures of 28 × 28 pixels: about a million parameters.
  static let medium = unet("unet-28x28", batchSize: 64, side: 28, channels: [32, 64, 64], classCount: 0)

  private static func unet(
    _ name: String, batchSize: Int, side: Int, channels: [Int], classCount: Int
  ) -> BenchmarkNetwork {
    BenchmarkNetwork(name: name, batchSize: batchSize, exampleShape: [1, side, side], classCount: classCount) {
      var generator = RandomGenerator(seed: 0, purpose: .initialization)
      let configuration = UNet2D.Configuration(channels: channels, layersPerBlock: 1, classCount: classCount)
      return score(UNet2D(configuration, zeroOutput: false, using: &generator))
    }
  }

  private static func unetEnergy(_ name: String, batchSize: Int, side: Int, channels: [Int]) -> BenchmarkNetwork {
    BenchmarkNetwork(name: name, batchSize: batchSize, exampleShape: [1, side, side], classCount: 0) {
      var generator = RandomGenerator(seed: 0, purpose: .initialization)
      let configuration = UNet2D.Configuration(channels: channels, layersPerBlock: 1)
      return score(EnergyNetwork(UNet2D(configuration, zeroOutput: false, using: &generator)))
    }
  }

  private static func score(_ network: some ScoreNetwork) -> any ScoreModel {
    NetworkScore(network, process: process, parameterization: .edm(sigmaData: sigmaData))
  }

  /// What is minimised.
  static let objective = DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: sigmaData))

  /// Its training.
  func makeTrainer(
    _ model: any ScoreModel, objective: any ScoreObjective = Self.objective, optimizer: any Optimizer = Adam(),
    learningRate: Double = 1e-4
  ) throws -> Trainer {
    try Trainer(
      model, process: Self.process, data: makeData(), objective: objective, optimizer: optimizer,
      settings: Trainer.Settings(
        batchSize: batchSize, schedule: LearningRateSchedule(peak: learningRate, steps: 1), averageDecay: 0.995))
  }

  /// Random data of the right shape: bytes for pictures, as files hold them.
  func makeData(count: Int = 2048) throws -> any TrainingData {
    var generator = RandomGenerator(seed: 0, purpose: .data)
    let shape = [count] + exampleShape
    guard exampleShape.count == 3 else { return try TensorData(generator.normal(shape) * Self.sigmaData) }
    return try Dataset(
      name: name, examples: generator.integers(below: 256, shape).to(.uint8),
      labels: classCount > 0 ? generator.integers(below: classCount, [count]) : nil)
  }
}
