public import Imaging
public import Torch

/// The conversion between bytes of pictures and the values that models see.
///
/// A byte b stands for the value b/127.5 − 1 in [−1, 1]; a value x becomes the byte ⌊(x + 1)·127.5 + ½⌋, limited to 0 …
/// 255. Bytes come back from their values unchanged.
public enum Pixels {
  /// The values of bytes, as `float32` of the same shape.
  public static func values(of bytes: Tensor) -> Tensor { bytes.to(.float32) / 127.5 - 1 }

  /// The bytes of values, as `uint8` of the same shape.
  ///
  /// Infinite values become 0 or 255; NaN, which no picture can show, becomes 0.
  public static func bytes(of values: Tensor) -> Tensor {
    let scaled = ((values + 1) * 127.5 + 0.5).floor().clamped(to: 0...255)
    return scaled.replacing(where: values .!= values, with: Tensor.zeros(like: scaled)).to(.uint8)
  }

  /// Pictures from a tensor of shape `[count, channels, height, width]`: bytes, or values in [−1, 1].
  ///
  /// - Precondition: there are 1 or 3 channels.
  public static func images(_ tensor: Tensor) -> [Image] {
    let shape = tensor.shape
    precondition(
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
    guard let first = images.first else { preconditionFailure("a tensor of pictures needs at least one") }
    let tensors = images.map { image in
      precondition(
        (image.width, image.height, image.channels) == (first.width, first.height, first.channels),
        "pictures of different sizes do not fit one tensor")
      return Tensor(image.pixels, shape: [image.height, image.width, image.channels])
    }
    return Tensor.stack(tensors).permuted(0, 3, 1, 2).contiguous()
  }
}
