import Foundation
import ScoreKit

/// What a training costs, in seconds.
struct Cost: Equatable {
  /// A step that is not projected.
  var step: Double
  /// A step that is; as other steps where there are none.
  var projectedStep: Double
  /// What comes after the steps.
  var after: Double

  init(step: Double, projectedStep: Double? = nil, after: Double = 0) {
    (self.step, self.projectedStep, self.after) = (step, projectedStep ?? step, after)
  }

  /// Of a training of some steps, some of which are projected.
  func time(steps: Int, projections: Int) -> Double {
    Double(steps - projections) * step + Double(projections) * projectedStep + after
  }

  /// The largest number of steps whose training takes no longer than a budget; 0 where not even one does.
  ///
  /// The number of projections may fall where that of steps grows.
  func steps(within budget: Double, projections: (Int) throws -> Int) rethrows -> Int {
    let most = max(0, (budget - after) / min(step, projectedStep))
    for steps in stride(from: Int(min(most, 1e9)), to: 0, by: -1)
    where try time(steps: steps, projections: projections(steps)) <= budget { return steps }
    return 0
  }
}

/// The time that training is measured by.
enum TrainingClock {
  /// That of the processor in this process: what another program takes does not count.
  case processor
  /// That on the wall.
  case wall

  /// Threads of this process that wait for each other take processor time too, so it counts for one thread alone.
  init(threads: Int) { self = threads == 1 ? .processor : .wall }

  /// In seconds, from a point in the past.
  var now: Double {
    var time = timespec()
    clock_gettime(self == .processor ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  var name: String { self == .processor ? "processor time of one thread" : "wall time" }
}

extension Experiment {
  /// What each kind of training costs: medians over a few steps of each, which take turns.
  ///
  /// The steps are of the same models on the same data, and are forgotten.
  func calibrate(_ kinds: [Way.Kind], clock: TrainingClock) throws -> [Way.Kind: Cost] {
    let (rounds, length) = (8, 5)
    var trainers: [(kind: Way.Kind, trainer: Trainer)] = []
    for kind in kinds where kind != .fit {
      let way = Way.all(of: [kind], penaltyWeights: [1])[0]
      trainers.append((kind, try makeTrainer(way, steps: rounds * length, projectionEvery: length)))
    }
    var times: [Way.Kind: (plain: [Double], projected: [Double])] = [:]
    for round in 0..<rounds {
      for (kind, trainer) in trainers {
        for _ in 0..<length {
          let start = clock.now
          let report = try trainer.advance()
          let time = clock.now - start
          if round == 0 { continue }  // Allocators and caches are not warm yet.
          if report.projection == nil {
            times[kind, default: ([], [])].plain.append(time)
          } else {
            times[kind, default: ([], [])].projected.append(time)
          }
        }
      }
    }
    var costs = times.mapValues { times in
      Cost(step: median(times.plain) ?? median(times.projected) ?? 0, projectedStep: median(times.projected))
    }
    if kinds.contains(.fit), let off = costs[.off], let trainer = trainers.first(where: { $0.kind == .off })?.trainer {
      let start = clock.now
      try makeFit(of: trainer)
      costs[.fit] = Cost(step: off.step, after: clock.now - start)
    }
    return costs
  }

  /// The steps that fit into the time of the unconstrained run, for each kind.
  ///
  /// - Throws: `RunError` for a way that has no time left for as much as a tenth of the steps.
  func stepsAtEqualTime(_ costs: [Way.Kind: Cost]) throws -> [Way.Kind: Int] {
    guard let off = costs[.off] else { return [:] }
    let budget = off.time(steps: steps, projections: 0)
    var result: [Way.Kind: Int] = [:]
    for (kind, cost) in costs {
      result[kind] = try kind == .off ? steps : cost.steps(within: budget) { try projectionCount(kind, steps: $0) }
      if let steps = result[kind], steps < max(1, self.steps / 10) {
        throw RunError(
          .usage,
          "in the \(String(format: "%.1f", budget)) s of \(self.steps) unconstrained steps \(kind.rawValue) takes \(steps): "
            + (kind == .fit
              ? "raise --steps, or lower --fit-steps or --fit-points" : "raise --steps, or leave it out of --ways"))
      }
    }
    return result
  }

  private func projectionCount(_ kind: Way.Kind, steps: Int) throws -> Int {
    guard kind == .projection else { return 0 }
    let (configuration, _) = try configuration(.projection, steps: steps)
    return steps / (configuration.projectionEvery ?? 1)
  }
}

/// Half of the values are smaller; `nil` where there are none.
func median(_ values: [Double]) -> Double? {
  let sorted = values.sorted()
  guard !sorted.isEmpty else { return nil }
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
