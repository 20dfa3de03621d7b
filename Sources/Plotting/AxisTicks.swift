internal import Foundation

extension Axis {
  /// About `count` equally spaced marks at round numbers.
  static func linearTicks(_ range: ClosedRange<Double>, count: Int) -> [Tick] {
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
    if largest >= 1e7 || decimals > 4 {
      // All labels have the largest one's power.
      let exponent = Int(floor(log10(largest) + 1e-9))
      let digits = min(9, max(0, exponent - Int(floor(log10(step) + 1e-9))))
      return values.map { value in
        let mantissa = value / pow(10, Double(exponent))
        return Tick(
          value: value,
          label: value == 0 ? "0" : "\(Axis.decimal(mantissa, digits: digits))×\(Axis.powerOfTen(exponent))")
      }
    }
    return values.map { Tick(value: $0, label: Axis.decimal($0, digits: decimals)) }
  }

  /// Marks at powers of ten, and at multiples of them on short axes.
  static func logarithmicTicks(_ range: ClosedRange<Double>, count: Int) -> [Tick] {
    let (low, high) = (log10(range.lowerBound), log10(range.upperBound))
    // Less than a decade gets the marks of a linear axis.
    if high - low < 1 { return linearTicks(range, count: count) }
    let stride = max(1, Int(((high - low) / Double(max(1, count))).rounded(.up)))
    let multiples: [Double] = stride > 1 ? [1] : high - low < 1.7 ? [1, 2, 5] : high - low < 2.5 ? [1, 3] : [1]
    let values = (Int(floor(low))...Int(ceil(high))).filter { $0 % stride == 0 }.flatMap { exponent in
      multiples.map { (multiple: $0, exponent: exponent) }
    }.filter { range.contains($0.multiple * pow(10, Double($0.exponent))) }
    let isPlain = values.allSatisfy { (multiples.count > 1 ? -3...4 : -2...3).contains($0.exponent) }
    return values.map { multiple, exponent in
      let value = multiple * pow(10, Double(exponent))
      if isPlain { return Tick(value: value, label: decimal(value, digits: max(0, -exponent))) }
      let factor = multiple == 1 ? "" : "\(Int(multiple))×"
      return Tick(value: value, label: factor + powerOfTen(exponent))
    }
  }

  /// The multiples of powers of ten between the marks of a logarithmic axis, or the powers that have no mark.
  static func minorTicks(_ range: ClosedRange<Double>, between ticks: [Tick]) -> [Double] {
    let (low, high) = (log10(range.lowerBound), log10(range.upperBound))
    guard high - low >= 1, high - low <= 60 else { return [] }
    let multiples: ClosedRange<Int> = high - low <= 9 ? 1...9 : 1...1
    var values: [Double] = []
    for exponent in Int(floor(low))...Int(ceil(high)) {
      let power = pow(10, Double(exponent))
      for multiple in multiples {
        let value = Double(multiple) * power
        let isMarked = ticks.contains { abs($0.value - value) < 1e-6 * value }
        if range.contains(value) && !isMarked { values.append(value) }
      }
    }
    return values
  }

  /// A number with some digits after the point, a true minus sign, and narrow spaces between thousands from 10 000 on.
  static func decimal(_ value: Double, digits: Int) -> String {
    let text = String(format: "%.\(digits)f", abs(value))
    let parts = text.split(separator: ".", maxSplits: 1).map(String.init)
    var whole = parts[0]
    if whole.count > 4 {
      let places = Array(whole)
      whole = places.indices.map { index in
        (index > 0 && (places.count - index) % 3 == 0 ? "\u{2009}" : "") + String(places[index])
      }.joined()
    }
    let isZero = !text.contains { ("1"..."9").contains($0) }
    return (value < 0 && !isZero ? "−" : "") + ([whole] + parts.dropFirst()).joined(separator: ".")
  }

  /// 10 with an exponent above the line.
  static func powerOfTen(_ exponent: Int) -> String {
    let digits: [Character: Character] = [
      "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸", "9": "⁹",
    ]
    return "10" + String(String(exponent).compactMap { digits[$0] })
  }
}
