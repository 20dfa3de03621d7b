/// The names of what a plot shows, beside a sample of how it is drawn.
struct Legend {
  struct Entry {
    let name: String
    let color: Color
    /// The line in front of the name: its thickness and dashes.
    var line: (thickness: Double, dashes: [Double])?
    /// The mark in front of the name.
    var marker: Marker?
    /// Whether a shaded strip belongs to it.
    var hasBand = false
  }

  /// Where the legend stands.
  enum Placement {
    /// In a frame within the plot, from this corner on.
    case inside(x: Int, y: Int)
    /// In rows above the plot.
    case above
  }

  let entries: [Entry]
  let size: Double

  private static let padding = 7, handle = 24, spacing = 7
  private static let distance = 10

  /// A legend whose longest name fits into a width.
  init(_ entries: [Entry], size: Double, width: Int, _ typeface: Typeface) {
    self.entries = entries
    let longest = entries.map { typeface.width(of: $0.name, size: size) }.max() ?? 0
    let room = Double(width - 2 * Legend.padding - Legend.handle - Legend.spacing)
    self.size = longest > room ? size * max(0.1, room / longest) : size
  }

  private var rowHeight: Int { Int((size * 1.5).rounded(.up)) }

  private func width(of entry: Entry, _ typeface: Typeface) -> Int {
    Legend.handle + Legend.spacing + Int(typeface.width(of: entry.name, size: size).rounded(.up))
  }

  /// The size of the legend as a box.
  func boxSize(_ typeface: Typeface) -> (width: Int, height: Int) {
    (
      (entries.map { width(of: $0, typeface) }.max() ?? 0) + 2 * Legend.padding,
      entries.count * rowHeight + 2 * (Legend.padding - 2)
    )
  }

  /// A place in the plot where the box covers nothing of what is drawn, or else above the plot.
  ///
  /// - Parameter drawn: all that is drawn, as lines.
  func placement(in area: PlotArea, avoiding drawn: [Segment], _ typeface: Typeface) -> Placement {
    let (width, height) = boxSize(typeface)
    let distance = Legend.distance
    guard width + 2 * distance <= area.width * 2 / 3, height + 2 * distance <= area.height * 2 / 3 else {
      return .above
    }
    let columns = [area.right - width - distance, area.left + distance, (area.left + area.right - width) / 2]
    let rows = [area.top + distance, area.bottom - height - distance, (area.top + area.bottom - height) / 2]
    // The corners first, then the middles of the edges.
    for (column, row) in [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (2, 1), (0, 2), (1, 2)] {
      let box = PlotArea(
        left: columns[column], top: rows[row], right: columns[column] + width, bottom: rows[row] + height
      ).grown(by: 4)
      if !drawn.contains(where: { $0.clipped(x: box.x, y: box.y) != nil }) {
        return .inside(x: columns[column], y: rows[row])
      }
    }
    return .above
  }

  /// The entries in rows of a width.
  private func rows(width: Int, _ typeface: Typeface) -> [[Entry]] {
    var rows: [[Entry]] = []
    var free = 0
    for entry in entries {
      let needed = self.width(of: entry, typeface) + 2 * Legend.padding
      if needed > free {
        rows.append([])
        free = width
      }
      rows[rows.count - 1].append(entry)
      free -= needed
    }
    return rows
  }

  /// Whether all entries fit beside each other.
  func fits(in width: Int, _ typeface: Typeface) -> Bool { rows(width: width, typeface).count <= 1 }

  /// The height of the legend in rows of a width.
  func height(width: Int, _ typeface: Typeface) -> Int { rows(width: width, typeface).count * rowHeight + 4 }

  /// Draws the legend within the plot.
  func draw(on canvas: inout Canvas, x: Int, y: Int) {
    let (width, height) = boxSize(canvas.typeface)
    let box = PlotArea(left: x, top: y, right: x + width, bottom: y + height)
    canvas.fill(
      x: Double(x), y: Double(y), width: Double(width), height: Double(height), .white, alpha: 0.9)
    canvas.outline(box, thickness: 0.5, Color.grid.mixed(with: .frame, 0.3))
    for (index, entry) in entries.enumerated() {
      draw(entry, on: &canvas, x: x + Legend.padding, y: y + Legend.padding - 2 + index * rowHeight)
    }
  }

  /// Draws the legend in centred rows of a width, from a corner on.
  func drawRows(on canvas: inout Canvas, x left: Int, y: Int, width: Int) {
    for (index, row) in rows(width: width, canvas.typeface).enumerated() {
      let widths = row.map { self.width(of: $0, canvas.typeface) + 2 * Legend.padding }
      var x = left + max(0, (width - widths.reduce(0, +)) / 2)
      for (entry, width) in zip(row, widths) {
        draw(entry, on: &canvas, x: x + Legend.padding, y: y + index * rowHeight)
        x += width
      }
    }
  }

  private func draw(_ entry: Entry, on canvas: inout Canvas, x: Int, y: Int) {
    let middle = Double(y) + Double(rowHeight) / 2
    let (left, right) = (Double(x), Double(x + Legend.handle))
    if entry.hasBand {
      canvas.fill(
        x: left, y: middle - 0.4 * size, width: right - left, height: 0.8 * size, entry.color, alpha: 0.25)
    }
    if let line = entry.line {
      canvas.polylines(
        [[(left + 1, middle), (right - 1, middle)]], thickness: line.thickness, dashes: line.dashes, entry.color,
        within: canvas.bounds)
    }
    if let marker = entry.marker {
      canvas.markers(
        [((left + right) / 2, middle)], marker, radius: 3.5, entry.color, alpha: 1, within: canvas.bounds)
    }
    canvas.text(entry.name, x: right + Double(Legend.spacing), y: middle - 0.6 * size, size: size)
  }
}
