internal import Files

/// Reads examples from their files, in any order and from any thread.
protocol ExampleReader: Sendable {
  /// The path, as errors name it.
  var path: String { get }
  /// The number of examples.
  var count: Int { get }
  /// The shape of an example: `[channels, height, width]` of bytes, or `[dimensions]` of `Float`.
  var shape: [Int] { get }
  /// Whether examples are pictures.
  var isImages: Bool { get }
  /// The class of each example.
  var labels: [Int]? { get }
  /// The names of the classes, in order.
  var classNames: [String]? { get }
  /// Whether the examples are in memory already, so that streaming saves nothing.
  var isInMemory: Bool { get }
  /// A description of what else was found and why it is not read; `nil` for nothing.
  var leftOut: String? { get }
  /// The place of all elements in memory, if they are there in the same form in which they are read.
  var content: (bytes: RandomAccessBytes, range: Range<Int>)? { get }
  /// Reads the elements of some examples, one example after the other, into a buffer of their size.
  ///
  /// - Throws: `DataError` if the data turn out to be damaged.
  func read(_ positions: [Int], into buffer: UnsafeMutableRawBufferPointer) throws(DataError)
}

extension ExampleReader {
  var classNames: [String]? { nil }
  var isInMemory: Bool { false }
  var leftOut: String? { nil }
  var content: (bytes: RandomAccessBytes, range: Range<Int>)? { nil }
  /// The bytes of an example.
  var exampleSize: Int { shape.reduce(isImages ? 1 : MemoryLayout<Float>.size, *) }
}

/// Pictures of bytes that lie one after the other, in records of one length.
struct RecordReader: ExampleReader {
  let bytes: RandomAccessBytes
  let count: Int
  let layout: PictureLayout
  var labels: [Int]?
  /// Where the elements of the first example begin.
  let offset: Int
  /// The bytes from one example to the next.
  let stride: Int
  let isInMemory: Bool

  init(
    _ bytes: RandomAccessBytes, count: Int, layout: PictureLayout, labels: [Int]? = nil, offset: Int,
    stride: Int? = nil, isInMemory: Bool = false
  ) {
    self.bytes = bytes
    self.count = count
    self.layout = layout
    self.labels = labels
    self.offset = offset
    self.stride = stride ?? layout.shape.reduce(1, *)
    self.isInMemory = isInMemory
  }

  var path: String { bytes.path }
  var shape: [Int] { layout.shape }
  var isImages: Bool { true }

  var content: (bytes: RandomAccessBytes, range: Range<Int>)? {
    let isAsRead = isInMemory && stride == exampleSize && !layout.isInterleaved
    return isAsRead ? (bytes, offset..<(offset + count * stride)) : nil
  }

  func read(_ positions: [Int], into buffer: UnsafeMutableRawBufferPointer) throws(DataError) {
    // Neighbours are read together, up to a few MiB.
    let longest = max(1, (4 << 20) / exampleSize)
    var index = 0
    while index < positions.count {
      var end = index + 1
      while stride == exampleSize, end < positions.count, end - index < longest,
        positions[end] == positions[end - 1] + 1
      { end += 1 }
      let start = offset + positions[index] * stride
      let range = start..<(start + (end - index) * exampleSize)
      let target = UnsafeMutableRawBufferPointer(rebasing: buffer[(index * exampleSize)..<(end * exampleSize)])
      if layout.isInterleaved {
        layout.writePlanes(of: try bytes.read(range), to: target)
      } else {
        try bytes.read(range, into: target)
      }
      index = end
    }
  }
}
