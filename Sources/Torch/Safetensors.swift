internal import CTorch
internal import Files
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
  /// Texts that are stored with the tensors.
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
  /// They depend only on names, values and metadata.
  ///
  /// - Throws: `FormatError` if a tensor has the name that the format keeps for metadata.
  public func encoded() throws -> Data {
    guard tensors[SafetensorsHeader.metadataName] == nil else {
      throw FormatError(
        "a tensor cannot be named \(SafetensorsHeader.metadataName): the format keeps that name for texts")
    }
    // Wider elements first, then by name: every tensor then starts at a multiple of its element's size.
    let entries = tensors.sorted { ($1.value.dtype.byteCount, $0.key) < ($0.value.dtype.byteCount, $1.key) }
    var fields: [String] = []
    if !metadata.isEmpty {
      let pairs = try metadata.sorted { $0.key < $1.key }.map {
        "\(try Self.quoted($0.key)):\(try Self.quoted($0.value))"
      }
      fields.append("\"\(SafetensorsHeader.metadataName)\":{\(pairs.joined(separator: ","))}")
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
    let header = try SafetensorsHeader(json: data[(data.startIndex + 8)..<start], dataCount: data.endIndex - start)
    metadata = header.metadata
    tensors = [:]
    try data.withUnsafeBytes { bytes in
      let base = 8 + Int(length)
      for entry in header.entries {
        let part = UnsafeRawBufferPointer(rebasing: bytes[(base + entry.begin)..<(base + entry.end)])
        guard entry.dtype != .bool || part.allSatisfy({ $0 <= 1 }) else {
          throw FormatError("tensor \(entry.name) holds truth values that are neither 0 nor 1")
        }
        tensors[entry.name] = Tensor(bytes: part, dtype: entry.dtype, shape: entry.shape)
      }
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
