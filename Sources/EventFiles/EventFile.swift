internal import Files
public import Foundation
internal import SwiftProtobuf

/// A file of events that TensorBoard shows: numbers and pictures by step.
///
/// The format is TFRecord: for each event its length, a check sum of the length, the event as a protocol buffer, and a
/// check sum of the event. Each event is appended at once, so that TensorBoard sees it and a killed process loses
/// nothing.
public struct EventFile {
  /// A number or a picture.
  public enum Value: Sendable {
    /// A number.
    case scalar(Double)
    /// A picture as a PNG file.
    case image(png: Data, width: Int, height: Int, channels: Int)
  }

  /// The path of the file.
  public let path: String

  /// Begins a file in a folder.
  ///
  /// If the folder holds files already, TensorBoard ignores their events from `firstStep` on: they come from a run that
  /// was interrupted and now continues from an earlier checkpoint.
  ///
  /// - Parameters:
  ///   - folder: the folder, which is created.
  ///   - firstStep: the first step to be recorded.
  ///   - time: now, in seconds since 1970.
  /// - Throws: `FileError`.
  public init(in folder: String, firstStep: Int, time: Double = Date().timeIntervalSince1970) throws {
    try AtomicFile.createFolder(folder)
    // TensorBoard reads files in the order of their names, and the newest must come last even within a second.
    let last = Self.names(in: folder).compactMap(Self.number(ofName:)).max()
    let number = max(Int(time), (last ?? -1) + 1)
    path = "\(folder)/\(Self.start)\(String(format: "%010d", number)).scorekit"
    // The beginning is written atomically, so that no reader finds an empty file.
    var version = Tensorboard_Event()
    version.wallTime = time
    version.fileVersion = "brain.Event:2"
    var content = try Self.record(version)
    if last != nil {
      var session = Tensorboard_Event()
      session.wallTime = time
      session.step = Int64(firstStep)
      session.sessionLog.status = .start
      content += try Self.record(session)
    }
    try AtomicFile.write(content, to: path)
  }

  /// Appends the values of a step, as one event.
  ///
  /// - Throws: `FileError`.
  public func append(_ values: [(tag: String, value: Value)], step: Int, time: Double = Date().timeIntervalSince1970)
    throws
  {
    var event = Tensorboard_Event()
    event.wallTime = time
    event.step = Int64(step)
    event.summary.value = values.map { tag, value in
      var entry = Tensorboard_Summary.Value()
      entry.tag = tag
      switch value {
      case .scalar(let number): entry.simpleValue = Float(number)
      case .image(let png, let width, let height, let channels):
        entry.image.encodedImageString = png
        entry.image.width = Int32(width)
        entry.image.height = Int32(height)
        entry.image.colorspace = Int32(channels)
      }
      return entry
    }
    try AtomicFile.append(try Self.record(event), to: path)
  }

  /// Waits until all appended events are on the disk.
  ///
  /// - Throws: `FileError`.
  public func flush() throws { try AtomicFile.flush(path) }

  private static let start = "events.out.tfevents."

  /// The files of events in a folder, in the order in which TensorBoard reads them.
  static func names(in folder: String) -> [String] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return all.filter { number(ofName: $0) != nil }.sorted()
  }

  private static func number(ofName name: String) -> Int? {
    name.hasPrefix(start) ? Int(name.dropFirst(start.count).prefix { $0.isNumber }) : nil
  }

  /// An event with its length and check sums.
  private static func record(_ event: Tensorboard_Event) throws -> Data {
    let body: Data = try event.serializedData()
    let length = withUnsafeBytes(of: UInt64(body.count).littleEndian) { Data($0) }
    func sum(_ bytes: Data) -> Data { withUnsafeBytes(of: CRC32C.masked(bytes).littleEndian) { Data($0) } }
    return length + sum(length) + body + sum(body)
  }
}
