// A score model of your own: a type with `score(_:at:condition:)`. The library trains it, samples from it, and draws.
//
//   swift run -c release custom-score-model outputs/custom.png
import Foundation
import ScoreKit

/// A radial network in two dimensions: it looks at a point through features that are periodic along each axis.
struct PeriodicScore: ScoreModel {
  let input: Linear
  let hidden: Linear
  let output: Linear
  let embedding = SinusoidalEmbedding(32)

  init(width: Int, using generator: inout RandomGenerator) {
    input = Linear(6 + 32, width, using: &generator)
    hidden = Linear(width, width, using: &generator)
    output = Linear(width, 2, zero: true, using: &generator)
  }

  /// With time as the noise level σ, the network predicts the noise: score = −ε/σ.
  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let sigma = t.broadcastable(toRank: 2)
    let scaled = x / (sigma.square() + 1).sqrt()
    let features = Tensor.concatenate([scaled, (x * 2).sin(), (x * 2).cos(), embedding(t.log() * 10)], along: 1)
    let h = hidden(input(features).silu()).silu()
    return -(output(h) + x * sigma / (sigma.square() + 1)) / sigma
  }
}

let path = CommandLine.arguments.dropFirst().first ?? "outputs/custom.png"
let steps = CommandLine.arguments.dropFirst(2).first.flatMap(Int.init) ?? 4000
do {
  let data = try DatasetSource("checkerboard").load(seed: 1)
  let process = EDMProcess(sigmaMin: 0.01, sigmaMax: 20)
  var generator = RandomGenerator(seed: 0, purpose: .initialization)
  let model = PeriodicScore(width: 128, using: &generator)
  let trainer = Trainer(
    model, process: process, data: data,
    objective: DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: data.standardDeviation)),
    settings: Trainer.Settings(
      batchSize: 512, schedule: LearningRateSchedule(peak: 2e-3, warmupSteps: 100, decay: .cosine, steps: steps)))
  while trainer.step < steps {
    let report = try trainer.advance()
    if report.step % 500 == 0 { print("step \(report.step)  loss \(report.loss)") }
  }
  let samples = try trainer.withAveragedWeights {
    try model.samples(
      SampleRequest(sampler: HeunSampler(steps: 24), seeds: Array(0..<4000), batchSize: 4000), process: process,
      shape: [2])
  }
  try AtomicFile.createFolder((path as NSString).deletingLastPathComponent)
  try Image.picture(of: samples).write(toPNG: path)
  print("4,000 samples are in \(path)")
} catch {
  FileHandle.standardError.write(Data("error: \(error)\n".utf8))
  exit(1)
}
