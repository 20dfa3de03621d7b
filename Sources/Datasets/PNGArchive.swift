internal import Files
internal import Foundation

/// The PNG files in a ZIP file; a folder that contains all of them is ignored.
///
/// Time is linear in the total length of the names, however deep their folders are.
struct PNGArchive: PictureFiles {
  let names: [String]
  let leftOut: LeftOut
  private let archive: ZIPArchive
  private let members: [String: ZIPArchive.Member]
  private let labelMember: ZIPArchive.Member?

  init(_ archive: ZIPArchive) {
    self.archive = archive
    var leftOut = LeftOut()
    var pictures: [ZIPArchive.Member] = []
    var lists: [ZIPArchive.Member] = []
    for member in archive.members {
      // Files that macOS adds are no data.
      if member.name.hasPrefix("__MACOSX/") || lastPart(of: member.name).hasPrefix(".") {
        leftOut.hidden += 1
      } else if isPictureName(member.name) {
        pictures.append(member)
      } else {
        if lastPart(of: member.name) == "dataset.json" { lists.append(member) }
        leftOut.others += 1
      }
    }
    // The folder that contains all pictures, or the outermost folder on the way to it that has a label file.
    let folder = Self.commonFolder(pictures.map(\.name))
    labelMember =
      lists.filter { folder.starts(with: $0.name.utf8.dropLast("dataset.json".utf8.count)) }
      .min { $0.name.utf8.count < $1.name.utf8.count }
    let root = labelMember.map { $0.name.utf8.count - "dataset.json".utf8.count } ?? folder.count
    if labelMember != nil { leftOut.others -= 1 }
    var members: [String: ZIPArchive.Member] = [:]
    for member in pictures {
      let name = String(decoding: member.name.utf8.dropFirst(root), as: UTF8.self)
      if labelMember == nil, name.utf8.count(where: { $0 == slash }) > 1 {
        leftOut.deeper += 1
      } else if members.updateValue(member, forKey: name) != nil {
        leftOut.replaced += 1
      }
    }
    self.members = members
    self.leftOut = leftOut
    names = members.keys.sorted()
  }

  /// The longest folder path, with a slash at its end, that all names begin with; empty if there is none.
  private static func commonFolder(_ names: [String]) -> [UInt8] {
    guard var common = names.first.map({ Array($0.utf8) }) else { return [] }
    for name in names {
      let length = zip(common, name.utf8).prefix { $0 == $1 }.count
      common.removeLast(common.count - length)
    }
    return common.lastIndex(of: slash).map { Array(common[...$0]) } ?? []
  }

  var path: String { archive.bytes.path }
  func place(of name: String) -> String { "\(path)/\(members[name]?.name ?? name)" }

  func start(of name: String, limit: Int) throws(DataError) -> [UInt8] {
    Array(try archive.read(member(name), limit: limit))
  }

  func content(of name: String, limit: Int) throws(DataError) -> Data {
    try archive.readAll(member(name), limit: limit)
  }

  func labelFile(limit: Int) throws(DataError) -> Data? {
    guard let labelMember else { return nil }
    return try archive.readAll(labelMember, limit: limit)
  }

  private func member(_ name: String) throws(DataError) -> ZIPArchive.Member {
    guard let member = members[name] else { throw DataError(malformed: path, "there is no \(name) in it") }
    return member
  }
}

private let slash = UInt8(ascii: "/")

/// The last part of a member's name.
private func lastPart(of name: String) -> Substring {
  Substring(
    name.utf8.suffix(from: name.utf8.lastIndex(of: slash).map { name.utf8.index(after: $0) } ?? name.startIndex))
}
