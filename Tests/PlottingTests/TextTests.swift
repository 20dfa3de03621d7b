import Foundation
import Imaging
import Testing

@testable import Plotting

@Suite struct TextTests {
  private let typeface = Typeface()

  /// A text on a white surface, as the red of each pixel.
  private func pixels(_ text: String, size: Double = 20) -> [UInt8] {
    var canvas = Canvas(width: 400, height: 30, density: 1, typeface: typeface)
    canvas.text(text, x: 4, y: 2, size: size)
    let image = canvas.image()
    return (0..<image.width * image.height).map { image.pixels[$0 * 3] }
  }

  /// All that plots write, and what labels of score models need.
  private static let characters =
    "ABCXYZabcxyz0123456789.,:;−+-×·=%/()[]{}|‖äöüÄÖÜßéèñçåøłšαβγδεζηθλμµνξπρστφχψωΓΔΘΛΣΦΨΩ"
    + "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺₀₁₂₃₄₅₆₇₈₉₊₋ᵢₙₓₜ∇∂∞√∫∑∏≤≥≈≠∈∉⊂∪∩→←↑↓↦⇒⟨⟩ℝℕ…–—“”‘’°½±§€"

  @Test(arguments: Self.characters.unicodeScalars.map(\.value))
  func everyCharacterHasAShapeOfItsOwn(_ value: UInt32) throws {
    let scalar = try #require(Unicode.Scalar(value))
    #expect(typeface.has(scalar), "\(scalar)")
    let drawn = pixels(String(scalar))
    #expect(drawn.contains { $0 < 200 }, "\(scalar)")
    #expect(drawn != pixels("\u{E000}"), "\(scalar) is the box of a character that the font lacks")
  }

  @Test func lettersDifferAndHaveSoftEdges() {
    let texts = ["σ", "∇", "√", "∞", "≤", "ü", "10⁻³", "10³", "−", "×"]
    #expect(Set(texts.map { pixels($0) }).count == texts.count)
    let levels = Set(pixels("σ = 10⁻³"))
    #expect(levels.count > 20, "text is antialiased")
    // A letter and its accent make one character.
    #expect(pixels("u\u{308}") == pixels("ü") && pixels("u") != pixels("ü"))
    #expect(pixels("σ∇Σ") == pixels("σ∇Σ"))
  }

  @Test func upwardTextIsTextTurnedToTheLeft() {
    var (flat, upward) = (
      Canvas(width: 100, height: 40, density: 2, typeface: typeface),
      Canvas(width: 40, height: 100, density: 2, typeface: typeface)
    )
    flat.text("loss ∇σ", x: 50, y: 10, size: 14, alignment: .center)
    upward.upwardText("loss ∇σ", x: 10, y: 50, size: 14, alignment: .center)
    let (first, second) = (flat.image(), upward.image())
    // The pens of both start at the same distance from the middle, at most a pixel apart by rounding.
    func column(_ x: Int) -> [UInt8] { (0..<80).map { first.pixels[($0 * 200 + x) * 3] } }
    func row(_ y: Int) -> [UInt8] { (0..<80).map { second.pixels[(y * 80 + $0) * 3] } }
    let turned = (-2...2).contains { shift in
      (20..<180).allSatisfy { x in
        zip(column(x), row(199 - x + shift)).allSatisfy { abs(Int($0) - Int($1)) < 100 }
      }
    }
    #expect(turned)
    #expect(first.pixels.contains { $0 < 60 } && second.pixels.contains { $0 < 60 })
  }

  @Test(arguments: [60.0, 90, 150, 400])
  func blocksKeepAllWordsAndFit(width: Double) {
    let text = "Error of the score ‖∇ log p − s‖² against an extraordinarily-long-word, größer als 10⁻³"
    for height in [20.0, 60, .infinity] {
      let block = TextBlock(text, size: 12, width: width, height: height, typeface)
      #expect(block.lines.joined(separator: " ") == text)
      #expect(block.width(typeface) <= width && block.height <= height, "\(block)")
      #expect(block.size <= 12)
    }
    #expect(TextBlock(" ", size: 12, width: width, typeface).height == 0)
    #expect(TextBlock("a\nb", size: 12, width: width, typeface).lines == ["a", "b"])
  }

  @Test func aWiderTextIsWider() {
    let widths = ["", "i", "m", "mm", "mmm"].map { typeface.width(of: $0, size: 10) }
    #expect(zip(widths, widths.dropFirst()).allSatisfy { $0 < $1 })
    #expect(abs(typeface.width(of: "mm", size: 20) - 2 * widths[3]) < 1e-9)
  }
}
