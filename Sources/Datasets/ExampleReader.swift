/// Reads examples from where they are kept, in any order and from any thread.
protocol ExampleReader: Sendable {
  /// What errors call the place.
  var path: String { get }
  /// The number of examples.
  var count: Int { get }
  /// The shape of an example: `[channels, height, width]` of bytes, or `[dimensions]` of `Float`.
  var shape: [Int] { get }
  /// Whether examples are pictures.
  var isImages: Bool { get }
  /// The class of each example.
  var labels: [Int]? { get }
  /// What the classes are called, in order.
  var classNames: [String]? { get }
  /// Whether the examples are in memory already, so that nothing is gained by reading them one at a time.
  var isInMemory: Bool { get }
  /// The elements of some examples, one example after the other.
  ///
  /// - Throws: `DataError` for what turns out to be damaged.
  func read(_ positions: [Int]) throws(DataError) -> [UInt8]
}

extension ExampleReader {
  var classNames: [String]? { nil }
  var isInMemory: Bool { false }
  /// The bytes of an example.
  var exampleSize: Int { shape.reduce(isImages ? 1 : MemoryLayout<Float>.size, *) }
}

/// Pictures of bytes that lie one after the other, in records of one length.
struct RecordReader: ExampleReader {
  let bytes: RandomAccessBytes
  let count: Int
  let shape: [Int]
  let labels: [Int]?
  /// Where the elements of the first example begin.
  let offset: Int
  /// The bytes from one example to the next.
  let stride: Int
  /// Whether the channels of a pixel lie together.
  let isInterleaved: Bool
  let isInMemory: Bool

  init(
    _ bytes: RandomAccessBytes, count: Int, shape: [Int], labels: [Int]?, offset: Int, stride: Int? = nil,
    isInterleaved: Bool = false, isInMemory: Bool = false
  ) {
    self.bytes = bytes
    self.count = count
    self.shape = shape
    self.labels = labels
    self.offset = offset
    self.stride = stride ?? shape.reduce(1, *)
    self.isInterleaved = isInterleaved && shape[0] > 1
    self.isInMemory = isInMemory
  }

  var path: String { bytes.path }
  var isImages: Bool { true }

  func read(_ positions: [Int]) throws(DataError) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(positions.count * exampleSize)
    // Neighbours are read together, which is what reading all of a file comes to.
    var index = 0
    while index < positions.count {
      var end = index + 1
      while stride == exampleSize, end < positions.count, positions[end] == positions[end - 1] + 1 { end += 1 }
      let start = offset + positions[index] * stride
      let part = try bytes.read(start..<(start + (end - index) * exampleSize))
      result += isInterleaved ? planes(of: part) : part
      index = end
    }
    return result
  }

  /// Pixels with their channels together, turned into one plane for each channel.
  private func planes(of pixels: [UInt8]) -> [UInt8] {
    Self.planes(of: pixels, channels: shape[0], exampleSize: exampleSize)
  }

  static func planes(of pixels: [UInt8], channels: Int, exampleSize: Int) -> [UInt8] {
    let plane = exampleSize / channels
    return [UInt8](unsafeUninitializedCapacity: pixels.count) { buffer, filled in
      var target = 0
      for start in Swift.stride(from: 0, to: pixels.count, by: exampleSize) {
        for channel in 0..<channels {
          for pixel in 0..<plane {
            buffer[target] = pixels[start + pixel * channels + channel]
            target += 1
          }
        }
      }
      filled = target
    }
  }
}
