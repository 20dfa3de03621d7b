// A score model of your own: a type with `score(_:at:condition:)`. The library trains it, samples from it, and draws.
//
//   swift run -c release custom-score-model outputs/custom.png
import Foundation
import ScoreKit

/// A network that looks at a point of the plane through waves along each axis.
struct WaveScore: ScoreModel {
  let input: Linear
  let hidden: [Linear]
  let output: Linear
  let embedding = SinusoidalEmbedding(64)
  let spread: Double

  init(width: Int, spread: Double, using generator: inout RandomGenerator) {
    input = Linear(2 * 7 + 64, width, using: &generator)
    hidden = (0..<3).map { _ in Linear(width, width, using: &generator) }
    output = Linear(width, 2, zero: true, using: &generator)
    self.spread = spread
  }

  /// With time as the noise level σ, the network predicts what is missing from the score of a normal distribution.
  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let sigma = t.broadcastable(toRank: 2)
    let variance = sigma.square() + spread * spread
    let waves = [1.0, 2, 4].flatMap { [(x * $0).sin(), (x * $0).cos()] }
    var h = input(.concatenate([x / variance.sqrt(), embedding(t.log() * 10)] + waves, along: 1))
    for layer in hidden { h += layer(h.silu()) }
    return output(h.silu()) / sigma - x / variance
  }
}

let path = CommandLine.arguments.dropFirst().first ?? "outputs/custom.png"
let steps = CommandLine.arguments.dropFirst(2).first.flatMap(Int.init) ?? 5000
Engine.prepare()
do {
  let data = try DatasetSource("checkerboard").load(seed: 1)
  let process = EDMProcess(sigmaMin: 0.01, sigmaMax: 20)
  let spread = try data.standardDeviation
  var generator = RandomGenerator(seed: 0, purpose: .initialization)
  let model = WaveScore(width: 128, spread: spread, using: &generator)
  let trainer = Trainer(
    model, process: process, data: data,
    objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: spread)),
    settings: Trainer.Settings(
      batchSize: 512, schedule: LearningRateSchedule(peak: 3e-3, warmupSteps: 100, decay: .cosine, steps: steps)))
  while trainer.step < steps {
    let report = try trainer.advance()
    if report.step % 500 == 0 { print("step \(report.step)  loss \(report.loss)") }
  }
  let samples = try trainer.withAveragedWeights {
    try HeunSampler(steps: 24).sample(from: model, process: process, shape: [2], seeds: Array(0..<4000))
  }
  try AtomicFile.createFolder(FilePath.folder(of: path))
  let points = try data.batch(.range(0, to: 4000, dtype: .int64)).examples
  try Image.picture(of: samples, over: points).write(toPNG: path)
  print("4,000 samples are in \(path)")
} catch {
  FileHandle.standardError.write(Data("error: \(error)\n".utf8))
  exit(1)
}
