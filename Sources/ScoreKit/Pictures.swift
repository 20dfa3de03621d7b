import Foundation

extension Image {
  /// A picture of samples: a grid of images `[count, channels, height, width]`, or a scatter plot of points `[count, 2]`.
  ///
  /// Small images are magnified by a whole factor so that the grid can be looked at.
  ///
  /// - Throws: `RunError` for samples that have no picture.
  public static func picture(of samples: Tensor, columns: Int? = nil) throws -> Image {
    let shape = samples.shape
    if shape.count == 4, [1, 3].contains(shape[1]) {
      let scale = max(1, 64 / max(shape[2], shape[3]))
      return ImageGrid(columns: columns, scale: scale).image(of: Pixels.images(samples.to(.float32)))
    }
    guard shape.count == 2, shape[1] == 2 else {
      throw RunError(.usage, "samples of shape \(Array(shape.dropFirst())) cannot be drawn; write them with --npy")
    }
    let values: [Double] = samples.elements()
    return ScatterPlot(points: (0..<shape[0]).map { (values[2 * $0], values[2 * $0 + 1]) }).image()
  }
}
