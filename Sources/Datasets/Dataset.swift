public import Files
internal import Foundation
public import Torch

/// Examples to learn from, with or without labels, in memory or read from their files when needed.
public struct Dataset {
  /// Where examples are while they are used.
  public enum Loading: String, Codable, Sendable, CaseIterable {
    /// In memory if they need at most a quarter of the machine's memory, otherwise streamed.
    case automatic = "auto"
    /// In memory.
    case memory
    /// In their files; each batch is read while the batch before it is used. Gzipped files, and arrays in `.npz` files
    /// or in Fortran order, are in memory in any case.
    case stream
  }

  /// The name of the data: a built-in name, or the last part of a path.
  public let name: String
  /// The number of examples.
  public let count: Int
  /// The shape of one example: `[dimensions]` of a point or `[channels, height, width]` of a picture.
  public let exampleShape: [Int]
  /// Whether the examples are pictures.
  public let isImages: Bool
  /// The class of each example, as `int64` of shape `[count]`.
  public let labels: Tensor?
  /// The number of classes: one more than the largest label; 0 without labels.
  public let classCount: Int
  /// The names of the classes, if they have names.
  public let classNames: [String]?
  /// A description of what was found beside the examples and not read, such as "3 files that are not PNGs"; `nil` if
  /// nothing was left out.
  public let leftOut: String?
  private let storage: Storage

  /// Where the examples are, and the positions of those that belong to the data, as an `int64` vector; `nil` for all in
  /// their order.
  private enum Storage {
    case memory(Tensor, Tensor?)
    case stream(ExampleStream, Tensor?)
  }

  /// Makes data from tensors.
  ///
  /// - Parameters:
  ///   - name: the name of the data.
  ///   - examples: points as `float32` of shape `[count, dimensions]`, or pictures as `uint8` of shape `[count, channels,
  ///     height, width]`.
  ///   - labels: the class of each example, as `int64` of shape `[count]`.
  ///   - classNames: the names of the classes.
  /// - Throws: `DataError` unless there are examples in one of the two forms, and labels are as many, of type `int64` and not
  ///   negative.
  public init(
    name: String, examples: Tensor, labels: Tensor? = nil, classNames: [String]? = nil
  ) throws(DataError) {
    let shape = examples.shape
    func require(_ condition: Bool, _ sentence: @autoclosure () -> String) throws(DataError) {
      if !condition { throw DataError(.data, path: name, sentence()) }
    }
    try require(
      shape.count == 2 && examples.dtype == .float32 || shape.count == 4 && examples.dtype == .uint8,
      "the examples of \(name) are \(examples.dtype)\(shape), and should be float32[count, dimensions] or uint8[count, "
        + "channels, height, width]"
        + (shape.count == 4 ? "; Pixels.bytes(of:) makes the bytes of pictures from values in [−1, 1]" : ""))
    try require(shape.allSatisfy { $0 > 0 }, "the examples of \(name) have the shape \(shape): there are none")
    if let labels {
      try require(
        labels.dtype == .int64 && labels.shape == [shape[0]],
        "the labels of \(name) are \(labels.dtype)\(labels.shape), and its \(shape[0]) examples need int64[\(shape[0])]"
      )
      try require(labels.min().item() >= 0, "a label of \(name) is \(Int(labels.min().item())); labels count from 0")
    }
    self.init(
      name: name, shape: shape, isImages: examples.dtype == .uint8, labels: labels, classNames: classNames,
      leftOut: nil, storage: .memory(examples, nil))
  }

  /// Opens the examples of a reader.
  init(_ reader: any ExampleReader, loading: Loading) throws(DataError) {
    let size = reader.count.multipliedReportingOverflow(by: reader.exampleSize)
    let memory = Int(ProcessInfo.processInfo.physicalMemory)
    let isSmall = !size.overflow && size.partialValue <= memory / 4
    guard loading != .memory || reader.isInMemory || !size.overflow && size.partialValue <= memory else {
      throw DataError(
        .internal, path: reader.path,
        "\(reader.path) holds \(size.partialValue >> 30) GiB of examples, and this machine has \(memory >> 30) GiB of memory; "
          + "stream them instead")
    }
    let stream = ExampleStream(reader)
    let storage: Storage
    if reader.isInMemory || loading == .memory || loading == .automatic && isSmall {
      storage = .memory(try stream.readAll(), nil)
    } else {
      storage = .stream(stream, nil)
    }
    // A path that ends in `.` or `..` has the name of the folder that it leads to.
    let name = URL(fileURLWithPath: reader.path).lastPathComponent
    self.init(
      name: name, shape: [reader.count] + reader.shape, isImages: reader.isImages,
      labels: reader.labels.map { Tensor($0) }, classNames: reader.classNames, leftOut: reader.leftOut,
      storage: storage)
  }

  private init(
    name: String, shape: [Int], isImages: Bool, labels: Tensor?, classNames: [String]?, leftOut: String?,
    storage: Storage
  ) {
    if let labels {
      demand(
        labels.dtype == .int64 && labels.shape == [shape[0]] && labels.min().item() >= 0,
        "a reader of \(name) gave labels \(labels.dtype)\(labels.shape) to \(shape[0]) examples, or negative ones")
    }
    self.name = name
    self.storage = storage
    self.labels = labels
    self.classNames = classNames
    self.leftOut = leftOut
    self.isImages = isImages
    count = shape[0]
    exampleShape = Array(shape.dropFirst())
    classCount = max(labels.map { Int($0.max().item()) + 1 } ?? 0, classNames?.count ?? 0)
  }

  /// All examples: points as `float32` of shape `[count, dimensions]`, or pictures as `uint8` of shape `[count, channels,
  /// height, width]`.
  ///
  /// - Precondition: the examples are in memory; for streamed data use `elements(at:)`.
  public var examples: Tensor {
    guard case .memory(let examples, let part) = storage else {
      endProgram("the examples of \(name) are streamed, and not in memory")
    }
    return part.map { examples.gathering($0) } ?? examples
  }

  /// Whether examples are read from their files when needed.
  public var isStreamed: Bool {
    if case .stream = storage { true } else { false }
  }

  /// Some examples as they are stored: bytes of pictures, `float32` of points.
  ///
  /// - Parameter positions: an `int64` vector of positions in `0 ..< count`.
  /// - Throws: `DataError` for files that are damaged or have become unreadable; never for data in memory.
  public func elements(at positions: Tensor) throws(DataError) -> Tensor {
    switch storage {
    case .memory(let examples, let part): examples.gathering(Self.positions(positions, in: part))
    case .stream(let stream, let part): try stream.read(Self.positions(positions, in: part).elements(as: Int.self))
    }
  }

  /// Some examples as `float32`, pictures in [−1, 1], and their labels.
  ///
  /// - Parameter positions: an `int64` vector of positions in `0 ..< count`.
  /// - Throws: as `elements(at:)`.
  public func batch(_ positions: Tensor) throws(DataError) -> (examples: Tensor, labels: Tensor?) {
    (values(of: try elements(at: positions)), labels?.gathering(positions))
  }

  /// Announces the positions of the next batch, so that streamed data can be read in the meantime.
  public func prefetch(_ positions: Tensor) {
    guard case .stream(let stream, let part) = storage else { return }
    stream.prefetch(Self.positions(positions, in: part).elements(as: Int.self))
  }

  /// Converts positions in a part to positions among all examples.
  private static func positions(_ positions: Tensor, in part: Tensor?) -> Tensor {
    let positions = positions.to(.cpu)
    return part.map { $0.gathering(positions) } ?? positions
  }

  /// The examples at some positions, in that order, without labels: a view of the same storage.
  ///
  /// Streamed data stay streamed; data in memory are not copied.
  ///
  /// - Parameter positions: an `int64` vector of positions in `0 ..< count`, at least one.
  public func unlabeledPart(_ positions: Tensor) -> Dataset {
    let storage: Storage =
      switch storage {
      case .memory(let examples, let part): .memory(examples, Self.positions(positions, in: part))
      // Each part reads ahead independently.
      case .stream(let stream, let part): .stream(ExampleStream(stream.reader), Self.positions(positions, in: part))
      }
    return Dataset(
      name: name, shape: [positions.elementCount] + exampleShape, isImages: isImages, labels: nil, classNames: nil,
      leftOut: nil, storage: storage)
  }

  /// The standard deviation of all values around their common mean, for pictures after the conversion to [−1, 1].
  ///
  /// This is the σ_data of Karras, Aittala, Aila & Laine (2022), *Elucidating the design space of diffusion-based
  /// generative models*, arXiv 2206.00364. Every call passes twice over the data, in parts; for streamed data, over
  /// 16,384 equally spaced examples.
  ///
  /// - Throws: as `elements(at:)`.
  public var standardDeviation: Double {
    get throws(DataError) {
      let chosen = isStreamed ? positions(atMost: 16_384) : nil
      let total = Double((chosen?.elementCount ?? count) * exampleShape.reduce(1, *))
      let mean = try sum(over: chosen) { $0 } / total
      return (try sum(over: chosen) { ($0 - mean).square() } / total).squareRoot()
    }
  }

  /// The sum of a function of the values, in double precision and without converting all data at once.
  private func sum(over chosen: Tensor?, _ function: (Tensor) -> Tensor) throws(DataError) -> Double {
    let (count, length) = (chosen?.elementCount ?? count, max(1, (1 << 20) / exampleShape.reduce(1, *)))
    var total = 0.0
    for start in stride(from: 0, to: count, by: length) {
      let range = start..<min(start + length, count)
      let part: Tensor
      if let chosen {
        part = try elements(at: chosen[range])
      } else if case .memory(let examples, nil) = storage {
        part = examples[range]
      } else {
        part = try elements(at: .range(Double(range.lowerBound), to: Double(range.upperBound), dtype: .int64))
      }
      total += function(values(of: part).to(.float64)).sum().item()
    }
    return total
  }

  /// Equally spaced positions, at most `limit` of them.
  func positions(atMost limit: Int) -> Tensor {
    let number = min(limit, count)
    return Tensor((0..<number).map { $0 * count / number })
  }

  private func values(of examples: Tensor) -> Tensor { isImages ? Pixels.values(of: examples) : examples }
}
