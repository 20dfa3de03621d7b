internal import CTorch
internal import FileSupport
public import Foundation

/// Named tensors as a file in the safetensors format.
///
/// A header in JSON holds names, element types, shapes and positions; the elements follow. Nothing in such a file is
/// executed.
///
/// The format: <https://github.com/huggingface/safetensors>. Reading checks the header as the format's own reader does:
/// its length, known element types, shapes whose size matches their bytes, and positions that cover the data exactly,
/// without holes or overlaps.
public struct Safetensors {
  /// The tensors by name.
  public var tensors: [String: Tensor]
  /// Texts that travel with the tensors.
  public var metadata: [String: String]

  /// What is wrong with the bytes of a file.
  public struct FormatError: Error, CustomStringConvertible, Equatable {
    /// One sentence without the file's name.
    public let description: String

    init(_ description: String) { self.description = description }
  }

  /// Makes a file's content from tensors.
  public init(_ tensors: [String: Tensor], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  // MARK: Writing

  /// The bytes of the file.
  ///
  /// They depend on names, values and metadata alone.
  public func encoded() throws -> Data {
    // Wider elements first, then by name: every tensor then starts at a multiple of its element's size.
    let entries = tensors.sorted { ($1.value.dtype.byteCount, $0.key) < ($0.value.dtype.byteCount, $1.key) }
    var fields: [String] = []
    if !metadata.isEmpty {
      let pairs = try metadata.sorted { $0.key < $1.key }.map {
        "\(try Self.quoted($0.key)):\(try Self.quoted($0.value))"
      }
      fields.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var position = 0
    for (name, tensor) in entries {
      let end = position + tensor.elementCount * tensor.dtype.byteCount
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      fields.append(
        "\(try Self.quoted(name)):{\"dtype\":\"\(tensor.dtype.safetensorsName)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(position),\(end)]}")
      position = end
    }
    var header = Data("{\(fields.joined(separator: ","))}".utf8)
    header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
    var data = Data(capacity: 8 + header.count + position)
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { data.append(contentsOf: $0) }
    data.append(header)
    for (_, tensor) in entries { tensor.appendBytes(to: &data) }
    return data
  }

  /// Writes the file; its path holds the old or the new content, whatever happens.
  ///
  /// - Throws: `FileError` with path and reason.
  public func write(to path: String) throws { try AtomicFile.write(try encoded(), to: path) }

  private static func quoted(_ text: String) throws -> String {
    String(decoding: try JSONSerialization.data(withJSONObject: text, options: .fragmentsAllowed), as: UTF8.self)
  }

  // MARK: Reading

  /// Reads a file.
  ///
  /// - Throws: `FileError` if it cannot be read, `FormatError` if its bytes are wrong.
  public init(contentsOf path: String) throws { try self.init(data: try AtomicFile.read(path)) }

  /// Reads the bytes of a file.
  ///
  /// - Throws: `FormatError`.
  public init(data: Data) throws {
    guard data.count >= 8 else { throw FormatError("\(data.count) bytes are too few for a safetensors file") }
    let length = data.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    guard length <= UInt64(min(data.count - 8, 100_000_000)) else {
      throw FormatError(
        "the header claims \(length) bytes, but \(data.count - 8) follow: the file is cut short or damaged")
    }
    let start = data.startIndex + 8 + Int(length)
    let header = try? JSONSerialization.jsonObject(with: data[(data.startIndex + 8)..<start])
    guard let header = header as? [String: Any] else { throw FormatError("the header is not a JSON object") }

    metadata = [:]
    var entries: [Entry] = []
    for (name, value) in header {
      if name == "__metadata__" {
        guard let texts = value as? [String: String] else { throw FormatError("the metadata is not made of texts") }
        metadata = texts
      } else {
        entries.append(try Entry(name: name, json: value))
      }
    }
    entries.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
    var position = 0
    for entry in entries {
      guard entry.begin == position else {
        throw FormatError("the bytes of tensor \(entry.name) begin at \(entry.begin) instead of \(position)")
      }
      position = entry.end
    }
    guard position == data.endIndex - start else {
      throw FormatError(
        "the tensors take \(position) bytes, but \(data.endIndex - start) follow the header: the file is cut short or damaged"
      )
    }
    tensors = [:]
    data.withUnsafeBytes { bytes in
      let base = 8 + Int(length)
      for entry in entries {
        let part = UnsafeRawBufferPointer(rebasing: bytes[(base + entry.begin)..<(base + entry.end)])
        tensors[entry.name] = Tensor(bytes: part, dtype: entry.dtype, shape: entry.shape)
      }
    }
  }

  private struct Entry {
    let name: String
    let dtype: DType
    let shape: [Int]
    let begin: Int
    let end: Int

    init(name: String, json: Any) throws {
      self.name = name
      guard let fields = json as? [String: Any], let type = fields["dtype"] as? String,
        let shape = (fields["shape"] as? [Any])?.map(Self.wholeNumber),
        let offsets = (fields["data_offsets"] as? [Any])?.compactMap(Self.wholeNumber), offsets.count == 2
      else { throw FormatError("the header's entry for tensor \(name) lacks its dtype, shape or data_offsets") }
      guard let dtype = DType.allCases.first(where: { $0.safetensorsName == type }) else {
        throw FormatError("tensor \(name) has element type \(type), which is not supported")
      }
      var size = dtype.byteCount
      for length in shape {
        guard let length else { throw FormatError("tensor \(name) has a shape that is not made of lengths") }
        let (product, overflow) = size.multipliedReportingOverflow(by: length)
        guard !overflow else { throw FormatError("the shape of tensor \(name) is too large") }
        size = product
      }
      (begin, end) = (offsets[0], offsets[1])
      guard begin <= end, end - begin == size else {
        throw FormatError("tensor \(name) needs \(size) bytes, but its data_offsets are \(begin) and \(end)")
      }
      self.dtype = dtype
      self.shape = shape.compactMap { $0 }
    }

    /// A non-negative integer; nil for fractions, truth values and anything else.
    static func wholeNumber(_ json: Any) -> Int? {
      guard !(json is Bool), let value = json as? Int, value >= 0 else { return nil }
      return value
    }
  }
}

extension DType {
  /// The name of the element type in a safetensors header.
  var safetensorsName: String {
    switch self {
    case .uint8: "U8"
    case .int32: "I32"
    case .int64: "I64"
    case .float16: "F16"
    case .float32: "F32"
    case .float64: "F64"
    case .bool: "BOOL"
    case .bfloat16: "BF16"
    }
  }
}

extension Tensor {
  /// Appends the elements in row-major order.
  func appendBytes(to data: inout Data) {
    let count = elementCount * dtype.byteCount
    guard count > 0 else { return }
    let start = data.count
    data.count += count
    data.withUnsafeMutableBytes { bytes in
      if let base = bytes.baseAddress {
        check("appendBytes(to:)", ctorch_copy_out(pointer, base + start, Int64(count)), [self])
      }
    }
  }
}
