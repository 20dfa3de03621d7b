internal import Foundation

/// A range of numbers on a line, with marks at round numbers.
struct Axis {
  typealias Scale = LineChart.Scale

  struct Tick {
    let value: Double
    let label: String
  }

  let range: ClosedRange<Double>
  let scale: Scale
  let ticks: [Tick]
  /// The places of marks without labels, between the others.
  let minorTicks: [Double]

  /// The largest magnitude on an axis; beyond it differences overflow.
  static let limit = 1e250

  /// Whether an axis has a place for a number.
  static func shows(_ value: Double, scale: Scale = .linear) -> Bool {
    abs(value) <= limit && (scale == .linear || value >= 1 / limit)
  }

  /// An axis over exactly this range, with about `tickCount` marks.
  ///
  /// A range that is too narrow for its numbers is widened.
  init(_ range: ClosedRange<Double>, scale: Scale = .linear, tickCount: Int) {
    let range = Axis.widened(range, scale: scale)
    self.range = range
    self.scale = scale
    switch scale {
    case .linear: (ticks, minorTicks) = (Axis.linearTicks(range, count: tickCount), [])
    case .logarithmic:
      ticks = Axis.logarithmicTicks(range, count: tickCount)
      minorTicks = Axis.minorTicks(range, between: ticks)
    }
  }

  /// The range of numbers with a margin (a part of its length) at both ends; 0 … 1 (1 … 10) if there are none to show.
  static func range(of values: some Sequence<Double>, scale: Scale = .linear, margin: Double) -> ClosedRange<Double> {
    var (low, high) = (Double.infinity, -Double.infinity)
    for value in values where shows(value, scale: scale) { (low, high) = (min(low, value), max(high, value)) }
    guard low <= high else { return scale == .linear ? 0...1 : 1...10 }
    let range = widened(low...high, scale: scale)
    switch scale {
    case .linear:
      let space = (range.upperBound - range.lowerBound) * margin
      return (range.lowerBound - space)...(range.upperBound + space)
    case .logarithmic:
      let factor = pow(10, (log10(range.upperBound) - log10(range.lowerBound)) * margin)
      return (range.lowerBound / factor)...(range.upperBound * factor)
    }
  }

  /// The position of a number on the axis: 0 at the lower end, 1 at the upper.
  func fraction(of value: Double) -> Double {
    switch scale {
    case .linear: (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    case .logarithmic: (log(value) - log(range.lowerBound)) / (log(range.upperBound) - log(range.lowerBound))
    }
  }

  private static func widened(_ range: ClosedRange<Double>, scale: Scale) -> ClosedRange<Double> {
    let (low, high) = (range.lowerBound, range.upperBound)
    let magnitude = max(abs(low), abs(high))
    guard high - low <= magnitude * 1e-9 else { return range }
    if scale == .logarithmic { return (low / 2)...(high * 2) }
    return magnitude < 1e-250 ? -1...1 : (low - magnitude * 0.1)...(high + magnitude * 0.1)
  }
}
