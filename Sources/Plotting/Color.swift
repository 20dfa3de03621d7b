/// A colour with components from 0 to 255.
struct Color: Equatable {
  var red, green, blue: Float

  init(_ red: Float, _ green: Float, _ blue: Float) { (self.red, self.green, self.blue) = (red, green, blue) }

  static let white = Color(255, 255, 255)
  static let ink = Color(28, 28, 32)
  static let frame = Color(110, 110, 118)
  static let grid = Color(230, 230, 234)
  /// What stands behind the data that matter.
  static let backdrop = Color(150, 150, 156)
  /// What has no value.
  static let undefined = Color(150, 150, 156)

  /// Colours that colour-blind readers can tell apart, without the yellow, which is too faint on white.
  ///
  /// Okabe and Ito (2008), *Color universal design*.
  static let series = [
    Color(0, 114, 178), Color(213, 94, 0), Color(0, 158, 115), Color(204, 121, 167), Color(230, 159, 0),
    Color(86, 180, 233), Color(60, 60, 64),
  ]

  /// A colour between this one, at 0, and another, at 1.
  func mixed(with other: Color, _ part: Float) -> Color {
    Color(
      red + part * (other.red - red), green + part * (other.green - green), blue + part * (other.blue - blue))
  }
}
