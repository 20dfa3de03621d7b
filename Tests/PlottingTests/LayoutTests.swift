import Foundation
import Imaging
import Testing

@testable import Plotting

@Suite struct LayoutTests {
  private typealias Points = [(x: Double, y: Double)]

  private func isWhite(_ image: Image, _ x: Int, _ y: Int) -> Bool {
    image.pixels[(y * image.width + x) * 3..<(y * image.width + x) * 3 + 3].allSatisfy { $0 == 255 }
  }

  /// Whether a border of some pixels is free of ink.
  private func hasFreeBorder(_ image: Image, _ border: Int = 4) -> Bool {
    (0..<image.height).allSatisfy { y in
      (0..<image.width).allSatisfy { x in
        (border..<image.width - border).contains(x) && (border..<image.height - border).contains(y)
          || isWhite(image, x, y)
      }
    }
  }

  private func curve(_ name: String, _ f: (Double) -> Double) -> LineChart.Series {
    .init(name, points: (0...200).map { (Double($0) / 20, f(Double($0) / 20)) })
  }

  private let long = String(repeating: "a title that is much too long for one line, ", count: 4)

  @Test func textsStayInsideThePicture() {
    var chart = LineChart(
      title: long, xLabel: long, yLabel: long, series: [curve(long, sin), curve("b", cos)], width: 300, height: 200)
    #expect(hasFreeBorder(chart.image()))
    chart.density = 1
    #expect(hasFreeBorder(chart.image(), 2))
    chart.xScale = .logarithmic
    chart.yScale = .logarithmic
    #expect(hasFreeBorder(chart.image(), 2))
    var plot = ScatterPlot(points: [(0, 0), (1e-9, 3e7)], over: [(1, 1)], title: long, size: 240)
    (plot.xLabel, plot.yLabel) = (long, long)
    #expect(hasFreeBorder(plot.image()))
    #expect((plot.image().width, plot.image().height) == (480, 480))
    var field = FieldPlot(values: [1], range: -1e5...1e5, limit: 3e-7, title: long, width: 300)
    (field.xLabel, field.yLabel, field.valueLabel) = (long, long, long)
    #expect(hasFreeBorder(field.image()))
    #expect(hasFreeBorder(Panels([field, field, field, field]).image()))
    #expect(hasFreeBorder(Panels([plot, plot, plot], width: 400).image()))
  }

  /// The curves on the surface, and the box of the legend if it stands among them.
  private func legend(_ series: [LineChart.Series], marks: [LineChart.Series] = []) -> (box: PlotArea, spots: [Spot])? {
    let drawing = ChartDrawing(LineChart(series: series, marks: marks))
    guard case .inside(let x, let y) = drawing.placement, let legend = drawing.legend else { return nil }
    let size = legend.boxSize(Typeface())
    let box = PlotArea(left: x, top: y, right: x + size.width, bottom: y + size.height)
    return (box, (series + marks).flatMap { $0.points.map(drawing.frame.position) })
  }

  @Test(arguments: [
    (1.0, 0.0), (-1, 0), (1, 9), (-1, 9), (0, 1),
  ])
  func theLegendCoversNoCurve(slope: Double, curvature: Double) throws {
    let series = [curve("first", { slope * $0 + curvature * $0 * $0 }), curve("second", { slope * $0 * $0 * $0 })]
    let (box, spots) = try #require(legend(series))
    #expect(spots.count == 402)
    #expect(!spots.contains { box.x.contains($0.x) && box.y.contains($0.y) }, "\(box)")
  }

  @Test func theLegendCoversNoMark() throws {
    // Marks in three corners.
    let marks = LineChart.Series("marks", points: [(0, 0), (0, 1), (1, 1)])
    let (box, spots) = try #require(legend([], marks: [marks, .init("more", points: [(0.5, 0.5)])]))
    #expect(box.left > 300 && box.top > 200, "\(box)")
    #expect(!spots.contains { box.grown(by: 3).x.contains($0.x) && box.grown(by: 3).y.contains($0.y) })
  }

  @Test func theLegendOfAFullPlotIsAboveIt() {
    let waves = (0..<6).map { wave in curve("wave \(wave)") { sin(9 * $0) * (1 + Double(wave)) } }
    #expect(legend(waves) == nil)
    let (full, plain) = (ChartDrawing(LineChart(series: waves)), ChartDrawing(LineChart(series: [waves[5]])))
    #expect(full.frame.area.top > plain.frame.area.top + 15)
  }

  @Test func panelsShareRangesAndColours() throws {
    // The same point beside different others has the same place in its panel.
    let plots = [[(0.0, 0.0), (1, 1)], [(0.0, 0.0), (5, -3)]].map { ScatterPlot(points: $0) }
    let drawing = PanelsDrawing(Panels(plots))
    #expect(drawing.ranges.x.contains(5) && drawing.ranges.y.contains(-3) && drawing.ranges.y.contains(1))
    let frames = drawing.frames
    let places = frames.map { $0.position((0.5, 0.5)) }
    let distances = zip(places, frames).map { $0.x - Double($1.area.left) }
    #expect(abs(distances[0] - distances[1]) < 1e-9)
    #expect(places[0].y == places[1].y)
    #expect(frames[0].area.width == frames[0].area.height, "both axes have one scale")
    #expect(frames.map(\.hasYNumbers) == [true, false] && frames.allSatisfy(\.hasXNumbers))
    // A value has one colour, whatever the limit of its own plot.
    let image = Panels([1.0, 4].map { FieldPlot(values: [1], range: 0...1, limit: $0) }).image()
    let fields = PanelsDrawing(Panels([1.0, 4].map { FieldPlot(values: [1], range: 0...1, limit: $0) })).frames
    let colors = fields.map { frame in
      let pixel = (2 * Int(frame.area.centerY) * image.width + 2 * Int(frame.area.centerX)) * 3
      return Array(image.pixels[pixel..<pixel + 3])
    }
    #expect(colors[0] == colors[1] && colors[0][0] > colors[0][2])
  }

  @Test func dataLieInGreyBeneathSamples() {
    let data: Points = (0..<100).map { (Double($0 % 10), Double($0 / 10)) }
    let alone = ScatterPlot(points: [(4.5, 4.5)], range: -1...10).image()
    let both = ScatterPlot(points: [(4.5, 4.5)], over: data, range: -1...10).image()
    func colored(_ image: Image) -> Int {
      (0..<image.width * image.height).count { Int(image.pixels[$0 * 3 + 2]) > Int(image.pixels[$0 * 3]) + 60 }
    }
    func grey(_ image: Image) -> Int {
      (0..<image.width * image.height).count {
        let pixel = image.pixels[$0 * 3..<$0 * 3 + 3].map { Int($0) }
        return (160..<215).contains(pixel[0]) && pixel[2] - pixel[0] < 10
      }
    }
    #expect(grey(both) > grey(alone) + 500, "\(grey(both)), \(grey(alone))")
    #expect(colored(alone) > 5 && colored(both) > colored(alone), "the sample, and its mark in the legend")
    #expect(ScatterPlot(points: data).image() == ScatterPlot(points: data, over: []).image())
  }

  @Test func captionedPicturesKeepTheirPixels() {
    let first = Image(width: 30, height: 20, channels: 1, pixels: (0..<600).map { UInt8($0 % 200) })
    let second = Image(width: 40, height: 30, channels: 3, pixels: (0..<3600).map { UInt8($0 % 199) })
    let panels = Image.panels([("sample", first), ("its neighbour among the data", second)], title: "both")
    func contains(_ image: Image) -> Bool {
      let pixels = image.rgb().pixels
      return (0...panels.width - image.width).contains { x in
        (0...panels.height - image.height).contains { y in
          (0..<image.height).allSatisfy { row in
            let start = ((y + row) * panels.width + x) * 3
            return panels.pixels[start..<start + image.width * 3]
              == pixels[row * image.width * 3..<(row + 1) * image.width * 3]
          }
        }
      }
    }
    #expect(contains(first) && contains(second))
    #expect(panels != Image.panels([("drawn", first), ("its neighbour among the data", second)], title: "both"))
    #expect(Image.panels([("a", first), ("b", first), ("c", first)], columns: 1).height > 60 + 3 * 12)
  }

  @Test func equalInputGivesEqualBytes() {
    func image() -> Image { LineChart(title: "σ, ∇", series: [curve("a", sin), curve("b", cos)], bands: []).image() }
    #expect(image() == image())
  }
}

@Suite struct SmoothingTests {
  @Test func theMeanIsSmootherAndCentred() {
    let noisy: [(x: Double, y: Double)] = (0..<400).map { index in
      let noise: Double = index % 2 == 0 ? 10 : -10
      return (Double(index), Double(index) + noise)
    }
    let series = LineChart.Series.smoothed("loss", points: noisy)
    #expect(series.points.count == 400 && series.raw.count == 400)
    #expect(series.points.dropFirst(20).dropLast(20).allSatisfy { abs($0.x - $0.y) < 3 })
    #expect(series.points[0].y == noisy[0].y && series.points[399].y == noisy[399].y)
    // Many points are averaged in parts; few stay as they are.
    let many = LineChart.Series.smoothed("loss", points: (0..<50_000).map { (Double($0), $0 % 2 == 0 ? 0 : 2) })
    #expect(many.points.count == 1000 && many.points.allSatisfy { abs($0.y - 1) < 1e-9 })
    let few = LineChart.Series.smoothed("loss", points: Array(noisy.prefix(30)))
    #expect(few.raw.isEmpty && few.points.map(\.y) == noisy.prefix(30).map(\.y))
    #expect(LineChart.Series.smoothed("loss", points: []).points.isEmpty)
  }

  @Test func rawValuesAreDrawnFaintlyBeneath() {
    var chart = LineChart(series: [.init("loss", points: [(0, 1), (10, 1)])], width: 480, height: 320)
    chart.yRange = 0...2
    let plain = chart.image()
    chart.series[0].raw = [(0, 0.5), (10, 1.5)]
    let both = chart.image()
    let changed = (0..<plain.width * plain.height).filter { plain.pixels[$0 * 3] > both.pixels[$0 * 3] }
    #expect(changed.count > 500)
    #expect(
      changed.filter { plain.pixels[$0 * 3] == 255 }.allSatisfy { both.pixels[$0 * 3] > 100 }, "fainter than the curve")
  }

  @Test func barsReachFromErrorToError() {
    var series = LineChart.Series("a", points: [(1, 2), (2, 2), (3, 2)])
    series.errors = [1, 0, .nan]
    let chart = LineChart(series: [series])
    let frame = ChartDrawing(chart).frame
    let bars = chart.bars(of: series, in: frame)
    #expect(bars.count == 1)
    #expect(bars.first?.start.y == frame.position((1, 3)).y && bars.first?.end.y == frame.position((1, 1)).y)
  }
}
