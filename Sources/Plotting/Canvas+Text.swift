extension Canvas {
  /// The alignment of a text relative to its position.
  enum Alignment { case left, center, right }

  /// The height of the base line below the top of a line's box, in parts of the size; capitals are centred in the box.
  private static let ascent = 0.965

  /// A line of text whose box of 1.2 times the size has its top at `y`.
  mutating func text(
    _ text: String, x: Double, y: Double, size: Double, alignment: Alignment = .left, _ color: Color = .ink
  ) {
    let baseline = ((y + Canvas.ascent * size) * Double(density)).rounded()
    forEachGlyph(of: text, from: x, size: size, alignment: alignment, direction: 1) { canvas, glyph, pen in
      for row in 0..<glyph.height {
        let start = row * glyph.width
        let parts = glyph.coverage[start..<start + glyph.width].map { Float($0) / 255 }
        parts.withUnsafeBufferPointer {
          canvas.blend(row: Int(baseline) - glyph.top + row, from: pen + glyph.left, $0, color, alpha: 1)
        }
      }
    }
  }

  /// A line of text that runs upwards, with its box' left edge, the top of the letters, at `x`.
  mutating func upwardText(
    _ text: String, x: Double, y: Double, size: Double, alignment: Alignment = .left, _ color: Color = .ink
  ) {
    let baseline = Int(((x + Canvas.ascent * size) * Double(density)).rounded())
    forEachGlyph(of: text, from: y, size: size, alignment: alignment, direction: -1) { canvas, glyph, pen in
      for column in 0..<glyph.width {
        let parts = (0..<glyph.height).map { Float(glyph.coverage[$0 * glyph.width + column]) / 255 }
        parts.withUnsafeBufferPointer {
          canvas.blend(row: -pen - glyph.left - column - 1, from: baseline - glyph.top, $0, color, alpha: 1)
        }
      }
    }
  }

  /// Visits the drawn characters of a line with the pixel of their pens, counted along the direction of writing.
  private mutating func forEachGlyph(
    of text: String, from start: Double, size: Double, alignment: Alignment, direction: Double,
    _ body: (inout Canvas, Typeface.Glyph, Int) -> Void
  ) {
    let scale = Double(density)
    let line = typeface.line(text, size: size * scale)
    let shift =
      switch alignment {
      case .left: 0.0
      case .center: line.width / 2
      case .right: line.width
      }
    let origin = direction * start * scale - shift
    for place in line.places {
      let quarters = Int(((origin + place.x) * 4).rounded(.down))
      let pen = quarters >> 2
      body(&self, typeface.glyph(place.glyph, size: size * scale, shift: quarters - 4 * pen), pen)
    }
  }

  /// Lines of text, one below the other from `y` on.
  mutating func text(
    _ block: TextBlock, x: Double, y: Double, alignment: Alignment = .center, _ color: Color = .ink
  ) {
    for (index, line) in block.lines.enumerated() {
      text(
        line, x: x, y: y + Double(index) * TextBlock.leading * block.size, size: block.size, alignment: alignment, color
      )
    }
  }

  /// Lines of text that run upwards, one right of the other from `x` on, centred at `y`.
  mutating func upwardText(_ block: TextBlock, x: Double, y: Double, _ color: Color = .ink) {
    for (index, line) in block.lines.enumerated() {
      upwardText(
        line, x: x + Double(index) * TextBlock.leading * block.size, y: y, size: block.size, alignment: .center, color)
    }
  }
}
