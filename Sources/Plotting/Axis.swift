internal import Foundation

/// A range of numbers on a line, with marks at round numbers.
struct Axis {
  /// How numbers are spread over the axis.
  enum Scale { case linear, logarithmic }

  struct Tick {
    let value: Double
    let label: String
  }

  let range: ClosedRange<Double>
  let scale: Scale
  let ticks: [Tick]

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
    case .linear: ticks = Axis.linearTicks(range, count: tickCount)
    case .logarithmic: ticks = Axis.logarithmicTicks(range, count: tickCount)
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

  private static func linearTicks(_ range: ClosedRange<Double>, count: Int) -> [Tick] {
    let rough = (range.upperBound - range.lowerBound) / Double(max(1, count))
    let power = pow(10, floor(log10(rough)))
    // The next round step, or the first smaller one that has two multiples on the axis.
    let steps = [10, 5, 2, 1, 0.5, 0.2].map { $0 * power }
    var (step, first, last) = (power, 0.0, -1.0)
    let start = steps.lastIndex { $0 >= rough * 0.99 } ?? 0
    for candidate in steps[start...] where candidate.isNormal {
      let low = ceil(range.lowerBound / candidate - 1e-9)
      let high = floor(range.upperBound / candidate + 1e-9)
      if high > low {
        (step, first, last) = (candidate, low, high)
        break
      }
    }
    guard last > first else { return [] }
    let values = (0...Int(last - first)).map { (first + Double($0)) * step }
    let largest = values.reduce(0) { max($0, abs($1)) }
    let decimals = max(0, Int(-floor(log10(step) + 1e-9)))
    return values.map { value in
      if largest >= 1e7 || decimals > 4 {
        let digits = max(0, Int(floor(log10(largest) + 1e-9) - floor(log10(step) + 1e-9)))
        return Tick(value: value, label: value == 0 ? "0" : scientific(value, digits: min(digits, 9)))
      }
      return Tick(value: value, label: String(format: "%.\(decimals)f", value == 0 ? 0 : value))
    }
  }

  private static func logarithmicTicks(_ range: ClosedRange<Double>, count: Int) -> [Tick] {
    let (low, high) = (log10(range.lowerBound), log10(range.upperBound))
    // Less than a decade gets the marks of a linear axis.
    if high - low < 1 { return linearTicks(range, count: count) }
    let stride = max(1, Int(((high - low) / Double(max(1, count))).rounded(.up)))
    let multiples: [Double] = stride > 1 ? [1] : high - low < 1.7 ? [1, 2, 5] : high - low < 3 ? [1, 3] : [1]
    return (Int(floor(low))...Int(ceil(high))).filter { $0 % stride == 0 }.flatMap { exponent in
      multiples.map { $0 * pow(10, Double(exponent)) }.filter { range.contains($0) }.map { value in
        (-3...4).contains(exponent)
          ? Tick(value: value, label: String(format: "%.\(max(0, -exponent))f", value))
          : Tick(value: value, label: scientific(value, digits: 0))
      }
    }
  }

  /// A number such as 1.5e-7.
  private static func scientific(_ value: Double, digits: Int) -> String {
    let parts = String(format: "%.\(digits)e", value).split(separator: "e")
    guard parts.count == 2, let exponent = Int(parts[1]) else { return "\(value)" }
    return "\(parts[0])e\(exponent)"
  }
}
