internal import Foundation

/// The header of a safetensors file: where each tensor's bytes are.
///
/// An initialised header is checked: shapes match their bytes, and the bytes cover the data without holes or overlaps.
struct SafetensorsHeader {
  typealias FormatError = Safetensors.FormatError

  /// The name that the format reserves for texts.
  static let metadataName = "__metadata__"

  private(set) var metadata: [String: String] = [:]
  /// In the order of their bytes.
  private(set) var entries: [Entry] = []

  /// Reads a header that describes `dataCount` bytes of data.
  init(json bytes: Data, dataCount: Int) throws {
    // The format is UTF-8 from an opening brace on; the reader of JSON would also take UTF-16, which has bytes of 0.
    guard bytes.first == UInt8(ascii: "{"), !bytes.contains(0),
      let header = (try? JSONSerialization.jsonObject(with: bytes)) as? [String: Any]
    else { throw FormatError("the header is not a JSON object") }
    // The reader of JSON keeps one of several members of the same name.
    guard Self.memberCount(header) == Self.colonCount(bytes) else {
      throw FormatError("the header has two entries of the same name")
    }
    for (name, value) in header {
      if name == Self.metadataName {
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
    guard position == dataCount else {
      throw FormatError(
        "the tensors take \(position) bytes, but \(dataCount) follow the header: the file is cut short or damaged")
    }
  }

  /// The number of members of all objects in a JSON value.
  private static func memberCount(_ json: Any) -> Int {
    switch json {
    case let object as [String: Any]: object.values.reduce(object.count) { $0 + memberCount($1) }
    case let array as [Any]: array.reduce(0) { $0 + memberCount($1) }
    default: 0
    }
  }

  /// The number of colons outside strings: the number of members in the text.
  private static func colonCount(_ json: Data) -> Int {
    var count = 0
    var isInString = false
    var isEscaped = false
    for byte in json {
      switch byte {
      case _ where isEscaped: isEscaped = false
      case UInt8(ascii: "\\"): isEscaped = isInString
      case UInt8(ascii: "\""): isInString.toggle()
      case UInt8(ascii: ":") where !isInString: count += 1
      default: break
      }
    }
    return count
  }

  /// The header's entry for one tensor.
  struct Entry {
    let name: String
    let dtype: DType
    let shape: [Int]
    let begin: Int
    let end: Int

    init(name: String, json: Any) throws {
      self.name = name
      guard let fields = json as? [String: Any], let type = fields["dtype"] as? String,
        let lengths = fields["shape"] as? [Any],
        let offsets = (fields["data_offsets"] as? [Any])?.compactMap(Self.wholeNumber), offsets.count == 2
      else { throw FormatError("the header's entry for tensor \(name) lacks its dtype, shape or data_offsets") }
      guard let dtype = DType.allCases.first(where: { $0.safetensorsName == type }) else {
        throw FormatError("tensor \(name) has element type \(type), which is not supported")
      }
      let shape = lengths.compactMap(Self.wholeNumber)
      guard shape.count == lengths.count else {
        throw FormatError("tensor \(name) has a shape that is not made of lengths")
      }
      guard shape.count <= 64 else {
        throw FormatError("tensor \(name) has \(shape.count) dimensions; 64 are supported")
      }
      // Lengths of 0 are left out: the engine multiplies the other lengths too, and their product must not overflow.
      var extent = dtype.byteCount
      for length in shape where length > 0 {
        let (product, overflow) = extent.multipliedReportingOverflow(by: length)
        guard !overflow else { throw FormatError("the shape of tensor \(name) is too large") }
        extent = product
      }
      let size = shape.contains(0) ? 0 : extent
      (begin, end) = (offsets[0], offsets[1])
      guard begin <= end, end - begin == size else {
        throw FormatError("tensor \(name) needs \(size) bytes, but its data_offsets are \(begin) and \(end)")
      }
      self.dtype = dtype
      self.shape = shape
    }

    /// A non-negative integer; nil for fractions, truth values and anything else.
    private static func wholeNumber(_ json: Any) -> Int? {
      // `is Bool` would also accept the numbers 0 and 1; their encoding distinguishes them from truth values.
      guard let number = json as? NSNumber, "iIlLqQ".contains(String(cString: number.objCType)),
        let value = number as? Int, value >= 0
      else { return nil }
      return value
    }
  }
}
