import Foundation
import ScoreKit

/// Images of one ring each, with its size as the class: data that need no file.
enum Rings: ConfigurableData {
  /// What is drawn.
  struct Configuration: Codable, Hashable {
    /// The number of images.
    var count = 1000
    /// The pixels of a side.
    var side = 12
  }

  static let name = "rings"
  static let defaultConfiguration = Configuration()

  static func load(_ configuration: Configuration, seed: UInt64) throws -> Dataset {
    let (count, side) = (configuration.count, configuration.side)
    guard (1...1_000_000).contains(count), (4...256).contains(side) else {
      throw ConfigurableError("rings need 1 to 1000000 images of 4 to 256 pixels a side, not \(configuration)")
    }
    var generator = RandomGenerator(seed: seed, purpose: .data)
    let places: [Double] = generator.uniform([count, 2], dtype: .float64).elements()
    var pixels: [UInt8] = []
    pixels.reserveCapacity(count * side * side)
    for image in 0..<count {
      let radius = Double(side) * [0.2, 0.3, 0.4][image % 3]
      let (x, y) = (place(places[2 * image], radius, side), place(places[2 * image + 1], radius, side))
      for pixel in 0..<(side * side) {
        let distance = hypot(Double(pixel % side) + 0.5 - x, Double(pixel / side) + 0.5 - y)
        pixels.append(UInt8(255 * max(0, 1 - abs(distance - radius))))
      }
    }
    return try Dataset(
      name: name, examples: Tensor(pixels, shape: [count, 1, side, side]),
      labels: Tensor((0..<count).map { $0 % 3 }), classNames: ["small", "medium", "large"])
  }

  /// A centre such that the ring stays in the image.
  private static func place(_ share: Double, _ radius: Double, _ side: Int) -> Double {
    radius + share * (Double(side) - 2 * radius)
  }
}
