internal import Files
internal import Foundation

/// Examples in a NumPy array: pictures of rank 3 or 4, or points of rank 2.
struct ArrayReader: ExampleReader {
  let path: String
  let count: Int
  let shape: [Int]
  var labels: [Int]?
  let isInMemory: Bool
  private let bytes: RandomAccessBytes
  private let header: NPYHeader
  /// The layout of pictures, whose value v becomes the byte ⌊a·v + b + ½⌋; `nil` for points.
  private let picture: (layout: PictureLayout, a: Double, b: Double)?

  var isImages: Bool { picture != nil }
  var leftOut: String?
  var content: (bytes: RandomAccessBytes, range: Range<Int>)? {
    guard isInMemory, header.element == .uint8, let picture, !picture.layout.isInterleaved else { return nil }
    return (bytes, header.offset..<(header.offset + header.count))
  }

  /// Opens an array.
  ///
  /// Bytes are taken as they are. Whole numbers of other types must be in 0 … 255. Numbers with a fraction must be in
  /// [0, 1] or in [−1, 1] and are rounded to bytes. Values of all types but bytes are read once to check this.
  ///
  /// - Throws: `DataError` for an array that holds no examples.
  init(_ source: RandomAccessBytes, isInMemory: Bool = false) throws(DataError) {
    let path = source.path
    var header = try NPYHeader(try source.prefix(65_548), size: source.count, path: path)
    var bytes = source
    var isInMemory = isInMemory
    let lengths = header.shape
    guard !lengths.isEmpty, lengths.allSatisfy({ $0 > 0 }) else {
      throw DataError(malformed: path, "an array of shape \(lengths) holds no examples")
    }
    if header.isFortranOrdered, lengths.count > 1 {
      (bytes, header) = try header.rowMajor(source)
      isInMemory = true
    }
    count = lengths[0]
    self.path = path
    self.bytes = bytes
    self.header = header
    self.isInMemory = isInMemory
    if lengths.count == 2 {
      (shape, picture) = ([lengths[1]], nil)
      _ = try Self.range(of: bytes, header)
      return
    }
    guard let layout = PictureLayout(array: lengths) else {
      throw DataError(
        malformed: path,
        lengths.count == 1
          ? "expected examples (2 to 4 dimensions), found \(lengths[0]) single numbers"
          : "expected points of 2 dimensions, or pictures of 3, or of 4 with 1 or 3 channels, found the shape \(lengths)"
      )
    }
    let (a, b) = try Self.scale(of: bytes, header)
    (shape, picture) = (layout.shape, (layout, a, b))
  }

  func read(_ positions: [Int], into buffer: UnsafeMutableRawBufferPointer) throws(DataError) {
    let elements = header.count / count
    for (index, position) in positions.enumerated() {
      let target = UnsafeMutableRawBufferPointer(rebasing: buffer[(index * exampleSize)..<((index + 1) * exampleSize)])
      let first = position * elements
      if let picture {
        let pixels = try pixels(of: first..<(first + elements), picture.a, picture.b)
        picture.layout.writePlanes(of: pixels, to: target)
      } else {
        let floats = target.bindMemory(to: Float.self)
        try header.forEachPart(of: bytes, first..<(first + elements)) { start, values in
          for (offset, value) in values.enumerated() { floats[start - first + offset] = Float(value) }
        }
      }
    }
  }

  /// The bytes of a picture's elements in their order.
  private func pixels(of range: Range<Int>, _ a: Double, _ b: Double) throws(DataError) -> [UInt8] {
    if header.element == .uint8 {
      return try bytes.read((header.offset + range.lowerBound)..<(header.offset + range.upperBound))
    }
    try requireMemory(range.count, for: path)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(range.count)
    try header.forEachPart(of: bytes, range) { _, values in
      for value in values { pixels.append(UInt8(max(0, min(255, (value * a + b + 0.5).rounded(.down))))) }
    }
    return pixels
  }

  /// The factor a and the offset b by which the values of pictures become bytes.
  private static func scale(
    of bytes: RandomAccessBytes, _ header: NPYHeader
  ) throws(DataError) -> (a: Double, b: Double) {
    switch header.element {
    case .uint8: return (1, 0)
    case .bool: return (255, 0)
    default: break
    }
    let range = try range(of: bytes, header)
    if header.element.isInteger, range.lowerBound >= 0, range.upperBound <= 255 { return (1, 0) }
    if !header.element.isInteger, range.lowerBound >= 0, range.upperBound <= 1 { return (255, 0) }
    if !header.element.isInteger, range.lowerBound >= -1, range.upperBound <= 1 { return (127.5, 127.5) }
    throw DataError(
      malformed: bytes.path,
      "expected pictures of bytes, or of numbers in [0, 1] or [-1, 1], found values from \(range.lowerBound) to "
        + "\(range.upperBound); scale them first")
  }

  /// The smallest and the largest value.
  private static func range(of bytes: RandomAccessBytes, _ header: NPYHeader) throws(DataError) -> ClosedRange<Double> {
    var (low, high) = (Double.infinity, -Double.infinity)
    try header.forEachPart(of: bytes, 0..<header.count) { (start, values) throws(DataError) in
      for (index, value) in values.enumerated() {
        // Points are converted to `Float`.
        guard value.isFinite, abs(value) <= Double(Float.greatestFiniteMagnitude) else {
          throw DataError(
            malformed: bytes.path, "element \(start + index) of the array is \(value); leave such examples out")
        }
        low = min(low, value)
        high = max(high, value)
      }
    }
    return low...high
  }
}

extension NPYHeader {
  /// The same array with the last index varying fastest, in memory.
  func rowMajor(_ bytes: RandomAccessBytes) throws(DataError) -> (RandomAccessBytes, NPYHeader) {
    let size = element.size
    let source = try bytes.read(offset..<bytes.count)
    var strides = [size]
    for length in shape.dropLast() { strides.append(strides[strides.count - 1] * length) }
    let result = try filledData(source.count, path: bytes.path) { (buffer) throws(DataError) in
      var index = [Int](repeating: 0, count: shape.count)
      var start = 0
      for position in 0..<count {
        for byte in 0..<size { buffer[position * size + byte] = source[start + byte] }
        var axis = shape.count - 1
        while axis >= 0 {
          index[axis] += 1
          start += strides[axis]
          if index[axis] < shape[axis] { break }
          start -= strides[axis] * shape[axis]
          index[axis] = 0
          axis -= 1
        }
      }
      return source.count
    }
    return (RandomAccessBytes(result, path: bytes.path), NPYHeader(element, isBigEndian: isBigEndian, shape: shape))
  }

  /// Calls a closure with the values of a range of elements, in parts of at most a MiB, and the position of the first.
  func forEachPart(
    of bytes: RandomAccessBytes, _ range: Range<Int>,
    _ body: (_ start: Int, _ values: [Double]) throws(DataError) -> Void
  ) throws(DataError) {
    let length = (1 << 20) / element.size
    for start in Swift.stride(from: range.lowerBound, to: range.upperBound, by: length) {
      let end = min(start + length, range.upperBound)
      try body(start, values(try bytes.read((offset + start * element.size)..<(offset + end * element.size))))
    }
  }

  /// A header for bare elements, with the last index varying fastest.
  private init(_ element: Element, isBigEndian: Bool, shape: [Int]) {
    self.element = element
    self.isBigEndian = isBigEndian
    self.shape = shape
    isFortranOrdered = false
    offset = 0
  }

  /// The values of some elements.
  func values(_ bytes: [UInt8]) -> [Double] {
    switch element {
    case .bool: bytes.map { $0 == 0 ? 0 : 1 }
    case .uint8: bytes.map(Double.init)
    case .int8: bytes.map { Double(Int8(bitPattern: $0)) }
    case .int16: integers(bytes) { Double(Int16(bitPattern: $0)) }
    case .uint16: integers(bytes) { (bits: UInt16) in Double(bits) }
    case .int32: integers(bytes) { Double(Int32(bitPattern: $0)) }
    case .uint32: integers(bytes) { (bits: UInt32) in Double(bits) }
    case .int64: integers(bytes) { Double(Int64(bitPattern: $0)) }
    case .uint64: integers(bytes) { (bits: UInt64) in Double(bits) }
    case .float16: integers(bytes) { half($0) }
    case .float32: integers(bytes) { Double(Float(bitPattern: $0)) }
    case .float64: integers(bytes) { Double(bitPattern: $0) }
    }
  }

  private func integers<Bits: FixedWidthInteger>(_ bytes: [UInt8], _ value: (Bits) -> Double) -> [Double] {
    bytes.withUnsafeBytes { raw in
      Swift.stride(from: 0, to: raw.count / element.size * element.size, by: element.size).map { position in
        let bits = raw.loadUnaligned(fromByteOffset: position, as: Bits.self)
        return value(isBigEndian ? Bits(bigEndian: bits) : Bits(littleEndian: bits))
      }
    }
  }

  /// The value of a number of 16 bits; `Float16` is not on every platform.
  private func half(_ bits: UInt16) -> Double {
    let (exponent, fraction) = (Int(bits >> 10 & 31), Double(bits & 1023))
    let magnitude =
      exponent == 31
      ? (fraction == 0 ? Double.infinity : .nan)
      : exponent == 0
        ? fraction * 0x1p-24 : (1 + fraction / 1024) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
    return bits >> 15 == 1 ? -magnitude : magnitude
  }
}
