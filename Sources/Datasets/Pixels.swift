internal import Files
internal import Foundation
public import Imaging
public import Torch

/// The conversion between bytes of pictures and the values that models see.
///
/// A byte b stands for the value b/127.5 − 1 in [−1, 1]; a value x becomes the byte ⌊(x + 1)·127.5 + ½⌋, limited to 0 …
/// 255. Bytes come back from their values unchanged.
public enum Pixels {
  /// The values of bytes, as `float32` of the same shape.
  public static func values(of bytes: Tensor) -> Tensor { bytes.to(.float32) / 127.5 - 1 }

  /// The values of bytes with noise that fills the gaps between them, (b + u − ½)/127.5 − 1 with u in [0, 1), as
  /// `float32`.
  ///
  /// Densities of these values can be compared between models. Without the noise the values are isolated, and a density
  /// of them has no upper limit.
  ///
  /// Uria, Murray & Larochelle (2013), *RNADE*, arXiv 1306.0186; Theis, van den Oord & Bethge (2016), arXiv 1511.01844.
  /// The noise is centred, so that the values stay where a model that was trained on `values(of:)` has learned them.
  ///
  /// Pictures with fewer grey levels, such as the digits with 17, are treated the same: their levels are bytes too.
  /// Noise that filled their wider gaps would give values where a model of the levels has hardly any density.
  public static func dequantizedValues(of bytes: Tensor, noise u: Tensor) -> Tensor {
    (bytes.to(.float32) + u - 0.5) / 127.5 - 1
  }

  /// The bits for each dimension, −log p/(d·ln 2) + log₂ 127.5, of a log density in nats of dequantised values in d dimensions.
  ///
  /// The offset comes from the scale: bytes are 1/127.5 apart in [−1, 1], so a density p of values is a density
  /// p/127.5ᵈ of bytes. (With values in [0, 1] the offset is log₂ 255; code that divides by 256 has offsets of 7 and
  /// 8.) The mean is an upper bound on the bits that are needed to code bytes with the model: log₂ P(b) ≥ E log₂ p,
  /// where P(b) is ∫ p over the values that b stands for. Uniform bytes have 8 bits.
  public static func bitsPerDimension(logDensity: Double, dimensions d: Int) -> Double {
    -logDensity / (Double(d) * log(2)) + log2(127.5)
  }

  /// The bytes of values, as `uint8` of the same shape.
  ///
  /// Infinite values become 0 or 255; NaN becomes 0.
  public static func bytes(of values: Tensor) -> Tensor {
    let scaled = ((values + 1) * 127.5 + 0.5).floor().clamped(to: 0...255)
    return scaled.replacing(where: values .!= values, with: Tensor.zeros(like: scaled)).to(.uint8)
  }

  /// Pictures from a tensor of shape `[count, channels, height, width]`: bytes, or values in [−1, 1].
  ///
  /// - Precondition: there are 1 or 3 channels.
  public static func images(_ tensor: Tensor) -> [Image] {
    let shape = tensor.shape
    demand(
      shape.count == 4 && (shape[1] == 1 || shape[1] == 3),
      "pictures have the shape [count, 1 or 3, height, width], not \(shape)")
    let bytes = tensor.dtype == .uint8 ? tensor : bytes(of: tensor)
    let (channels, height, width) = (shape[1], shape[2], shape[3])
    return (0..<shape[0]).map { index in
      let pixels = bytes[index].permuted(1, 2, 0).contiguous().elements(as: UInt8.self)
      return Image(width: width, height: height, channels: channels, pixels: pixels)
    }
  }

  /// The bytes of pictures, as `uint8` of shape `[count, channels, height, width]`.
  ///
  /// - Precondition: there is a picture, and all have the same size and channels.
  public static func tensor(_ images: [Image]) -> Tensor {
    guard let first = images.first else { endProgram("a tensor of pictures needs at least one") }
    let tensors = images.map { image in
      demand(
        (image.width, image.height, image.channels) == (first.width, first.height, first.channels),
        "pictures of different sizes do not fit one tensor")
      return Tensor(image.pixels, shape: [image.height, image.width, image.channels])
    }
    return Tensor.stack(tensors).permuted(0, 3, 1, 2).contiguous()
  }
}
