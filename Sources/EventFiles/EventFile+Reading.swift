internal import Files
internal import Foundation
internal import SwiftProtobuf

extension EventFile {
  /// Whether an earlier file holds a value with this tag and step that no later start of a run has made invalid.
  ///
  /// Reads all earlier files of the folder.
  ///
  /// - Throws: `FileError`.
  public func holdsEarlier(tag: String, step: Int) throws -> Bool {
    let folder = FilePath.folder(of: path)
    var isHeld = false
    for name in Self.names(in: folder) where name != FilePath.lastPart(of: path) {
      for event in Self.events(in: try AtomicFile.read("\(folder)/\(name)")) {
        if event.sessionLog.status == .start, event.step <= step { isHeld = false }
        if event.step == step, event.summary.value.contains(where: { $0.tag == tag }) { isHeld = true }
      }
    }
    return isHeld
  }

  /// The events of a file, up to the first incomplete or invalid event.
  private static func events(in data: Data) -> [Tensorboard_Event] {
    var events: [Tensorboard_Event] = []
    var rest = data[...]
    while rest.count >= 16 {
      let length = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard length <= UInt64(rest.count - 16),
        let event = try? Tensorboard_Event(serializedBytes: rest.dropFirst(12).prefix(Int(length)))
      else { break }
      events.append(event)
      rest = rest.dropFirst(16 + Int(length))
    }
    return events
  }
}
