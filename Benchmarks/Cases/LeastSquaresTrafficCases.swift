import Dispatch
import ScoreKit

extension Benchmark {
  /// The memory traffic of an iteration of LSMR on vectors of 50 million, beside the triad of STREAM (McCalpin 1995) moving as
  /// many bytes.
  static var leastSquaresTraffic: [Benchmark] {
    let count = 50_000_000
    // Two products with a diagonal of 3 accesses each, 3 in the update of u, 3 in that of v, 7 in those of h̄, x and h.
    let accesses = 19
    let bytes = Double(accesses * count * MemoryLayout<Float>.size)
    return [
      Benchmark(
        name: "lsmr-traffic/diagonal-50M", measure: .rate(of: "GB", perIteration: bytes / 1e9), isParallel: true,
        peer: "triad"
      ) {
        var generator = RandomGenerator(seed: 0, purpose: .data)
        let watch = Stopwatch()
        let diagonal = generator.uniform([count]) + 0.1
        let a = FunctionOperator(
          rows: count, columns: count, parameters: [diagonal], productCost: Double(count), adjoint: { y, d in d[0] * y }
        ) { x, d in
          watch.mark()
          return d[0] * x
        }
        let b = generator.normal([count])
        let triad = Triad(count: count)
        let threads = Engine.threadCount
        return Workload(
          timed: { iterations in
            watch.reset()
            // Each iteration begins with a product with A, and so does what follows the last.
            let taken = max(iterations, 6)
            let solver = LSMR(atol: 0, btol: 0, conditionLimit: 0, iterationLimit: taken)
            guard try solver.solve(a, b).iterations == taken else {
              throw Peer.Failure(description: "LSMR did not take \(taken) iterations")
            }
            return watch.seconds(of: iterations)
          },
          peer: { iterations in
            watch.reset()
            // 3 accesses in a triad.
            let passes = iterations * accesses / 3
            for _ in 0..<passes {
              watch.mark()
              triad.run(threads: threads)
            }
            watch.mark()
            return watch.seconds(of: 1) * Double(accesses) / 3 * Double(iterations)
          })
      }
    ]
  }
}

/// The times of laps.
private final class Stopwatch {
  private var marks: [ContinuousClock.Instant] = []

  func reset() { marks = [] }

  func mark() { marks.append(.now) }

  /// As many seconds as so many laps of the median length take: a lap in which the allocator asks the system for memory, which
  /// it does now and then, counts as any other.
  func seconds(of laps: Int) -> Double {
    median(zip(marks, marks.dropFirst()).map { ($1 - $0) / .seconds(1) }) * Double(laps)
  }
}

/// a ← b + s·c on arrays of single precision.
private final class Triad {
  private let count: Int
  // Memory of the same kind as that of LSMR's vectors, huge pages included. Nobody else holds the tensors.
  private let tensors: [Tensor]

  init(count: Int) {
    self.count = count
    tensors = [0, 1, 2].map { Tensor.full([count], $0) }
  }

  func run(threads: Int) {
    let count = count
    let pointers = tensors.map { UnsafeMutablePointer<Float>(bitPattern: $0.memoryAddress) }
    guard let a = pointers[0], let b = pointers[1], let c = pointers[2] else { return }
    // Each thread writes its own part.
    nonisolated(unsafe) let arrays = (a, b, c)
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      let (a, b, c) = arrays
      for index in (count * thread / threads)..<(count * (thread + 1) / threads) { a[index] = b[index] + 3 * c[index] }
    }
    withExtendedLifetime(tensors) {}
  }
}
