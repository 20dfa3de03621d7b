/// The sizes of text in a plot, in points.
struct PlotText {
  let tick, label, title: Double

  /// Sizes for a plot whose smaller side has some length.
  init(smallerSide side: Int) {
    tick = min(12, max(7.5, Double(side) / 27))
    (label, title) = (tick * 1.06, tick * 1.15)
  }

  /// The height of a line of text of a size.
  static func height(_ size: Double) -> Int { Int((size * 1.2).rounded(.up)) }
}
