public import ArgumentParser
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
      guard value >= 0, value.isFinite else {
        throw ValidationError("--\(name) needs a number of at least 0, not \(value)")
      }
    }
    for (name, value, least) in [
      ("iterations", iterations, 1), ("warmup", warmup ?? 0, 0), ("gradient-warmup", gradientWarmup, 0),
      ("interval", interval, 1),
    ] {
      guard value >= least else { throw ValidationError("--\(name) must be at least \(least), not \(value)") }
    }
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
