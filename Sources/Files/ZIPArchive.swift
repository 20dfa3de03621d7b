package import Foundation

/// The members of a ZIP file, each of which can be read by itself.
///
/// Stored and deflated members, with the 64-bit extension; check sums are verified. The members are taken from the
/// central directory at the end of the file, as the format demands (PKWARE, *APPNOTE.TXT*, version 6.3.10, section
/// 4.3).
package struct ZIPArchive: Sendable {
  /// A file in the archive.
  package struct Member: Sendable {
    /// Its path in the archive.
    package let name: String
    fileprivate let method: UInt64
    fileprivate let checkSum: UInt64
    fileprivate let compressedSize: Int
    /// The number of its bytes.
    package let size: Int
    fileprivate let headerOffset: Int
  }

  /// The archive.
  package let bytes: RandomAccessBytes
  /// Its files in the order of the directory; folders are left out.
  package let members: [Member]

  /// The largest number of bytes in a member's path, as for a file on Linux.
  private static let longestName = 4096

  /// Whether bytes begin like a ZIP file.
  package static func recognizes(_ start: some Collection<UInt8>) -> Bool {
    start.starts(with: [0x50, 0x4B, 3, 4]) || start.starts(with: [0x50, 0x4B, 5, 6])
  }

  /// Reads the directory of an archive.
  ///
  /// - Throws: `DataError` if there is none or it is damaged.
  package init(_ bytes: RandomAccessBytes) throws(DataError) {
    self.bytes = bytes
    let range = try Self.directory(of: bytes)
    let directory = try bytes.read(range)
    var members: [Member] = []
    var position = 0
    while position < directory.count {
      guard directory.count - position >= 46, directory[position..<(position + 4)].elementsEqual([0x50, 0x4B, 1, 2])
      else { throw DataError(malformed: bytes.path, "the directory of the ZIP file is damaged") }
      func field(_ offset: Int, _ length: Int) -> UInt64 {
        directory[(position + offset)..<(position + offset + length)].littleEndian
      }
      let lengths = (name: Int(field(28, 2)), extra: Int(field(30, 2)), comment: Int(field(32, 2)))
      let end = position + 46 + lengths.name + lengths.extra + lengths.comment
      guard end <= directory.count else {
        throw DataError(malformed: bytes.path, "the directory of the ZIP file is damaged")
      }
      guard lengths.name <= Self.longestName else {
        throw DataError(
          malformed: bytes.path,
          "a name in it has \(lengths.name) bytes, and at most \(Self.longestName) are read; give its files shorter paths"
        )
      }
      let name = String(decoding: directory[(position + 46)..<(position + 46 + lengths.name)], as: UTF8.self)
      let extra = directory[(position + 46 + lengths.name)..<(position + 46 + lengths.name + lengths.extra)]
      var wide = Self.wideFields(extra)[...]
      func size(_ offset: Int) -> UInt64 {
        let value = field(offset, 4)
        return value == 0xFFFF_FFFF ? wide.popFirst() ?? value : value
      }
      let (size64, compressed64, offset64) = (size(24), size(20), size(42))
      defer { position = end }
      if name.hasSuffix("/") { continue }
      guard field(8, 2) & 1 == 0 else {
        throw DataError(malformed: bytes.path, "\(name) is encrypted; save the archive without a password")
      }
      let method = field(10, 2)
      guard method == 0 || method == 8 else {
        throw DataError(
          malformed: bytes.path, "\(name) is compressed by method \(method), and only deflate (8) and none (0) are read"
        )
      }
      guard compressed64 <= UInt64(bytes.count), offset64 <= UInt64(bytes.count),
        size64 <= UInt64(method == 0 ? Int(compressed64) : Gzip.largestContent(of: Int(compressed64)))
      else {
        throw DataError(malformed: bytes.path, "the directory announces \(size64) bytes for \(name), which cannot be")
      }
      members.append(
        Member(
          name: name, method: method, checkSum: field(16, 4), compressedSize: Int(compressed64), size: Int(size64),
          headerOffset: Int(offset64)))
    }
    self.members = members
  }

  /// The bytes of a member, at most `limit`; the check sum is verified only if all of them are read.
  ///
  /// - Throws: `DataError`.
  package func read(_ member: Member, limit: Int = .max) throws(DataError) -> Data {
    let place = "\(bytes.path)/\(member.name)"
    let header = try bytes.read(member.headerOffset..<min(member.headerOffset + 30, bytes.count))
    guard header.count == 30, header.starts(with: [0x50, 0x4B, 3, 4]) else {
      throw DataError(malformed: place, "the ZIP file is damaged: there is no member where its directory says")
    }
    let start = member.headerOffset + 30 + Int(header[26..<28].littleEndian) + Int(header[28..<30].littleEndian)
    let stored = start..<(start + member.compressedSize)
    let wanted = min(limit, member.size)
    if member.method == 0 {
      guard member.size == member.compressedSize else {
        throw DataError(malformed: place, "the ZIP file is damaged: a stored member has two sizes")
      }
      let content = try filledData(wanted, path: place) { (buffer) throws(DataError) in
        try bytes.read(
          stored.lowerBound..<(stored.lowerBound + wanted),
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
        return wanted
      }
      return wanted < member.size ? content : try checked(content, member, place)
    }
    // One byte more than announced, so that a longer member is detected.
    let most = wanted < member.size ? wanted : member.size + 1
    let content = try Gzip.decompress(bytes, stored, path: place, limit: most, format: .raw)
    return wanted < member.size ? content : try checked(content, member, place)
  }

  /// All bytes of a member of a limited size.
  ///
  /// - Throws: `DataError`, also if the member has more than `limit` bytes.
  package func readAll(_ member: Member, limit: Int) throws(DataError) -> Data {
    guard member.size <= limit else {
      throw DataError(
        malformed: "\(bytes.path)/\(member.name)", "it has \(member.size) bytes, and at most \(limit) are read")
    }
    return try read(member)
  }

  private func checked(_ content: Data, _ member: Member, _ place: String) throws(DataError) -> Data {
    guard content.count == member.size, content.isEmpty || UInt64(CRC32.checksum(content)) == member.checkSum else {
      throw DataError(malformed: place, "its check sum is wrong; the ZIP file is damaged, get it again")
    }
    return content
  }

  /// Where the central directory is.
  private static func directory(of bytes: RandomAccessBytes) throws(DataError) -> Range<Int> {
    // The end record has 22 bytes and a comment of up to 65,535.
    let tailStart = max(0, bytes.count - 22 - 65_535)
    let tail = try bytes.read(tailStart..<bytes.count)
    guard
      let end = stride(from: tail.count - 22, through: 0, by: -1).first(where: {
        tail[$0] == 0x50 && tail[$0 + 1] == 0x4B && tail[$0 + 2] == 5 && tail[$0 + 3] == 6
      })
    else {
      throw DataError(malformed: bytes.path, "the ZIP file has no directory; it is incomplete, get it again")
    }
    var size = tail[(end + 12)..<(end + 16)].littleEndian
    var offset = tail[(end + 16)..<(end + 20)].littleEndian
    if size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF, end >= 20,
      tail[(end - 20)..<(end - 16)].littleEndian == 0x0706_4B50
    {
      let record = tail[(end - 12)..<(end - 4)].littleEndian
      if record <= UInt64(bytes.count), bytes.count - Int(record) >= 56 {
        let wide = try bytes.read(Int(record)..<(Int(record) + 56))
        (size, offset) = (wide[40..<48].littleEndian, wide[48..<56].littleEndian)
      }
    }
    let sum = offset.addingReportingOverflow(size)
    guard !sum.overflow, sum.partialValue <= UInt64(bytes.count) else {
      throw DataError(malformed: bytes.path, "the directory of the ZIP file is not inside the file; get it again")
    }
    return Int(offset)..<Int(sum.partialValue)
  }

  /// The numbers of the 64-bit extension among the extra fields of a directory entry.
  private static func wideFields(_ extra: ArraySlice<UInt8>) -> [UInt64] {
    var rest = extra
    while rest.count >= 4 {
      let (kind, length) = (rest.prefix(2).littleEndian, Int(rest.dropFirst(2).prefix(2).littleEndian))
      let content = rest.dropFirst(4).prefix(length)
      if kind == 1 {
        return stride(from: 0, to: content.count / 8 * 8, by: 8).map { content.dropFirst($0).prefix(8).littleEndian }
      }
      rest = rest.dropFirst(4 + length)
    }
    return []
  }
}
