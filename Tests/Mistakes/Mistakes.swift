import Foundation
import ScoreKit

/// A program that makes the mistake that its argument names; without an argument it lists them.
@main struct Mistakes {
  static func main() {
    guard let name = CommandLine.arguments.dropFirst().first else {
      for mistake in Mistake.allCases { print(mistake.rawValue) }
      return
    }
    do {
      try Mistake(rawValue: name)?.make()
      print("nothing was wrong with \(name)")
    } catch {
      FileHandle.standardError.write(Data("thrown: \(error)\n".utf8))
      exit(3)
    }
  }
}

enum Mistake: String, CaseIterable {
  // Mistakes of a program
  case groups, elements, rows, threads, operands, dimension, parameterShape, seeds, network, mixture, process, embedding
  case gridOfNothing, pixels, picture, chart, points, diagonal, decay, noParameters
  case unknownPart, allFrozen, projectedGroups, negativeFactor
  // Models that are refused
  case scoreInTraining, scoreInSampling, scoreInTweedie, networkOutput, energyShape
  case parametersInSet, parametersInClass, parametersUnderOddKeys, parametersOfOneName
  // Mistakes in data and settings, which are thrown
  case noExamples, noTrainingExamples, noBatch, noSamplingBatch, labelCount, trainingLabelCount, negativeLabel,
    floatImages

  func make() throws {
    var generator = RandomGenerator(seed: 0)
    let process = EDMProcess()
    func train(
      _ model: any ScoreModel, _ data: any TrainingData, batchSize: Int = 8, optimizer: any Optimizer = Adam(),
      factors: [String: Double]? = nil
    ) throws {
      let trainer = Trainer(
        model, process: process, data: data,
        objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: 1)),
        optimizer: optimizer,
        settings: .init(
          batchSize: batchSize, schedule: .init(peak: 1e-3, steps: 2), learningRateFactors: factors))
      try trainer.advance()
    }
    func sample(_ model: any ScoreModel, batchSize: Int? = nil) throws {
      _ = try HeunSampler(steps: 2).sample(
        from: model, process: process, shape: [2], seeds: [0, 1, 2], batchSize: batchSize)
    }
    let points = generator.normal([20, 2])
    let layer = Linear(2, 2, using: &generator)
    let (x, t) = (Tensor.ones([4, 2]), Tensor.ones([4]))
    switch self {
    case .groups: _ = GroupNorm(10, groups: 4)
    case .elements: _ = Tensor([1.0, 2], shape: [3])
    case .rows: _ = Tensor([[1.0, 2], [3]])
    case .threads: Engine.threadCount = 0
    case .operands: _ = Tensor.ones([3]) + Tensor.ones([2])
    case .dimension: _ = Tensor.ones([3]).size(1)
    case .parameterShape: Parameter(.ones([2])).value = .ones([3])
    case .seeds: _ = generator.integers(below: 0, [1])
    case .network: _ = MLP(.init(shape: [2], width: 8, blocks: 0), using: &generator)
    case .mixture:
      _ = GaussianMixtureScore(weights: [1], means: .ones([2, 2]), covariances: .ones([1]), process: process)
    case .process: _ = VarianceExploding(sigmaMin: 2, sigmaMax: 1)
    case .embedding: _ = FourierEmbedding(3, using: &generator)
    case .gridOfNothing: _ = ImageGrid().image(of: [])
    case .pixels: _ = Image(width: 2, height: 2, channels: 1, pixels: [0])
    case .picture: _ = Pixels.images(.ones([1, 2, 3, 3]))
    case .chart: _ = LineChart(series: [], width: 10)
    case .points: _ = Dataset.points(.moons, count: 0)
    case .diagonal: _ = DiagonalOperator(.ones([2, 2]))
    case .decay: _ = ExponentialMovingAverage(decay: 1, value: .ones([1]))
    case .noParameters: try train(Unparameterized(), TensorData(points))
    case .unknownPart: try train(LinearScore(layer: layer), TensorData(points), factors: ["lay": 0])
    case .allFrozen: try train(LinearScore(layer: layer), TensorData(points), factors: ["": 0])
    case .negativeFactor: try train(LinearScore(layer: layer), TensorData(points), factors: ["layer.bias": -1])
    case .projectedGroups:
      let model = LinearScore(layer: layer)
      try train(
        model, TensorData(points), optimizer: NullSpaceProjected(Adam(), constraint: FixedNorm(of: model)),
        factors: ["layer.bias": 0])
    case .scoreInTraining: try train(ScalarScore(layer: Linear(2, 1, using: &generator)), TensorData(points))
    case .scoreInSampling: try sample(ScalarScore(layer: Linear(2, 1, using: &generator)))
    case .scoreInTweedie:
      _ = ScalarScore(layer: Linear(2, 1, using: &generator)).denoised(x, at: t, process: process)
    case .networkOutput:
      let network = ScalarNetwork(layer: Linear(2, 1, using: &generator))
      try sample(NetworkScore(network, process: process, parameterization: .edm(sigmaData: 1)))
    case .energyShape:
      _ = FixedBatchScore(WrongEnergy(layer: layer)).energyModel?.energy(x, at: t)
    case .parametersInSet: try train(SetModel(layers: [.init(layer)]), TensorData(points))
    case .parametersInClass: try train(ClassModel(store: .init(layer)), TensorData(points))
    case .parametersUnderOddKeys: try train(KeyedModel(layers: [0.5: layer]), TensorData(points))
    case .parametersOfOneName:
      try train(TwinModel(first: layer, second: Linear(2, 2, using: &generator)), TensorData(points))
    case .noExamples: _ = try Dataset(name: "none", examples: .zeros([0, 2]))
    case .noTrainingExamples: try train(LinearScore(layer: layer), NoData())
    case .noBatch: try train(LinearScore(layer: layer), TensorData(points), batchSize: 0)
    case .noSamplingBatch: try sample(LinearScore(layer: layer), batchSize: 0)
    case .labelCount: _ = try Dataset(name: "few", examples: points, labels: Tensor([0, 1]))
    case .trainingLabelCount: _ = try TensorData(points, labels: Tensor([0, 1]))
    case .negativeLabel: _ = try Dataset(name: "few", examples: points[0..<2], labels: Tensor([0, -1]))
    case .floatImages: _ = try Dataset(name: "floats", examples: .ones([2, 1, 4, 4]))
    }
  }
}
