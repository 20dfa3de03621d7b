public import Imaging

extension Image {
  /// The picture under a strip with a line of text, as three channels; lines that are too long lose their end.
  public func captioned(_ text: String) -> Image {
    let strip = PlotFrame.textHeight + 16
    let room = Swift.max(0, (width - 8) / (2 * BitmapFont.advance))
    var canvas = Canvas(width: width, height: strip)
    canvas.text(String(text.prefix(room)), x: width / 2, y: 12, alignment: .center)
    return Image(
      width: width, height: height + strip, channels: 3, pixels: canvas.image().pixels + rgb().pixels)
  }
}
