import Foundation
import ScoreKit

/// How much processor time it takes to train a score of the digits that is conservative and as good as a free one.
///
/// Conservative is NAsym ≤ 10⁻³ at each of six noise levels, as good a held-out loss within 3 % of that of the unconstrained model
/// after 600 steps, both of averaged weights. Both are looked at every 50 steps, in time that does not count.
struct ConservativeTime: Codable {
  /// A way to train.
  enum Way: String, Codable, CaseIterable {
    case off, fit, penalty, projection, energy

    /// What the table calls it.
    var title: String { self == .fit ? "off, then makeConservative" : rawValue }
  }

  let way: Way
  /// The steps of training up to the point where it has come, and those of the fit.
  let steps: Int
  let fitSteps: Int?
  /// The processor time of these, in seconds.
  let seconds: Double
  /// The largest NAsym of a noise level.
  let asymmetry: Double
  /// The held-out loss, and its ratio to the unconstrained model's.
  let loss: Double
  let lossRatio: Double
  /// Whether that is conservative, and as good as the unconstrained model.
  var isReached: Bool { asymmetry <= Self.target && lossRatio <= Self.lossLimit }

  static let name = "conservative/time-to-1e-3"
  static let target = 1e-3
  static let lossLimit = 1.03
  private static let (referenceSteps, stepLimit, checkInterval) = (600, 1800, 50)

  static let header = """
    | case | reached | steps | processor time | largest NAsym | held-out loss | of the unconstrained model's |
    |---|---|---:|---:|---:|---:|---:|
    """

  /// A row of the table.
  var line: String {
    let cells = [
      "\(Self.name): \(way.title)", isReached ? "yes" : "no", fitSteps.map { "\(steps) + \($0)" } ?? "\(steps)",
      String(format: "%.1f s", seconds), String(format: "%.1e", asymmetry), String(format: "%.4f", loss),
      String(format: "%.3f", lossRatio),
    ]
    return "| \(cells.joined(separator: " | ")) |"
  }

  /// Trains in all ways, with one thread.
  static func measure(observe: (ConservativeTime) -> Void) throws -> [ConservativeTime] {
    Engine.threadCount = 1
    let problem = try Problem()
    var rows: [ConservativeTime] = []
    for way in Way.allCases {
      let row = try problem.measure(way, reference: rows.first)
      observe(row)
      rows.append(row)
    }
    return rows
  }

  /// The digits, of which some are held out.
  private struct Problem {
    let process = EDMProcess()
    let data: Dataset
    let heldOut: TrainingBatch
    let objective: DenoisingScoreMatching
    let sigmaData: Double

    init() throws {
      let digits = try Dataset.digits()
      let count = 1500
      data = try Dataset(name: digits.name, examples: digits.examples[0..<count])
      heldOut = try Dataset(name: digits.name, examples: digits.examples[count..<digits.count])
        .batch(at: .range(0, to: Double(digits.count - count), dtype: .int64))
      sigmaData = try data.standardDeviation
      objective = DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: sigmaData))
    }

    func measure(_ way: Way, reference: ConservativeTime?) throws -> ConservativeTime {
      let model = makeModel(isEnergy: way == .energy)
      let trainer = makeTrainer(model, way)
      var seconds = 0.0
      while true {
        seconds += try TimeKeeping.processor.seconds {
          for _ in 0..<checkInterval { try trainer.advance() }
        }
        if way == .off || way == .fit, trainer.step < referenceSteps { continue }
        let row = try trainer.withAveragedWeights {
          var fitSteps: Int?
          if way == .fit {
            seconds += try TimeKeeping.processor.seconds {
              fitSteps = try makeConservative(
                model, process: process, data: data, objective: objective, until: 0.9 * target
              ).steps
            }
          }
          let loss = loss(of: model)
          return ConservativeTime(
            way: way, steps: trainer.step, fitSteps: fitSteps, seconds: seconds, asymmetry: try asymmetry(of: model),
            loss: loss, lossRatio: loss / (reference?.loss ?? loss))
        }
        if row.isReached || way == .off || way == .fit || trainer.step >= stepLimit { return row }
      }
    }

    /// The network that `score-train --model mlp` takes.
    private func makeModel(isEnergy: Bool) -> any ScoreModel {
      var generator = RandomGenerator(seed: 0, purpose: .initialization)
      let network = MLP(MLP.Configuration(shape: data.exampleShape), using: &generator)
      let parameterization = Parameterization.edm(sigmaData: sigmaData)
      guard isEnergy else { return NetworkScore(network, process: process, parameterization: parameterization) }
      return NetworkScore(EnergyNetwork(network), process: process, parameterization: parameterization)
    }

    /// With the settings that `score-train` has for 600 steps, but a constant rate, so that a longer run goes on like a shorter one.
    private func makeTrainer(_ model: any ScoreModel, _ way: Way) -> Trainer {
      let optimizer: any Optimizer =
        way == .projection
        ? NullSpaceProjected.conservative(
          Adam(), of: model, process: process, data: data, interval: referenceSteps / 12) : Adam()
      return Trainer(
        model, process: process, data: data,
        objective: way == .penalty ? AsymmetryPenalty(objective, weight: 100) : objective, optimizer: optimizer,
        settings: Trainer.Settings(
          batchSize: 128,
          schedule: LearningRateSchedule(peak: 1e-3, warmupSteps: referenceSteps / 20, steps: stepLimit),
          averageDecay: 0.995))
    }

    /// The mean over eight draws of times and noise, the same for each model.
    private func loss(of model: any ScoreModel) -> Double {
      var generator = RandomGenerator(seed: 1, purpose: .training)
      let draws = 8
      return withoutGradients {
        (0..<draws).reduce(0) { sum, _ in
          sum + objective.loss(of: model, on: heldOut, process: process, using: &generator).item() / Double(draws)
        }
      }
    }

    private func asymmetry(of model: any ScoreModel) throws -> Double {
      var generator = RandomGenerator(seed: 1, purpose: .probes)
      let levels = try ScoreKit.asymmetry(
        of: model, process: process, at: ConservativeFit.defaultSigmas, examples: heldOut.examples, method: .probes(1),
        using: &generator)
      return levels.map(\.nasym.value).max() ?? .nan
    }
  }
}
