internal import Datasets
internal import Files
import Foundation
public import Imaging
internal import Plotting
public import ScoreModels
public import Torch

/// How images too small to look at are magnified in a picture of samples.
public enum Magnification: String, Sendable, CaseIterable {
  /// Each pixel becomes a square of equal pixels.
  case squares
  /// By bicubic interpolation, which the eye reads more easily where an image has few pixels.
  case smooth
}

extension Image {
  /// A picture of samples: a grid of images `[count, channels, height, width]`, or a scatter plot of points `[count, 2]`.
  ///
  /// Images with sides below 64 pixels are magnified by a whole factor.
  ///
  /// - Parameters:
  ///   - samples: the samples, in units of the data.
  ///   - columns: the number of images in a row; by default about as many as there are rows.
  ///   - magnification: by default `smooth` for images of at most 16 pixels, else `squares`.
  ///   - data: points `[n, 2]` that are drawn in grey beneath samples that are points; images do not use them.
  /// - Throws: `RunError` for samples that have no picture.
  public static func picture(
    of samples: Tensor, columns: Int? = nil, magnification: Magnification? = nil, over data: Tensor? = nil
  ) throws -> Image {
    let shape = samples.shape
    if shape.count == 4, [1, 3].contains(shape[1]) {
      let side = max(shape[2], shape[3])
      let scale = max(1, 64 / side)
      let isSmooth = (magnification ?? (side <= 16 ? .smooth : .squares)) == .smooth
      var images: [Image] = []
      // In parts, because enlarging many samples at once would need a multiple of their memory.
      for start in stride(from: 0, to: shape[0], by: 256) {
        let part = samples[start..<min(start + 256, shape[0])].to(.float32)
        // Clamped first: a pixel is at most white, and so is what lies between pixels.
        images += Pixels.images(
          isSmooth
            ? part.clamped(to: -1...1).interpolated(height: shape[2] * scale, width: shape[3] * scale, .bicubic) : part)
      }
      let count = max(1, min(columns ?? Int(Double(shape[0]).squareRoot().rounded(.up)), shape[0]))
      return ImageGrid(columns: count, scale: isSmooth ? 1 : scale).image(of: images)
    }
    guard shape.count == 2, shape[1] == 2 else {
      throw RunError(
        .usage, "samples of shape \(Array(shape.dropFirst())) cannot be drawn; write them with \(option: "npy")")
    }
    return ScatterPlot(points: points(samples), over: data.map(points) ?? []).image()
  }

  /// The rows of `[n, 2]` as points of a plot.
  static func points(_ rows: Tensor) -> [(x: Double, y: Double)] {
    let values: [Double] = rows.elements()
    return (0..<rows.size(0)).map { (values[2 * $0], values[2 * $0 + 1]) }
  }
}

extension Dataset {
  /// Points of the plane that are drawn behind samples: at most `count`, equally spaced among all, `[n, 2]`.
  ///
  /// - Returns: `nil` for other data.
  /// - Throws: `DataError`.
  func pointsBehindSamples(atMost limit: Int = 4000) throws(DataError) -> Tensor? {
    guard exampleShape == [2], !isImages, count > 0 else { return nil }
    let shown = min(count, limit)
    return try batch(Tensor((0..<shown).map { $0 * count / shown })).examples
  }
}

extension SavedModel {
  /// Points that the model was trained on, at most 4,000, to be drawn behind its samples: `[n, 2]`.
  ///
  /// - Returns: `nil` for other data than points of the plane, and for data that are gone or have changed.
  ///
  /// - Parameter catalog: what the program adds to the built-in data.
  public func trainingPoints(_ catalog: Catalog = .builtIn) -> Tensor? {
    guard record.model.shape == [2], let source = record.run.data,
      let dataset = try? catalog.load(
        source, options: record.run.dataOptions, labels: record.run.labels, seed: record.run.seed,
        loading: record.run.loading),
      (try? dataset.fingerprint) == record.data
    else { return nil }
    return try? dataset.pointsBehindSamples()
  }
}
