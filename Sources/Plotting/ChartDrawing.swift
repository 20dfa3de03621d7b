internal import Imaging

/// How a chart is laid out and drawn.
struct ChartDrawing {
  private let chart: LineChart
  private let typeface = Typeface()
  private let text: PlotText
  private let title: TextBlock
  private let isEmpty: Bool
  let legend: Legend?
  /// Where the legend stands, and the frame that leaves it room.
  let placement: Legend.Placement
  let frame: PlotFrame

  private static let margin = 12

  init(_ chart: LineChart) {
    self.chart = chart
    let (width, height) = (chart.width, chart.height)
    text = PlotText(smallerSide: min(width, height))
    title = TextBlock(
      chart.title, size: text.title, width: Double(width - 2 * Self.margin), height: Double(height) * 0.3, typeface)
    let shown = ChartDrawing.points(of: chart)
    isEmpty = shown.isEmpty
    let hasMarks = !chart.marks.isEmpty || chart.series.contains { $0.showsPoints }
    let ranges = (
      x: chart.xRange ?? Axis.range(of: shown.map(\.x), scale: chart.xScale, margin: hasMarks ? 0.04 : 0.02),
      y: chart.yRange ?? Axis.range(of: shown.map(\.y), scale: chart.yScale, margin: 0.05)
    )
    let entries = ChartDrawing.entries(of: chart)
    let whole = Legend(entries, size: text.tick, width: width - 2 * Self.margin, typeface)
    legend = entries.count > 1 ? whole : nil
    let (title, text, typeface) = (title, text, typeface)
    func frame(legendHeight: Int) -> PlotFrame {
      ChartDrawing.frame(chart, ranges, title, legendHeight: legendHeight, text, typeface)
    }
    let plain = frame(legendHeight: 0)
    let place =
      entries.count < 2
      ? .above : whole.placement(in: plain.area, avoiding: ChartDrawing.drawn(chart, in: plain), typeface)
    placement = place
    if case .above = place, entries.count > 1 {
      self.frame = frame(legendHeight: whole.height(width: width - 2 * Self.margin, typeface) + 4)
    } else {
      self.frame = plain
    }
  }

  /// The points that can be drawn, and the ends of bands and bars.
  private static func points(of chart: LineChart) -> [(x: Double, y: Double)] {
    let edges = chart.bands.flatMap(\.points).flatMap { [(x: $0.x, y: $0.low), (x: $0.x, y: $0.high)] }
    let bars = (chart.series + chart.marks).flatMap { series in
      zip(series.points, series.errors).flatMap { [($0.x, $0.y - $1), (x: $0.x, y: $0.y + $1)] }
    }
    return ((chart.series + chart.marks).flatMap { $0.points + $0.raw } + edges + bars).filter(chart.shows)
  }

  /// The frame between title, legend, numbers and labels.
  private static func frame(
    _ chart: LineChart, _ ranges: (x: ClosedRange<Double>, y: ClosedRange<Double>), _ title: TextBlock,
    legendHeight: Int, _ text: PlotText, _ typeface: Typeface
  ) -> PlotFrame {
    let label = PlotText.height(text.label) + PlotFrame.labelGap
    let top = (title.lines.isEmpty ? margin : margin + Int(title.height) + 7) + legendHeight
    let bottom = chart.height - PlotFrame.numbersHeight(text) - (chart.xLabel.isEmpty ? 8 : label + 8)
    let y = PlotFrame.verticalAxis(ranges.y, scale: chart.yScale, height: bottom - top, text)
    let left = 10 + PlotFrame.numbersWidth(of: y, text, typeface) + (chart.yLabel.isEmpty ? 0 : label)
    let right = chart.width - 18
    let x = PlotFrame.horizontalAxis(ranges.x, scale: chart.xScale, length: right - left, text, typeface)
    return PlotFrame(area: PlotArea(left: left, top: top, right: right, bottom: bottom), x: x, y: y, text: text)
  }

  func image() -> Image {
    var canvas = Canvas(width: chart.width, height: chart.height, density: chart.density, typeface: typeface)
    for range in chart.shadedX where chart.shows((range.lowerBound, chart.yScale == .linear ? 0 : 1)) {
      let (left, right) = (
        frame.position((range.lowerBound, frame.y.range.lowerBound)).x,
        frame.position((range.upperBound, frame.y.range.lowerBound)).x
      )
      let (low, high) = (max(left, frame.area.x.lowerBound), min(right, frame.area.x.upperBound))
      if low < high {
        canvas.fill(
          x: low, y: Double(frame.area.top), width: high - low, height: Double(frame.area.height), .grid, alpha: 0.6)
      }
    }
    frame.drawGrid(on: &canvas)
    drawData(on: &canvas)
    frame.drawFrame(on: &canvas)
    drawTexts(on: &canvas)
    if let legend {
      switch placement {
      case .inside(let x, let y): legend.draw(on: &canvas, x: x, y: y)
      case .above:
        let width = chart.width - 2 * Self.margin
        let top = frame.area.top - legend.height(width: width, typeface) - 4
        legend.drawRows(on: &canvas, x: Self.margin, y: top, width: width)
      }
    }
    return canvas.image()
  }

  private func drawTexts(on canvas: inout Canvas) {
    canvas.text(title, x: Double(chart.width) / 2, y: Double(Self.margin))
    let lineHeight = Double(PlotText.height(text.label))
    let below = TextBlock(
      chart.xLabel, size: text.label, width: Double(chart.width - 2 * Self.margin), height: lineHeight, typeface)
    let half = below.width(typeface) / 2
    canvas.text(
      below, x: max(half + 4, min(frame.area.centerX, Double(chart.width) - half - 4)),
      y: Double(frame.area.bottom + PlotFrame.numbersHeight(text) + PlotFrame.labelGap))
    let beside = TextBlock(
      chart.yLabel, size: text.label, width: Double(chart.height - 8), height: lineHeight, typeface)
    let halfHeight = beside.width(typeface) / 2
    canvas.upwardText(
      beside, x: 8, y: max(halfHeight + 4, min(frame.area.centerY, Double(chart.height) - halfHeight - 4)))
    if isEmpty {
      canvas.text(
        "no data", x: frame.area.centerX, y: frame.area.centerY - text.label / 2, size: text.label, alignment: .center)
    }
  }

  // MARK: Data

  private func drawData(on canvas: inout Canvas) {
    let area = frame.area
    for (index, band) in chart.bands.enumerated() {
      canvas.band(
        chart.places(of: band, in: frame), ChartDrawing.color(index), alpha: 0.25, within: area)
    }
    for (index, series) in chart.series.enumerated() {
      let color = ChartDrawing.color(index)
      let raw = chart.pieces(of: series.raw, in: frame, density: chart.density)
      canvas.polylines(raw, thickness: 0.8, color.mixed(with: .white, 0.55), within: area)
    }
    for (index, series) in chart.series.enumerated() {
      let line = ChartDrawing.line(index, series)
      canvas.polylines(
        chart.pieces(of: series.points, in: frame, density: chart.density), thickness: line.thickness,
        dashes: line.dashes, ChartDrawing.color(index), within: area)
    }
    for (index, series) in chart.series.enumerated() {
      drawBars(of: series, ChartDrawing.color(index), on: &canvas)
      if series.showsPoints {
        canvas.markers(chart.spots(of: series, in: frame), radius: 3, ChartDrawing.color(index), alpha: 1, within: area)
      }
    }
    for (index, marks) in chart.marks.enumerated() {
      let color = ChartDrawing.color(chart.series.count + index)
      drawBars(of: marks, color, on: &canvas)
      canvas.markers(
        chart.spots(of: marks, in: frame), ChartDrawing.marker(index, marks),
        radius: ChartDrawing.radius(marks), color, alpha: 0.9, within: area)
    }
  }

  private func drawBars(of series: LineChart.Series, _ color: Color, on canvas: inout Canvas) {
    for bar in chart.bars(of: series, in: frame) {
      let cap = 3.0
      let lines = [
        [bar.start, bar.end], [(bar.start.x - cap, bar.start.y), (bar.start.x + cap, bar.start.y)],
        [(bar.end.x - cap, bar.end.y), (bar.end.x + cap, bar.end.y)],
      ]
      canvas.polylines(lines, thickness: 1, color, within: frame.area)
    }
  }

  private static func color(_ index: Int) -> Color { Color.series[index % Color.series.count] }

  /// Curves beyond the last colour are dashed.
  private static func line(_ index: Int, _ series: LineChart.Series) -> (thickness: Double, dashes: [Double]) {
    let patterns: [[Double]] = [[], [7, 4], [2, 3], [8, 3, 2, 3]]
    let round = index / Color.series.count + (series.isDashed ? 1 : 0)
    return (1.6, patterns[round % patterns.count])
  }

  /// Few points must be found, many kept apart.
  private static func radius(_ marks: LineChart.Series) -> Double { marks.points.count <= 40 ? 3.5 : 1.4 }

  private static func marker(_ index: Int, _ marks: LineChart.Series) -> Marker {
    marks.points.count <= 40 ? Marker.allCases[index % Marker.allCases.count] : .disc
  }

  private static func entries(of chart: LineChart) -> [Legend.Entry] {
    chart.series.enumerated().map { index, series in
      Legend.Entry(
        name: series.name, color: color(index), line: line(index, series), marker: series.showsPoints ? .disc : nil,
        hasBand: index < chart.bands.count)
    }
      + chart.marks.enumerated().map { index, marks in
        Legend.Entry(name: marks.name, color: color(chart.series.count + index), marker: marker(index, marks))
      }
  }

  /// All that a legend must not cover, as lines.
  private static func drawn(_ chart: LineChart, in frame: PlotFrame) -> [Segment] {
    let lines = chart.series.flatMap { series in
      [series.points, series.raw].flatMap { chart.pieces(of: $0, in: frame, density: chart.density) }
    }
    let spots = (chart.series + chart.marks).flatMap { chart.spots(of: $0, in: frame) }
    let bands = chart.bands.flatMap { chart.places(of: $0, in: frame) }
    return lines.flatMap { line in zip(line, line.dropFirst()).map { Segment(start: $0, end: $1) } }
      + spots.map { Segment(start: $0, end: $0) }
      + (chart.series + chart.marks).flatMap { chart.bars(of: $0, in: frame) }
      + bands.map { Segment(start: ($0.x, $0.top), end: ($0.x, $0.bottom)) }
  }
}
