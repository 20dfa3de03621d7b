import Foundation
import TestSupport
import Testing

@testable import Torch

struct RandomGeneratorTests {
  static let purposes: [RandomGenerator.Purpose] = [
    .general, .initialization, .training, .dataOrder, .sampling, .data, .probes,
  ]

  /// The known answers of Random123 for philox4x32-10.
  @Test func blocksMatchThePublishedAnswers() {
    #expect(
      Philox.block(counter: [0, 0, 0, 0], key: [0, 0]) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    #expect(
      Philox.block(counter: Array(repeating: .max, count: 4), key: [.max, .max])
        == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
    let digitsOfPi: [UInt32] = [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    #expect(
      Philox.block(
        counter: [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], key: [0xa409_3822, 0x299f_31d0]) == digitsOfPi)

    var zero = RandomGenerator(seed: 0)
    #expect(zero.next() == 0x6627_e8d5_e169_c58d)
    // The highest byte of the third answer's counter is 3: the order of data.
    var pi = RandomGenerator(seed: 0x299f_31d0_a409_3822, purpose: .dataOrder, index: 0x70_7344_1319_8a2e)
    pi.position = 0x85a3_08d3_243f_6a88
    #expect(pi.next() == 0xd16c_fe09_94fd_cceb)
    pi.position -= 1
    let uniform = pi.uniform([4]).elements(as: Double.self)
    #expect(uniform == digitsOfPi.map { Double($0 >> 8) * 0x1p-24 })
    pi.position -= 1
    #expect(
      pi.uniform([2], dtype: .float64).elements(as: Double.self)
        == [0xd16c_fe09_94fd_cceb, 0x5001_e420_2412_6ea1].map { (word: UInt64) in Double(word >> 11) * 0x1p-53 })
  }

  @Test(arguments: [0, 1, 0xFFFF_FFFE, 0xFFFF_FFFF, 0x1_0000_0000, 0x100_0000_0007, 0xFFFF_FFFF_FFFF_FFF0] as [UInt64])
  func blocksMatchTheDefinitionAtAnyPosition(_ position: UInt64) {
    var generator = RandomGenerator(seed: 0x0123_4567_89AB_CDEF, purpose: .training, index: 0xFE_DCBA_9876_5432)
    generator.position = position
    let expected = (0..<3).flatMap {
      Philox.block(seed: generator.seed, stream: generator.stream, position: position + UInt64($0))
    }
    var copy = generator
    #expect(
      (0..<3).map { _ in copy.next() } == [0, 4, 8].map { UInt64(expected[$0]) << 32 | UInt64(expected[$0 + 1]) })
    copy = generator
    #expect(copy.uniform([12]).elements(as: Double.self) == expected.map { Double($0 >> 8) * 0x1p-24 })
    #expect(copy.position == position &+ 3)
    copy = generator
    let pairs = stride(from: 0, to: 12, by: 2).map { index in
      let radius = (-2 * log((Double(expected[index] >> 8) + 1) * 0x1p-24)).squareRoot()
      let angle = 2 * Double.pi * Double(expected[index + 1] >> 8) * 0x1p-24
      return [radius * cos(angle), radius * sin(angle)]
    }
    expectClose(copy.normal([12]), Tensor(pairs.flatMap { $0 }), rtol: 1e-5, atol: 2e-6)
  }

  @Test func equalGeneratorsGiveEqualNumbers() {
    var a = RandomGenerator(seed: 5, purpose: .training, index: 3)
    var b = a
    #expect(a == b)
    expectIdentical(a.normal([7, 3]), b.normal([7, 3]))
    expectIdentical(a.uniform([5], dtype: .float64), b.uniform([5], dtype: .float64))
    #expect(a.next() == b.next())
    #expect(a == b)
    // Drawing more does not change what came before.
    var c = RandomGenerator(seed: 5, purpose: .training, index: 3)
    var d = c
    expectIdentical(c.normal([100])[0..<21], d.normal([21]))
  }

  @Test func swiftsOwnFunctionsTakeIt() {
    var a = RandomGenerator(seed: 1)
    var b = a
    #expect((0..<50).shuffled(using: &a) == (0..<50).shuffled(using: &b))
    #expect((0..<50).shuffled(using: &a) != Array(0..<50))
  }

  @Test func successiveDrawsDiffer() {
    var generator = RandomGenerator(seed: 0)
    let draws = (0..<4).map { _ in generator.uniform([3]).floats }
    #expect(Set(draws.flatMap { $0 }).count == 12)
  }

  @Test func streamsOfDifferentSeedsPurposesAndIndicesAreIndependent() {
    let count = 20_000
    var generators = Self.purposes.map { RandomGenerator(seed: 1, purpose: $0) }
    generators += [1, 2, 255, 256, 1 << 32, (1 << 56) - 1].map { RandomGenerator(seed: 1, index: $0) }
    generators += [0, 2, 1 << 32, UInt64.max].map { RandomGenerator(seed: $0) }
    #expect(Set(generators.map { [$0.seed, $0.stream] }).count == generators.count)
    let draws = Tensor.stack(generators.indices.map { generators[$0].normal([count], dtype: .float64) })
    let correlation = draws.matmul(draws.transposed()) / Double(count)
    // Off the diagonal each is normal around 0 with standard error 1/√count.
    let identity = Tensor.identity(generators.count, dtype: .float64)
    #expect(((correlation * (1 - identity)).abs() * Double(count).squareRoot()).max().item() < 5)
  }

  @Test func streamsAreCountedByPurposeAndIndex() {
    #expect(RandomGenerator(seed: 9, purpose: .probes, index: 5).stream == 6 << 56 | 5)
    #expect(Self.purposes.map(\.rawValue) == Array(0..<7))
  }

  @Test(arguments: [DType.float32, .float64]) func normalMomentsAreWithinFiveStandardErrors(_ dtype: DType) {
    let n = 400_000.0
    var generator = RandomGenerator(seed: 2024)
    let x = generator.normal([Int(n)], dtype: dtype).to(.float64)
    func moment(_ power: Double) -> Double { x.pow(power).mean().item() }
    // Var(xᵏ) = (2k − 1)!! − E[xᵏ]².
    #expect(moment(1).magnitude < 5 * (1 / n).squareRoot())
    #expect((moment(2) - 1).magnitude < 5 * (2 / n).squareRoot())
    #expect(moment(3).magnitude < 5 * (15 / n).squareRoot())
    #expect((moment(4) - 3).magnitude < 5 * (96 / n).squareRoot())
    for lag in 1...4 {
      let product = (x[.from(lag)] * x[.range(0, Int(n) - lag)]).mean().item()
      #expect(product.magnitude < 5 * (1 / n).squareRoot(), "neighbours at distance \(lag) are correlated")
    }
    let tail = (x.abs() .> 1.959964).to(.float64).mean().item()
    #expect((tail - 0.05).magnitude < 5 * (0.05 * 0.95 / n).squareRoot())
    #expect(x.allFinite)
  }

  @Test(arguments: [DType.float32, .float64]) func uniformMomentsAreWithinFiveStandardErrors(_ dtype: DType) {
    let n = 400_000.0
    var generator = RandomGenerator(seed: 2025)
    let x = generator.uniform([Int(n)], dtype: dtype).to(.float64)
    #expect((x.mean().item() - 0.5).magnitude < 5 * (1 / 12 / n).squareRoot())
    #expect(((x - 0.5).square().mean().item() - 1.0 / 12).magnitude < 5 * (1 / 180 / n).squareRoot())
    #expect(x.min().item() >= 0)
    #expect(x.max().item() < 1)
    // Each of 16 cells holds its share.
    for cell in 0..<16 {
      let share = ((x * 16).floor() .== Double(cell)).to(.float64).mean().item()
      #expect((share - 1.0 / 16).magnitude < 5 * (1.0 / 16 * 15 / 16 / n).squareRoot())
    }
  }

  @Test func signsAreBalanced() {
    let n = 100_000.0
    var generator = RandomGenerator(seed: 1)
    for dtype in [DType.float32, .float64] {
      let x = generator.signs([Int(n)], dtype: dtype)
      #expect(x.dtype == dtype)
      #expect((x.abs() .== 1).all())
      #expect(x.to(.float64).mean().item().magnitude < 5 / n.squareRoot())
    }
  }

  @Test(arguments: [1, 2, 7, 1000]) func integersAreUniform(_ bound: Int) {
    let n = 70_000.0
    var generator = RandomGenerator(seed: 4)
    let x = generator.integers(below: bound, [Int(n)])
    #expect(x.dtype == .int64)
    let counts = x.elements(as: Int.self).reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
    #expect(counts.keys.allSatisfy { (0..<bound).contains($0) })
    let share = 1 / Double(bound)
    for value in 0..<bound {
      let frequency = Double(counts[value] ?? 0) / n
      #expect((frequency - share).magnitude <= 5 * (share * (1 - share) / n).squareRoot())
    }
  }

  @Test func largeBoundsAreReached() {
    var generator = RandomGenerator(seed: 4)
    let x = generator.integers(below: 1 << 31, [10_000]).elements(as: Int.self)
    #expect(x.allSatisfy { (0..<(1 << 31)).contains($0) })
    #expect(x.contains { $0 & 1 == 1 })
    #expect(x.max() ?? 0 > (1 << 31) - (1 << 21))
  }

  @Test func emptyAndScalarShapes() {
    var generator = RandomGenerator(seed: 0)
    #expect(generator.normal([0, 3]).shape == [0, 3])
    #expect(generator.position == 0)
    #expect(generator.uniform([]).shape.isEmpty)
    #expect(generator.position == 1)
  }

  @Test func drawingLeaksNothing() {
    var generator = RandomGenerator(seed: 0)
    expectNoLeaks {
      _ = generator.signs([3])
      _ = generator.integers(below: 3, [3])
    }
  }
}
