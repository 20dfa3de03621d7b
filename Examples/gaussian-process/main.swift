// Gaussian-process hyperparameters tuned on predictive performance, by gradients through LSMR; beside marginal likelihood.
//
//   swift run -c release gaussian-process outputs/co2.png
//
// S. Roy, S. Hauberg & N. Krämer (2025), Matrix-free least squares solvers, arXiv 2510.19634.
import Foundation
import ScoreKit

let path = CommandLine.arguments.dropFirst().first ?? "outputs/co2.png"
let stepsText = CommandLine.arguments.dropFirst(2).first ?? "60"
guard CommandLine.arguments.count <= 3, let steps = Int(stepsText), steps > 0, path.hasSuffix(".png") else {
  FileHandle.standardError.write(
    Data("error: usage is gaussian-process [FILE.png [STEPS]], with a positive number of steps\n".utf8))
  exit(64)
}
do {
  let experiment = Experiment()
  let solver = LSMR(tolerance: 1e-7)
  func tune(_ name: String, _ objective: (Tensor) throws -> Tensor) throws -> Tensor {
    let start = Date()
    let result = try experiment.minimize(objective, steps: steps) { step, loss in
      if step % 10 == 0 { print(String(format: "%@, step %3d: %.4f", name, step, loss)) }
    }
    print(String(format: "%@: %.1f s", name, Date().timeIntervalSince(start)))
    return result
  }
  let marginal = try tune("marginal likelihood", try experiment.marginalObjective())
  let predictive = try tune("predictive density", try experiment.predictiveObjective(solver: solver))

  print("\nhyperparameter     initial  marginal  predictive")
  let columns = [Features.initial, marginal, predictive].map { $0.exp().elements(as: Double.self) }
  for (index, name) in Features.names.enumerated() {
    let label = name.padding(toLength: 16, withPad: " ", startingAt: 0)
    print(String(format: "%@ %9.3f %9.3f %9.3f", label, columns[0][index], columns[1][index], columns[2][index]))
  }
  print("\n1987 to 2001, not used in tuning    RMSE/ppm    NLPD   in 95 % band")
  for (name, logarithms) in [
    ("initial", Features.initial), ("marginal likelihood", marginal), ("predictive density", predictive),
  ] {
    let scores = try experiment.judge(logarithms, solver: solver)
    let label = name.padding(toLength: 34, withPad: " ", startingAt: 0)
    print(
      String(
        format: "%@ %9.2f %8.3f %9.0f %%", label, scores.rootMeanSquare, scores.negativeLogDensity,
        scores.coverage * 100))
  }
  try AtomicFile.createFolder((path as NSString).deletingLastPathComponent)
  try experiment.picture(predictive, solver: solver, title: "CO2 at Mauna Loa in ppm, from the years before 1987")
    .write(toPNG: path)
  print("\nthe fit is in \(path)")
} catch {
  FileHandle.standardError.write(Data("error: \(error)\n".utf8))
  exit(1)
}
