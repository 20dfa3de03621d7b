internal import Files
internal import Foundation

/// The header of an array in NumPy's format, versions 1.0 to 3.0.
///
/// NumPy Enhancement Proposal 1, *A simple file format for NumPy arrays*.
struct NPYHeader: Sendable {
  /// A type of numbers.
  enum Element: String, Sendable, CaseIterable {
    case bool = "b1"
    case int8 = "i1"
    case uint8 = "u1"
    case int16 = "i2"
    case uint16 = "u2"
    case int32 = "i4"
    case uint32 = "u4"
    case int64 = "i8"
    case uint64 = "u8"
    case float16 = "f2"
    case float32 = "f4"
    case float64 = "f8"

    /// The bytes of a number.
    var size: Int { Int(rawValue.dropFirst()) ?? 1 }
    /// Whether numbers are whole.
    var isInteger: Bool { !rawValue.hasPrefix("f") }
  }

  /// The type of the elements.
  let element: Element
  /// Whether the highest byte of an element comes first.
  let isBigEndian: Bool
  /// Whether the first index varies fastest.
  let isFortranOrdered: Bool
  /// The lengths.
  let shape: [Int]
  /// Where the elements begin.
  let offset: Int

  /// The largest number of dimensions, as in NumPy.
  private static let largestRank = 64

  /// The number of elements.
  var count: Int { shape.reduce(1, *) }

  /// Whether bytes begin like an array in NumPy's format.
  static func recognizes(_ start: some Collection<UInt8>) -> Bool { start.starts(with: [0x93] + Array("NUMPY".utf8)) }

  /// Reads the beginning of a file of a known length.
  ///
  /// - Parameters:
  ///   - start: the first bytes, all of them or at least 65,548.
  ///   - size: the number of bytes of the file.
  /// - Throws: `DataError` unless the elements that the header announces fill the rest of the file.
  init(_ start: some Collection<UInt8>, size: Int, path: String) throws(DataError) {
    let head = Array(start.prefix(65_548))
    guard Self.recognizes(head), head.count >= 12 else {
      throw DataError(malformed: path, "expected an array in NumPy's format, which begins with 93 and NUMPY")
    }
    guard (1...3).contains(head[6]) else {
      throw DataError(malformed: path, "expected version 1 to 3 of NumPy's format, found \(head[6])")
    }
    let begin = head[6] == 1 ? 10 : 12
    let length = Int(head[8..<begin].littleEndian)
    guard length <= 65_535, begin + length <= head.count else {
      throw DataError(malformed: path, "its header of \(length) bytes is longer than the file or than is reasonable")
    }
    offset = begin + length
    var fields = Literal(head[begin..<offset])
    guard let dictionary = fields.dictionary() else {
      throw DataError(malformed: path, "its header is not a dictionary of descr, fortran_order and shape")
    }
    guard case .text(let type)? = dictionary["descr"], case .flag(let isFortran)? = dictionary["fortran_order"],
      case .numbers(let lengths)? = dictionary["shape"]
    else {
      throw DataError(
        malformed: path, "its header lacks a plain descr, fortran_order or shape; structured arrays are not read")
    }
    if type.hasPrefix("|O") || type == "O" {
      throw DataError(
        malformed: path, "it holds Python objects, which are pickled and not read; save an array of numbers")
    }
    guard let order = type.first, "<>|=".contains(order), let element = Element(rawValue: String(type.dropFirst()))
    else {
      throw DataError(
        malformed: path, "expected numbers of 1 to 8 bytes, found elements of type \(type.prefix(40))")
    }
    guard lengths.count <= Self.largestRank else {
      throw DataError(
        malformed: path, "expected at most \(Self.largestRank) dimensions, found \(lengths.count)")
    }
    var bytes = element.size
    for length in lengths {
      let product = bytes.multipliedReportingOverflow(by: length)
      guard !product.overflow else {
        throw DataError(malformed: path, "the header announces the shape \(lengths), which cannot be")
      }
      bytes = product.partialValue
    }
    guard bytes == size - offset else {
      throw DataError(
        malformed: path,
        "the header announces \(bytes) bytes of elements, \(element.rawValue) of shape \(lengths), found \(size - offset)"
      )
    }
    self.element = element
    isBigEndian = order == ">"
    isFortranOrdered = isFortran
    shape = lengths
  }
}

/// The part of Python's literals that headers consist of.
private struct Literal {
  enum Value {
    case text(String)
    case flag(Bool)
    case numbers([Int])
  }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// A dictionary up to the end, with nothing after it but space.
  mutating func dictionary() -> [String: Value]? {
    guard take("{") else { return nil }
    var result: [String: Value] = [:]
    while !take("}") {
      guard let key = text(), take(":"), let value = value(), result.updateValue(value, forKey: key) == nil else {
        return nil
      }
      if !take(",") {
        guard take("}") else { return nil }
        break
      }
    }
    skipSpace()
    return rest.isEmpty ? result : nil
  }

  private mutating func value() -> Value? {
    if let text = text() { return .text(text) }
    if take("True") { return .flag(true) }
    if take("False") { return .flag(false) }
    guard take("(") else { return nil }
    var numbers: [Int] = []
    while !take(")") {
      guard let number = number() else { return nil }
      numbers.append(number)
      if !take(",") {
        guard take(")") else { return nil }
        break
      }
    }
    return .numbers(numbers)
  }

  private mutating func text() -> String? {
    skipSpace()
    guard let quote = rest.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { return nil }
    guard let end = rest.dropFirst().firstIndex(of: quote) else { return nil }
    defer { rest = rest[(end + 1)...] }
    return String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self)
  }

  private mutating func number() -> Int? {
    skipSpace()
    let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard let number = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
    rest = rest[digits.endIndex...]
    // Python 2 wrote lengths such as 10L.
    if rest.first == UInt8(ascii: "L") { rest.removeFirst() }
    return number
  }

  private mutating func take(_ word: String) -> Bool {
    skipSpace()
    guard rest.starts(with: word.utf8) else { return false }
    rest = rest.dropFirst(word.utf8.count)
    return true
  }

  private mutating func skipSpace() { rest = rest.drop { $0 == 32 || (9...13).contains($0) } }
}
