internal import CDejaVu
internal import CFreeType
internal import Files
internal import Foundation

/// DejaVu Sans, whose outlines FreeType turns into pixels.
///
/// The font is a part of the program (see `CDejaVu`), and is drawn without hints at quarters of a pixel, so that the same
/// text gives the same pixels on every machine. Every picture has a typeface of its own; it belongs to one thread.
final class Typeface {
  /// A drawn character: the part of each pixel that it covers, relative to the pen on the base line.
  struct Glyph {
    /// The first column right of the pen, and the first row above the base line.
    let left, top: Int
    let width, height: Int
    let coverage: [UInt8]
  }

  /// A character's position in a line of text.
  struct Place {
    let glyph: UInt32
    /// The distance of its pen from the start of the line.
    let x: Double
  }

  private struct Key: Hashable {
    let glyph: UInt32
    let size, shift: Int
  }

  private let library: FT_Library
  private let face: FT_Face
  private let unitsPerEm: Double
  private var glyphs: [Key: Glyph] = [:]
  private var advances: [UInt32: Int] = [:]

  /// Opens the font; fails only without memory.
  init() {
    var library: FT_Library?
    var face: FT_Face?
    guard FT_Init_FreeType(&library) == 0, let library,
      cfreetype_open(library, cdejavu_bytes(), cdejavu_count(), &face) == 0, let face
    else { endProgram("FreeType cannot open the typeface of plots") }
    (self.library, self.face) = (library, face)
    unitsPerEm = Double(face.pointee.units_per_EM)
  }

  deinit {
    FT_Done_Face(face)
    FT_Done_FreeType(library)
  }

  /// Whether the font has a shape for a character.
  func has(_ character: Unicode.Scalar) -> Bool { FT_Get_Char_Index(face, FT_ULong(character.value)) != 0 }

  /// Where the characters of a line of text stand, and its length, at a size in any unit.
  func line(_ text: String, size: Double) -> (places: [Place], width: Double) {
    var places: [Place] = []
    var (pen, last): (Int, UInt32) = (0, 0)
    for scalar in text.precomposedStringWithCanonicalMapping.unicodeScalars {
      let glyph = FT_Get_Char_Index(face, FT_ULong(scalar.value))
      if last != 0 { pen += cfreetype_kerning(face, last, glyph) }
      places.append(Place(glyph: glyph, x: Double(pen) * size / unitsPerEm))
      pen += advance(glyph)
      last = glyph
    }
    return (places, Double(pen) * size / unitsPerEm)
  }

  /// The length of a line of text, in the unit of its size.
  func width(of text: String, size: Double) -> Double { line(text, size: size).width }

  private func advance(_ glyph: UInt32) -> Int {
    if let known = advances[glyph] { return known }
    var advance = 0
    _ = cfreetype_advance(face, glyph, &advance)
    advances[glyph] = advance
    return advance
  }

  /// The pixels of a character.
  ///
  /// - Parameters:
  ///   - size: the height of the em in pixels.
  ///   - shift: how many quarters of a pixel it is moved to the right.
  func glyph(_ glyph: UInt32, size: Double, shift: Int) -> Glyph {
    let key = Key(glyph: glyph, size: Int((size * 64).rounded()), shift: shift)
    if let known = glyphs[key] { return known }
    let drawn = render(key)
    glyphs[key] = drawn
    return drawn
  }

  private func render(_ key: Key) -> Glyph {
    guard cfreetype_render(face, key.glyph, key.size, key.shift * 16) == 0 else {
      return Glyph(left: 0, top: 0, width: 0, height: 0, coverage: [])
    }
    let slot = face.pointee.glyph.pointee
    let bitmap = slot.bitmap
    let (width, height) = (Int(bitmap.width), Int(bitmap.rows))
    var coverage: [UInt8] = []
    coverage.reserveCapacity(width * height)
    if let buffer = bitmap.buffer {
      for row in 0..<height {
        coverage += UnsafeBufferPointer(start: buffer + row * Int(bitmap.pitch), count: width)
      }
    }
    return Glyph(
      left: Int(slot.bitmap_left), top: Int(slot.bitmap_top), width: width, height: height, coverage: coverage)
  }
}
