import ScoreTraining
import TestSupport
import Testing
import Torch

@Suite struct DataOrderTests {
  @Test func everyEpochIsAPermutation() {
    var order = DataOrder(seed: 1, count: 10)
    for epoch in 0..<3 {
      let positions: [Int] = order.positions(from: epoch * 10, length: 10).elements()
      #expect(positions.sorted() == Array(0..<10))
    }
  }

  @Test func epochsAndSeedsDiffer() {
    var (one, two) = (DataOrder(seed: 1, count: 50), DataOrder(seed: 2, count: 50))
    let first: [Int] = one.positions(from: 0, length: 50).elements()
    #expect(first != one.positions(from: 50, length: 50).elements())
    #expect(first != two.positions(from: 0, length: 50).elements())
  }

  @Test func positionsDoNotDependOnHowTheyAreAskedFor() {
    var (whole, pieces) = (DataOrder(seed: 3, count: 7), DataOrder(seed: 3, count: 7))
    let all: [Int] = whole.positions(from: 0, length: 40).elements()
    for (start, length) in [(33, 7), (0, 5), (5, 20), (25, 8)] {
      #expect(Array(all[start..<(start + length)]) == pieces.positions(from: start, length: length).elements())
    }
  }

  @Test func batchLargerThanTheDataRepeatsThem() {
    var order = DataOrder(seed: 3, count: 2)
    #expect(order.positions(from: 0, length: 5).elements(as: Int.self).allSatisfy { (0..<2).contains($0) })
  }
}
