public import ArgumentParser
import CommandLineSupport
public import ScoreKit

/// The settings of the projection, as options.
struct Projection: ParsableArguments {
  @Option(help: ArgumentHelp("The fraction of the violation that a step takes away.", valueName: "γ"))
  var correctionRate = 0.05

  @Option(help: ArgumentHelp("The same for the gradients that Adam has.", valueName: "γ"))
  var gradientCorrectionRate = 0.03

  @Flag(help: "Leave the gradients that Adam has as they are.")
  var plainGradients = false

  @Option(help: "What nearness of updates is measured by.")
  var metric = NullSpaceProjected<Adam>.Metric.preconditioner

  @Option(help: ArgumentHelp("The largest number of iterations of LSMR in a step.", valueName: "n"))
  var iterations = 30

  @Option(help: ArgumentHelp("The relative tolerance at which LSMR stops.", valueName: "x"))
  var tolerance = 1e-6

  @Option(help: ArgumentHelp("The damping of the least-squares problems.", valueName: "δ"))
  var damping = 0.0

  @Option(
    help: ArgumentHelp(
      "The number of steps before the first projection of an update. (default: half of the steps)", valueName: "n"))
  var warmup: Int?

  @Option(help: ArgumentHelp("The number of steps before the first projection of gradients.", valueName: "n"))
  var gradientWarmup = 100

  @Option(help: ArgumentHelp("The number of steps from one projection to the next.", valueName: "n"))
  var interval = 1

  @Flag(help: "Start each solve from the multipliers of the last one.")
  var warmStart = false

  func validate() throws {
    for (name, value) in [
      ("correction-rate", correctionRate), ("gradient-correction-rate", gradientCorrectionRate),
      ("tolerance", tolerance), ("damping", damping),
    ] {
      try check(name, value, "needs a number of at least 0") { $0 >= 0 && $0.isFinite }
    }
    try check("iterations", iterations, atLeast: 1)
    try check("warmup", warmup, atLeast: 0)
    try check("gradient-warmup", gradientWarmup, atLeast: 0)
    try check("interval", interval, atLeast: 1)
    guard !warmStart || damping == 0 else { throw ValidationError("--warm-start goes without --damping") }
  }

  /// Adam with updates that respect the constraint, from gradients without what it takes away.
  func optimizer(_ adam: Adam, _ constraint: any Constraint, steps: Int) -> any Optimizer {
    NullSpaceProjected(
      adam, constraint: constraint, metric: metric, solver: LSMR(tolerance: tolerance, iterationLimit: iterations),
      damping: damping,
      schedule: .init(correctionRate: correctionRate, interval: interval, warmupSteps: warmup ?? steps / 2),
      gradients: plainGradients ? nil : .init(correctionRate: gradientCorrectionRate, warmupSteps: gradientWarmup),
      warmStart: warmStart)
  }
}

extension NullSpaceProjected.Metric: ExpressibleByArgument {}
