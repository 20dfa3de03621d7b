import Foundation
import TestSupport
import Testing
import Torch

/// Serialized because the number of threads belongs to the process.
@Suite(.serialized) struct EngineTests {
  @Test func versionIsTheOneOfTheManifest() {
    #expect(Engine.version.hasPrefix("2.11."))
  }

  private func withThreads<Result>(_ count: Int, _ body: () throws -> Result) rethrows -> Result {
    let before = Engine.threadCount
    Engine.threadCount = count
    defer { Engine.threadCount = before }
    return try body()
  }

  @Test func threadCountIsSet() {
    for count in [1, 3, 2] { withThreads(count) { #expect(Engine.threadCount == count) } }
  }

  @Test func newThreadsUseTheThreadCount() {
    withThreads(3) {
      let answer = Count()
      Thread { answer.set(Engine.threadCount) }.start()
      #expect(answer.wait() == 3)
    }
  }

  @Test func threadsInUseKeepTheirThreadCount() {
    let (first, second) = (Count(), Count())
    let changed = DispatchSemaphore(value: 0)
    let before = Engine.threadCount
    Thread {
      first.set(Engine.threadCount)
      changed.wait()
      second.set(Engine.threadCount)
    }.start()
    let old = first.wait()
    withThreads(before + 3) {
      changed.signal()
      #expect(second.wait() == old)
    }
  }

  @Test func randomNumbersDoNotDependOnTheNumberOfThreads() {
    func draws(_ threads: Int) -> [Tensor] {
      withThreads(threads) {
        var generator = RandomGenerator(seed: 1)
        var samples = SampleGenerators(seeds: [1, 2])
        return [
          generator.normal([50_001]), generator.uniform([50_001]), generator.normal([30_001], dtype: .float64),
          generator.signs([50_001]), samples.normal([20_001]),
        ]
      }
    }
    let single = draws(1)
    for threads in [2, 3, 8] {
      expectIdentical(draws(threads), single)
    }
  }

  @Test func freedMemoryIsUsedAgain() {
    Engine.keepFreedMemory()
    let length = (1 << 20) + 12_345
    let first = Tensor.ones([length]).memoryAddress
    // Others of the size in between, one alive, one of another size.
    let second = Tensor.full([length], 2)
    #expect(second.memoryAddress == first)
    let third = Tensor.full([length], 3)
    #expect(third.memoryAddress != first)
    #expect(second.sum().item() == 2 * Double(length) && third.sum().item() == 3 * Double(length))
  }

  @Test func keptMemoryIsSafeBetweenThreads() async {
    Engine.keepFreedMemory()
    await withTaskGroup(of: Bool.self) { group in
      for task in 1...8 {
        group.addTask {
          (1...20).allSatisfy { round in
            let length = (1 << 18) * (1 + round % 3)
            let x = Tensor.full([length], Double(task * round))
            let y = x + x
            return y.min().item() == Double(2 * task * round) && y.max().item() == Double(2 * task * round)
          }
        }
      }
      for await isRight in group { #expect(isRight) }
    }
  }

  @Test func emptyAndHugeTensorsAreStillAskedFor() {
    Engine.keepFreedMemory()
    #expect(Tensor.zeros([0]).elementCount == 0)
    #expect(Tensor.zeros([3, 0]).sum().item() == 0)
    #expect(Tensor.ones([1 << 20]).sum().item() == Double(1 << 20))
  }

  @Test func handlesAreCounted() {
    let before = Engine.liveHandlesOfThread
    let x = Tensor.ones([2])
    #expect(Engine.liveHandlesOfThread == before + 1)
    let y = x
    #expect(Engine.liveHandlesOfThread == before + 1)
    let z = x + y
    #expect(Engine.liveHandlesOfThread == before + 2)
    #expect(Engine.liveHandles >= 2)
    withExtendedLifetime((x, y, z)) {}
  }

  /// A number that one thread hands to another.
  private final class Count: @unchecked Sendable {
    private let ready = DispatchSemaphore(value: 0)
    private var value = 0

    func set(_ value: Int) {
      self.value = value
      ready.signal()
    }

    func wait() -> Int {
      ready.wait()
      return value
    }
  }
}
