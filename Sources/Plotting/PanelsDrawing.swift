internal import Imaging

/// How panels are laid out and drawn.
struct PanelsDrawing {
  private let panels: Panels
  private let typeface = Typeface()
  private let text: PlotText
  let ranges: (x: ClosedRange<Double>, y: ClosedRange<Double>)
  private let limit: Double?

  private static let margin = 10, gap = 14
  /// A single panel's title is that of the picture.
  private let isSingle: Bool

  init(_ panels: Panels) {
    self.panels = panels
    isSingle = panels.contents.count == 1 && panels.title.isEmpty
    text = PlotText(smallerSide: panels.columns == 1 ? panels.width : panels.width / panels.columns + 60)
    let fields = panels.contents.compactMap(\.field)
    limit = fields.map(\.limit).max()
    if let low = fields.map(\.range.lowerBound).min(), let high = fields.map(\.range.upperBound).max() {
      ranges = (low...high, low...high)
    } else {
      ranges = ScatterPlot.ranges(of: panels.contents.compactMap(\.points))
    }
  }

  /// The sizes of all parts.
  private struct Layout {
    var left = 0, right = 0, side = 0
    /// The distance between columns.
    var gap = PanelsDrawing.gap
    var title: TextBlock
    var legend: Legend?
    /// The titles of the panels, and the height of each row of titles.
    var titles: [TextBlock] = []
    var titleHeights: [Int] = []
    var top = 0, below = 0
    var xAxis: Axis, yAxis: Axis
    var scale: ColorScale?
  }

  private var rowCount: Int { (panels.contents.count + panels.columns - 1) / panels.columns }
  private var labels: (x: String, y: String) { panels.contents[0].labels }

  private func layout() -> Layout {
    let (width, columns) = (panels.width, panels.columns)
    let label = PlotText.height(text.label) + PlotFrame.labelGap
    let legendEntries = panels.contents.lazy.compactMap(\.points?.legendEntries).first { !$0.isEmpty } ?? []
    let rough = max(60, (width - 90) / columns)
    var layout = Layout(
      title: TextBlock(
        isSingle ? panels.contents[0].title : panels.title, size: text.title * (isSingle ? 1 : 1.05),
        width: Double(width - 2 * Self.margin), height: Double(width) / 4,
        typeface),
      legend: legendEntries.isEmpty
        ? nil : Legend(legendEntries, size: text.tick, width: width - 2 * Self.margin, typeface),
      xAxis: PlotFrame.horizontalAxis(ranges.x, length: rough, text, typeface),
      yAxis: PlotFrame.verticalAxis(ranges.y, height: rough, text))
    layout.scale = limit.map { ColorScale(limit: $0, label: valueLabel, height: rough, text) }
    layout.left = 8 + PlotFrame.numbersWidth(of: layout.yAxis, text, typeface) + (labels.y.isEmpty ? 0 : label)
    layout.right = Self.margin + (layout.scale?.width(typeface) ?? 4)
    layout.below = PlotFrame.numbersHeight(text) + (labels.x.isEmpty ? 0 : label) + 8
    layout.top = layout.title.lines.isEmpty ? Self.margin : Self.margin + Int(layout.title.height) + 8
    if let legend = layout.legend { layout.top += legend.height(width: width - 2 * Self.margin, typeface) }
    // The numbers at the ends of neighbouring axes do not touch.
    let number = layout.xAxis.ticks.map { typeface.width(of: $0.label, size: text.tick) }.max() ?? 0
    layout.gap = max(Self.gap, Int(number) + 6)
    layout.side = (width - layout.left - layout.right - (columns - 1) * layout.gap) / columns
    setTitles(&layout)
    if let height = panels.height {
      layout.side = max(40, min(layout.side, height - layout.top - layout.titleHeights.reduce(0, +) - layout.below))
      let slack = width - layout.left - layout.right - layout.side
      layout.left += max(0, slack / 2)
    }
    layout.xAxis = PlotFrame.horizontalAxis(ranges.x, length: layout.side, text, typeface)
    return layout
  }

  private func setTitles(_ layout: inout Layout) {
    let side = layout.side
    layout.titles = panels.contents.map {
      TextBlock(isSingle ? "" : $0.title, size: text.title, width: Double(side), height: Double(side) * 0.4, typeface)
    }
    layout.titleHeights = (0..<rowCount).map { row in
      let titles = layout.titles[row * panels.columns..<min((row + 1) * panels.columns, layout.titles.count)]
      return titles.map { $0.lines.isEmpty ? 0 : Int($0.height) + 6 }.max() ?? 0
    }
  }

  private var valueLabel: String { panels.contents.lazy.compactMap(\.field?.valueLabel).first ?? "" }

  func image() -> Image {
    let layout = layout()
    let rows = layout.titleHeights.reduce(0, +) + rowCount * layout.side + (rowCount - 1) * Self.gap
    let height = max(panels.height ?? 0, layout.top + rows + layout.below)
    var canvas = Canvas(width: panels.width, height: height, density: panels.density, typeface: typeface)
    let middle = Double(layout.left) + Double(isSingle ? layout.side : panels.width - layout.left - layout.right) / 2
    let reach = layout.title.width(typeface) / 2 + 4
    let center = max(reach, min(Double(panels.width) - reach, isSingle ? middle : Double(panels.width) / 2))
    canvas.text(layout.title, x: center, y: Double(Self.margin))
    if let legend = layout.legend {
      // Centred over the panels where that leaves it room.
      let space = panels.width - 2 * Self.margin
      let top = layout.top - legend.height(width: space, typeface)
      let shift = legend.fits(in: space / 2, typeface) ? Int(middle) - panels.width / 2 : 0
      legend.drawRows(on: &canvas, x: Self.margin + shift, y: top, width: space)
    }
    var frames: [PlotFrame] = []
    for (index, content) in panels.contents.enumerated() {
      let frame = frame(index, layout)
      canvas.text(
        layout.titles[index], x: frame.area.centerX,
        y: Double(frame.area.top) - 6 - layout.titles[index].height)
      draw(content, on: &canvas, in: frame)
      frames.append(frame)
    }
    let lowest = frames.map(\.area.bottom).max() ?? 0
    let all = PlotArea(
      left: layout.left, top: frames[0].area.top, right: frames.map(\.area.right).max() ?? 0, bottom: lowest)
    layout.scale?.draw(on: &canvas, beside: all)
    let line = Double(PlotText.height(text.label))
    let below = TextBlock(labels.x, size: text.label, width: Double(panels.width - 12), height: line, typeface)
    let half = below.width(typeface) / 2 + 5
    canvas.text(
      below, x: max(half, min(Double(panels.width) - half, middle)),
      y: Double(lowest + PlotFrame.numbersHeight(text) + PlotFrame.labelGap))
    canvas.upwardText(
      TextBlock(labels.y, size: text.label, width: Double(all.height), height: line, typeface),
      x: Double(layout.left - PlotFrame.numbersWidth(of: layout.yAxis, text, typeface) - PlotFrame.labelGap) - line,
      y: all.centerY)
    return canvas.image()
  }

  /// The frames of all panels.
  var frames: [PlotFrame] {
    let layout = layout()
    return panels.contents.indices.map { frame($0, layout) }
  }

  private func frame(_ index: Int, _ layout: Layout) -> PlotFrame {
    let (row, column) = (index / panels.columns, index % panels.columns)
    let left = layout.left + column * (layout.side + layout.gap)
    let top = layout.top + layout.titleHeights[...row].reduce(0, +) + row * (layout.side + Self.gap)
    var frame = PlotFrame(
      area: PlotArea(left: left, top: top, right: left + layout.side, bottom: top + layout.side), x: layout.xAxis,
      y: layout.yAxis, text: text)
    frame.hasXNumbers = index + panels.columns >= panels.contents.count
    frame.hasYNumbers = column == 0
    return frame
  }

  private func draw(_ content: Panels.Content, on canvas: inout Canvas, in frame: PlotFrame) {
    switch content {
    case .points(let plot):
      frame.drawGrid(on: &canvas)
      plot.drawPoints(on: &canvas, in: frame)
    case .field(let plot): plot.drawField(on: &canvas, in: frame, limit: limit ?? plot.limit)
    }
    frame.drawFrame(on: &canvas)
  }
}
