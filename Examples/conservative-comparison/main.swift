import Foundation
import ScoreKit

// scratch experiment
let env = ProcessInfo.processInfo.environment
func number(_ name: String, _ d: Double) -> Double { env[name].flatMap(Double.init) ?? d }
let method = env["METHOD"] ?? "off"
let steps = Int(number("STEPS", 600))
let lr = number("LR", 1e-3)
Engine.keepFreedMemory()
Engine.threadCount = Int(number("THREADS", 1))
let data = try DatasetSource("digits").load()
let sd = data.standardDeviation
var generator = RandomGenerator(seed: UInt64(number("SEED", 0)), purpose: .initialization)
let process = EDMProcess()
let isUNet = env["NET"] == "unet"
let base: any ScoreModel
let isEnergy = method == "energy"
if isUNet {
  let net = try UNet2D(UNet2D.Configuration(channels: [32, 64], layersPerBlock: 1, inputChannels: 1), using: &generator)
  base = isEnergy ? NetworkScore(EnergyNetwork(net), process: process, parameterization: .edm(sigmaData: sd)) : NetworkScore(net, process: process, parameterization: .edm(sigmaData: sd))
} else {
  let net = MLP(.init(shape: [1, 8, 8], width: 128, blocks: 3), using: &generator)
  base = isEnergy ? NetworkScore(EnergyNetwork(net), process: process, parameterization: .edm(sigmaData: sd)) : NetworkScore(net, process: process, parameterization: .edm(sigmaData: sd))
}
var objective: any ScoreObjective = DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: sd))
let points = Int(number("POINTS", 32))
let levels: NoiseDistribution = .logNormal(mean: number("MEAN", -1.2), deviation: number("DEV", 1.2))
if method == "penalty" {
  objective = AsymmetryPenalty(objective, weight: number("WEIGHT", 1), pointCount: points, noiseLevels: levels)
}
var optimizer: any Optimizer = Adam()
if method == "projection" {
  optimizer = NullSpaceProjected(
    Adam(), constraint: JacobianSymmetry(of: base, process: process, data: data, noiseLevels: levels, pointCount: points),
    metric: env["METRIC"] == "identity" ? .identity : .preconditioner,
    solver: LSMR(tolerance: 1e-6, iterationLimit: Int(number("ITERATIONS", 10))),
    damping: number("DAMPING", 0), correctionRate: number("GAMMA", 0.5),
    gradientCorrectionRate: env["GGAMMA"].flatMap(Double.init),
    interval: Int(number("INTERVAL", 1)), warmupSteps: Int(number("WARMUP", 0)))
}
let trainer = Trainer(
  base, process: process, data: data, objective: objective, optimizer: optimizer,
  settings: .init(seed: 0, batchSize: Int(number("BATCH", 128)), schedule: .init(peak: lr, warmupSteps: min(500, steps / 20), decay: .cosine, steps: steps), averageDecay: 0.995))
func cpu() -> Double { var t = timespec(); clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return Double(t.tv_sec) + 1e-9 * Double(t.tv_nsec) }
var seconds = 0.0
if env["TIMING"] != nil { for n in [8, 32, 128] { try timing(base, process, data, n) }; exit(0) }
func go() {}
for _ in 0..<steps {
  let start = cpu()
  try trainer.advance()
  seconds += cpu() - start
}
@MainActor func report(_ method: String) throws {
  var g = RandomGenerator(seed: 77, purpose: .probes)
  var total = 0.0
  let plain = DenoisingScoreMatching(noiseLevels: .logNormal(), weighting: .edm(sigmaData: sd))
  for _ in 0..<40 {
    let b: TrainingBatch = data.batch(at: g.integers(below: data.count, [256]))
    total += plain.loss(of: base, on: b, process: process, using: &g).item()
  }
  var line = String(format: "%@ loss %.4f  ms/step %.2f  nasym", method, total / 40, seconds * 1e3 / Double(steps))
  let b: TrainingBatch = data.batch(at: g.integers(below: data.count, [256]))
  for a in try asymmetry(of: base, process: process, at: [0.1, 0.2, 0.5, 1.0, 2.0, 3.0], examples: b.examples, method: .probes(2), using: &g) {
    line += String(format: " %.1e", a.nasym.value)
  }
  print(line)
}
try trainer.withAveragedWeights {
  try report(method)
  if let target = env["FIT"].flatMap(Double.init) {
    let s = cpu()
    let r = try makeConservative(base, process: process, data: data, objective: .init(noiseLevels: levels, weighting: .edm(sigmaData: sd)), until: target,
      settings: .init(pointCount: points, dataCount: Int(number("HELD", 2048)), dataWeight: number("MU", 0.2), dataRate: number("KAPPA", 0.2), damping: number("DAMPING", 0), iterationLimit: Int(number("ITERATIONS", 10)), stepLimit: Int(number("FITSTEPS", 100)))) { i, a in
        print(i, a.map { String(format: "%.1e", $0.nasym.value) }.joined(separator: " "), String(format: "%.1f s", cpu() - s)) }
    try report("fitted \(r.steps) \(r.isReached)")
  }
}
