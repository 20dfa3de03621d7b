import Foundation
import Imaging
import Plotting
import Testing

@Suite struct ScatterPlotTests {
  private func picture(_ points: Points, range: ClosedRange<Double>? = nil) -> Image {
    var plot = ScatterPlot(points: points, range: range, size: 400)
    plot.density = 1
    return plot.image()
  }

  private typealias Points = [(x: Double, y: Double)]

  /// How dark a part of the picture is: the sum of 255 − red over its pixels.
  private func ink(_ image: Image, _ columns: Range<Int>, _ rows: Range<Int>) -> Int {
    rows.reduce(0) { sum, y in columns.reduce(sum) { $0 + 255 - Int(image.pixels[(y * image.width + $1) * 3]) } }
  }

  @Test func pointsAppearWhereTheyAre() {
    let empty = picture([], range: -1...1)
    #expect((empty.width, empty.height, empty.channels) == (400, 400, 3))
    let image = picture([(0.5, 0.5)], range: -1...1)
    let changed = (0..<160_000).filter { image.pixels[$0 * 3] != empty.pixels[$0 * 3] }
    #expect((1...30).contains(changed.count))
    #expect(changed.allSatisfy { $0 % 400 > 220 && $0 / 400 < 200 })
  }

  @Test func axesHaveOneScale() {
    // A long thin cloud fills few rows of its square picture.
    let points: Points = (0..<400).map { (Double($0) / 100, Double($0 % 5) / 100) }
    let image = picture(points)
    let blue = (0..<160_000).filter { Int(image.pixels[$0 * 3 + 2]) > Int(image.pixels[$0 * 3]) + 60 }
    let (rows, columns) = (Set(blue.map { $0 / 400 }), Set(blue.map { $0 % 400 }))
    #expect(rows.count < 12 && columns.count > 250)
  }

  @Test func densityDarkens() {
    // Two squares of one size, the right one with sixteen times as many points.
    let sparse = square(left: -1.25, side: 25)
    let dense = square(left: 0.25, side: 100)
    let image = picture(sparse + dense, range: -1.5...1.5)
    #expect(ink(image, 240..<380, 20..<340) > 2 * ink(image, 80..<220, 20..<340))
  }

  private func square(left: Double, side: Int) -> Points {
    (0..<side * side).map { (index: Int) -> (x: Double, y: Double) in
      let (column, row) = (Double(index % side), Double(index / side))
      return (left + column / Double(side), -0.5 + row / Double(side))
    }
  }

  @Test func undefinedPointsAreSkipped() {
    let good: Points = [(0, 0), (1, 2), (2, 1)]
    let bad: Points = [(.nan, 1), (1, .infinity), (-.infinity, .nan), (1e308, 1)]
    #expect(ScatterPlot(points: good + bad).image() == ScatterPlot(points: good).image())
    #expect(ScatterPlot(points: bad).image() == ScatterPlot(points: []).image())
  }

  @Test func oneOrEqualPointsDraw() {
    for points in [[(3.0, 4.0)], Array(repeating: (1e9, 1e9), count: 9), [(0, 0)]] as [Points] {
      #expect(
        ScatterPlot(points: points, title: "one", size: 200).image() != ScatterPlot(points: [], size: 200).image())
    }
  }
}

@Suite struct LineChartTests {
  private func chart(_ values: [Double], scale: LineChart.Scale = .linear) -> Image {
    let points = values.enumerated().map { (x: Double($0), y: $1) }
    var chart = LineChart(series: [.init("loss", points: points)], yScale: scale, width: 480, height: 320)
    chart.density = 1
    return chart.image()
  }

  /// The rows that carry the first curve's colour in a column.
  private func rows(_ image: Image, _ column: Int) -> [Int] {
    (0..<image.height).filter { row in
      let pixel = (row * image.width + column) * 3
      return Int(image.pixels[pixel + 2]) > Int(image.pixels[pixel]) + 80
    }
  }

  @Test func aFallingCurveFalls() throws {
    let image = chart([4, 3, 2, 1])
    #expect((image.width, image.height, image.channels) == (480, 320, 3))
    let heights = try [120, 240, 360].map { try #require(rows(image, $0).first) }
    #expect(heights[0] < heights[1] && heights[1] < heights[2])
  }

  @Test func anExponentialIsStraightOnALogarithmicAxis() throws {
    let image = chart((0...200).map { exp(-Double($0) / 20) }, scale: .logarithmic)
    let heights = try [150, 250, 350].map { try #require(rows(image, $0).first) }
    #expect(abs(heights[0] + heights[2] - 2 * heights[1]) <= 2)
  }

  @Test func degenerateDataDraw() {
    for scale in [LineChart.Scale.linear, .logarithmic] {
      for values in [[], [1], [2, 2, 2], [0, 0], [-1], [.nan], [1e-300, 1e300], [1, .nan, 2]] as [[Double]] {
        let image = chart(values, scale: scale)
        #expect((image.width, image.height) == (480, 320))
      }
    }
    #expect(chart([]) == chart([.nan, .infinity]))
    #expect(chart([5]) != chart([]))
    #expect(chart([-1, 0], scale: .logarithmic) == chart([], scale: .logarithmic))
  }

  @Test func undefinedPointsInterruptTheCurve() {
    let image = chart([1, 1, .nan, 1, 1])
    #expect(rows(image, 150).count > 0 && rows(image, 400).count > 0)
    #expect(rows(image, 265).isEmpty)
  }

  @Test func curvesAreCutOffAtTheEndsOfAGivenRange() {
    let points = (0...100).map { (x: Double($0), y: Double($0)) }
    var chart = LineChart(series: [.init("line", points: points)], width: 480, height: 320)
    chart.yRange = 0...50
    chart.density = 1
    let image = chart.image()
    #expect(rows(image, 150).count > 0)
    #expect(rows(image, 360).isEmpty)
  }

  @Test func manyPointsKeepTheirExtremes() throws {
    var values = (0..<50_000).map { _ in 0.0 }
    values[25_000] = 1
    let image = chart(values)
    let top = try #require((0..<480).flatMap { rows(image, $0) }.min())
    #expect(top < 60)
  }

  @Test func severalCurvesHaveALegend() {
    func image(_ names: String...) -> Image {
      // The second curve has no points, so that its colour is that of the legend alone.
      let series = names.enumerated().map { index, name in
        LineChart.Series(name, points: index == 0 ? [(x: 0.0, y: 0.0), (x: 1, y: 0)] : [])
      }
      var chart = LineChart(series: series, width: 480, height: 320)
      chart.density = 1
      return chart.image()
    }
    #expect(image("a") == image("b"), "a single curve has none")
    let (one, other) = (image("a", "b"), image("a", "c"))
    let places = (0..<480 * 320)
    let orange = places.filter { Int(one.pixels[$0 * 3]) > Int(one.pixels[$0 * 3 + 2]) + 100 }
    #expect((20...72).contains(orange.count), "a short line in the second curve's colour: \(orange.count)")
    // The name stands right of the line; nothing else of the picture depends on it.
    let changed = places.filter { one.pixels[$0 * 3] != other.pixels[$0 * 3] }
    let (right, row) = (orange.map { $0 % 480 }.max() ?? 480, (orange.first ?? 0) / 480)
    #expect((4...200).contains(changed.count), "\(changed.count)")
    #expect(changed.allSatisfy { $0 % 480 > right && abs($0 / 480 - row) < 16 })
  }

  @Test func aBandLiesBetweenItsEdges() {
    let edges = (0...10).map { (x: Double($0), low: Double($0), high: Double($0) + 4) }
    var chart = LineChart(series: [], bands: [.init(points: edges)], width: 480, height: 320)
    chart.density = 1
    let image = chart.image()
    // At the middle of the picture the band takes 4 of the vertical axis' 14, with margins of 5 %.
    func isShaded(_ x: Int, _ y: Int) -> Bool {
      let pixel = (y * image.width + x) * 3
      return image.pixels[pixel] < 220 && image.pixels[pixel + 2] > image.pixels[pixel] + 20
    }
    let column = (0..<image.width).max { left, right in
      (0..<image.height).count { isShaded(left, $0) } < (0..<image.height).count { isShaded(right, $0) }
    }
    let shaded = (0..<image.height).filter { isShaded(column ?? 0, $0) }
    #expect(!shaded.isEmpty && shaded.last.map { $0 - (shaded.first ?? 0) + 1 } == shaded.count, "one strip")
    #expect((50...90).contains(shaded.count), "\(shaded.count) rows")
    #expect((0..<image.height).allSatisfy { !isShaded(20, $0) })
  }

  @Test func marksAreDrawnAndNamed() {
    let points: [(x: Double, y: Double)] = [(0, 0), (1, 2), (2, 1)]
    let line = LineChart(series: [.init("fit", points: points)], width: 480, height: 320)
    var both = line
    both.marks = [.init("data", points: points + [(.nan, 1)])]
    #expect(line.image() != both.image())
    var renamed = both
    renamed.marks[0].name = "date"
    #expect(renamed.image() != both.image(), "the legend names them")
    var empty = line
    empty.bands = [.init(points: [(.nan, 0, 1), (0, .infinity, 1)])]
    #expect(line.image() == empty.image(), "undefined points of a band are left out")
  }
}

@Suite struct FieldPlotTests {
  private func pixel(_ image: Image, _ x: Int, _ y: Int) -> [Int] {
    image.pixels[(y * image.width + x) * 3..<(y * image.width + x) * 3 + 3].map { Int($0) }
  }

  @Test func coloursTellSignAndPlace() {
    // The upper right quarter positive, the lower left negative.
    var plot = FieldPlot(values: [-1, 0, 0, 1], range: -1...1, limit: 1, width: 400)
    plot.density = 1
    let image = plot.image()
    #expect((image.width, image.channels) == (400, 3) && image.height < 400)
    let (red, blue) = (pixel(image, 230, 67), pixel(image, 125, 173))
    #expect(red[0] > red[2] + 100 && blue[2] > blue[0] + 100)
    #expect(pixel(image, 125, 67) == [255, 255, 255] && pixel(image, 230, 173) == [255, 255, 255])
  }

  @Test func largerValuesAreStrongerUpToTheLimit() {
    func red(_ value: Double) -> [Int] {
      pixel(FieldPlot(values: [value], range: 0...1, limit: 2, width: 300).image(), 240, 140)
    }
    #expect(red(0.5)[1] > red(1)[1] && red(1)[1] > red(2)[1])
    #expect(red(2) == red(100) && red(.nan) != red(0) && red(.nan)[0] == red(-.infinity)[0])
  }

  @Test func arrowsAreDrawnWhereTheyAre() {
    var plain = FieldPlot(values: [0], range: -1...1, limit: 1, width: 400)
    plain.density = 1
    var both = plain
    both.arrows = [.init(from: (0.2, 0.2), to: (0.8, 0.8)), .init(from: (.nan, 0), to: (0, 0))]
    let (first, second) = (plain.image(), both.image())
    let changed = (0..<400 * first.height).filter { first.pixels[$0 * 3] != second.pixels[$0 * 3] }
    #expect((40...600).contains(changed.count), "\(changed.count)")
    #expect(changed.allSatisfy { $0 / 400 < 140 && $0 % 400 > 200 })
  }

  @Test func centresOfCellsAreInTheirMiddle() {
    #expect(FieldPlot.cellCenters(of: -1...1, count: 4) == [-0.75, -0.25, 0.25, 0.75])
  }

  @Test func captionsAreAboveThePicture() {
    let image = Image(width: 120, height: 3, channels: 1, pixels: (0..<360).map { UInt8($0 % 251) })
    let captioned = image.captioned("four words, too long for it")
    #expect((captioned.width, captioned.channels) == (120, 3) && captioned.height > 15)
    #expect(Array(captioned.pixels.suffix(1080)) == image.rgb().pixels)
    #expect(captioned != image.captioned("") && captioned.pixels.prefix(120 * 3 * 20).contains { $0 < 100 })
  }

  @Test func pointsOfCurvesAreMarkedInTheirColour() {
    let points = [(x: 0.0, y: 0.0), (x: 1, y: 1)]
    func blue(_ marked: Bool) -> Int {
      var chart = LineChart(series: [.init("a", points: points, showsPoints: marked)], width: 480, height: 320)
      chart.density = 1
      let image = chart.image()
      return (0..<480 * 320).count { Int(image.pixels[$0 * 3 + 2]) > Int(image.pixels[$0 * 3]) + 80 }
    }
    #expect((15...90).contains(blue(true) - blue(false)))
  }
}
