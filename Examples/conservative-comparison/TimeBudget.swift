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
  func steps(within budget: Double, projections: (Int) -> Int) -> Int {
    let most = max(0, (budget - after) / min(step, projectedStep))
    for steps in stride(from: Int(min(most, 1e9)), to: 0, by: -1)
    where time(steps: steps, projections: projections(steps)) <= budget { return steps }
    return 0
  }
}

extension [Way.Kind: Cost] {
  /// Such as "a step takes 4.5 ms (off), 8.1 ms (projection, 230 ms where it projects)".
  var summary: String {
    func milliseconds(_ time: Double) -> String { String(format: time < 0.1 ? "%.1f ms" : "%.0f ms", time * 1e3) }
    let parts = Way.Kind.allCases.compactMap { kind -> String? in
      guard let cost = self[kind], kind != .fit else { return nil }
      let projected = cost.projectedStep == cost.step ? "" : ", \(milliseconds(cost.projectedStep)) where it projects"
      return "\(milliseconds(cost.step)) (\(kind.rawValue)\(projected))"
    }
    let fit = self[.fit].map { ", a fit \(milliseconds($0.after))" } ?? ""
    return "a step takes \(parts.joined(separator: ", "))\(fit)"
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
  /// What each kind of training costs: medians over some steps of each, which take turns.
  ///
  /// The steps are of the same models on the same data, and are forgotten. They take some seconds, or as long as a few steps do.
  func calibrate(_ kinds: [Way.Kind], clock: TrainingClock) throws -> [Way.Kind: Cost] {
    let (rounds, length) = (40, 5)
    let (fewestRounds, seconds) = (6, 10.0)
    var trainers: [(kind: Way.Kind, trainer: Trainer)] = []
    for kind in kinds where kind != .fit {
      let way = Way.all(of: [kind], penaltyWeights: [1], projections: [rounds])[0]
      trainers.append((kind, try makeTrainer(way, steps: rounds * length)))
    }
    var times: [Way.Kind: (plain: [Double], projected: [Double])] = [:]
    let beginning = clock.now
    for round in 0..<rounds where round < fewestRounds || clock.now - beginning < seconds {
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

  /// The steps that fit into the time of a number of unconstrained ones, for each way.
  ///
  /// - Throws: `RunError` for a way that has no time left for as much as a tenth of them.
  func steps(inTimeOf count: Int, _ costs: [Way.Kind: Cost], for ways: [Way]) throws(RunError) -> [Way: Int] {
    guard let off = costs[.off] else { return [:] }
    let budget = off.time(steps: count, projections: 0)
    var counts: [Way: Int] = [:]
    for way in ways {
      guard way != .off, let cost = costs[way.kind] else {
        counts[way] = count
        continue
      }
      let steps = cost.steps(within: budget) { way.projectionCount(steps: $0) }
      guard steps >= max(1, count / 10) else {
        throw RunError(
          .usage,
          "\(way.name) has time for \(steps) steps in the \(String(format: "%.1f", budget)) s that \(count) "
            + "unconstrained ones take: raise --budget-steps, \(way.kind.advice)")
      }
      counts[way] = steps
    }
    return counts
  }
}

extension Way.Kind {
  /// What makes its training shorter.
  fileprivate var advice: String {
    switch self {
    case .fit: "or lower --fit-steps or --fit-points"
    case .projection: "or lower --projections"
    default: "or leave it out of --ways"
    }
  }
}

/// Half of the values are smaller; `nil` where there are none.
func median(_ values: [Double]) -> Double? {
  let sorted = values.sorted()
  guard !sorted.isEmpty else { return nil }
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
