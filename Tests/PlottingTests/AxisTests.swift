import Foundation
import Testing

@testable import Plotting

@Suite struct AxisTests {
  @Test(arguments: [
    (0.0, 1.0), (-3.2, 4.1), (0, 20_000), (1e-9, 3e-9), (1e5, 1e5 + 0.01), (-1e240, 1e250), (7, 7), (0, 0),
  ])
  func linearTicksAreEvenAndInside(range: (Double, Double)) {
    for count in 3...10 {
      let axis = Axis(range.0...range.1, tickCount: count)
      #expect((2...2 * count + 2).contains(axis.ticks.count))
      guard axis.ticks.count >= 2 else { continue }
      let steps = zip(axis.ticks.dropFirst(), axis.ticks).map { $0.value - $1.value }
      let tolerance = 1e-9 * steps[0] + 1e-12 * max(abs(range.0), abs(range.1))
      #expect(steps.allSatisfy { abs($0 - steps[0]) <= tolerance })
      #expect(axis.ticks.allSatisfy { (-1e-6...1 + 1e-6).contains(axis.fraction(of: $0.value)) })
      #expect(Set(axis.ticks.map(\.label)).count == axis.ticks.count)
    }
  }

  @Test func labelsAreTheTicksValues() {
    #expect(Axis(0...1, tickCount: 5).ticks.map(\.label) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
    #expect(Axis(-4...4, tickCount: 4).ticks.map(\.label) == ["−4", "−2", "0", "2", "4"])
    #expect(Axis(0...2e7, tickCount: 4).ticks.map(\.label) == ["0", "0.5×10⁷", "1.0×10⁷", "1.5×10⁷", "2.0×10⁷"])
    #expect(Axis(0...4e4, tickCount: 2).ticks.map(\.label) == ["0", "20\u{2009}000", "40\u{2009}000"])
    #expect(Axis(1960...2000, tickCount: 2).ticks.map(\.label) == ["1960", "1980", "2000"])
    for axis in [Axis(0...0.03, tickCount: 5), Axis(1e5...3e6, tickCount: 6), Axis(1e-8...9e-8, tickCount: 6)] {
      for tick in axis.ticks {
        #expect(abs(number(tick.label) - tick.value) <= 1e-9 * abs(tick.value), "\(tick)")
      }
    }
  }

  /// What a label says, such as −1.5×10⁻³.
  private func number(_ label: String) -> Double {
    let superscripts = Dictionary(uniqueKeysWithValues: zip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    let parts = label.replacingOccurrences(of: "\u{2009}", with: "").replacingOccurrences(of: "−", with: "-")
      .components(separatedBy: "×")
    return parts.reduce(1) { product, part in
      let exponent = String(part.compactMap { superscripts[$0] })
      return product * (exponent.isEmpty ? Double(part) ?? .nan : pow(10, Double(exponent) ?? .nan))
    }
  }

  @Test func logarithmicTicksArePowersOfTen() {
    func axis(_ low: Double, _ high: Double, _ count: Int = 6) -> Axis {
      Axis(low...high, scale: .logarithmic, tickCount: count)
    }
    #expect(axis(1e-5, 1).ticks.map(\.label) == ["10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰"])
    #expect(axis(1e-12, 10).ticks.map(\.label) == ["10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "10⁰"])
    #expect(axis(0.05, 60).ticks.map(\.label) == ["0.1", "1", "10"])
    #expect(axis(0.5, 20).ticks.map(\.label) == ["0.5", "1", "2", "5", "10", "20"])
    #expect(axis(2e-5, 8e-4).ticks.map(\.label) == ["2×10⁻⁵", "5×10⁻⁵", "10⁻⁴", "2×10⁻⁴", "5×10⁻⁴"])
    for tick in axis(2e-5, 8e-4).ticks + axis(1e-12, 10).ticks + axis(0.5, 20).ticks {
      #expect(abs(number(tick.label) - tick.value) <= 1e-9 * tick.value)
    }
    // Between them the other multiples, without a label.
    #expect(axis(0.1, 10).minorTicks.count == 16 - axis(0.1, 10).ticks.count + 3)
    #expect(axis(1e-12, 10).minorTicks.count == 14 - 5 && axis(2, 3).minorTicks.isEmpty)
  }

  @Test(arguments: [(1e-5, 2.0), (0.3, 40), (1e-250, 1e250), (0.5, 0.6), (3, 3)])
  func logarithmicAxesPlaceEqualRatiosEqually(range: (Double, Double)) {
    let axis = Axis(range.0...range.1, scale: .logarithmic, tickCount: 6)
    #expect((2...14).contains(axis.ticks.count))
    #expect(axis.ticks.allSatisfy { (-1e-6...1 + 1e-6).contains(axis.fraction(of: $0.value)) })
    let middle = axis.range.lowerBound.squareRoot() * axis.range.upperBound.squareRoot()
    #expect(abs(axis.fraction(of: middle) - 0.5) < 1e-9)
  }

  @Test func rangesSkipWhatCannotBeShown() {
    #expect(Axis.range(of: [.nan, 1, .infinity, 3, -.infinity], margin: 0) == 1...3)
    #expect(Axis.range(of: [-5, 0, 1, 100], scale: .logarithmic, margin: 0) == 1...100)
    #expect(Axis.range(of: [.nan], margin: 0.1) == 0...1)
    #expect(Axis.range(of: [0, 10], margin: 0.1) == -1...11)
  }
}
