import CZlib
import Foundation

/// A folder of files as one string of bytes, which a fuzzer can mutate.
///
/// A byte of options comes first; then for each file a byte that chooses its name, three bytes of its length, the least
/// first, and its content. Files that are not described are those of a model folder that the options choose, so that short
/// inputs, all of which matters, describe whole folders; a length of 2²⁴ − 1 stands for no file. Every string of bytes
/// describes some folder.
struct PackedFolder {
  /// What is done with the folder.
  struct Options: OptionSet {
    let rawValue: UInt8

    /// Checksums and sizes are made to fit the files before they are read, so that mutations get past them.
    static let mended = Options(rawValue: 1)
    /// The last weights are read rather than their moving average.
    static let lastWeights = Options(rawValue: 2)

    /// The number of the folder whose files stand for those that are not described; the one above the last is empty.
    var base: Int { Int(rawValue >> 2) }

    /// Options with a number of a folder.
    init(_ options: Options, base: Int) { rawValue = options.rawValue & 3 | UInt8(base << 2) }

    init(rawValue: UInt8) { self.rawValue = rawValue }
  }

  private static let missing = 1 << 24 - 1

  /// The files that a folder can have.
  static let names = [
    "state.json", "state.crc32", "model.safetensors", "ema.safetensors", "optimizer.safetensors", "model_index.json",
    "unet/config.json", "unet/diffusion_pytorch_model.safetensors", "scheduler/scheduler_config.json", "config.json",
    "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin",
  ]

  var options: Options = []
  var files: [String: Data] = [:]

  /// Takes the files of a folder that have one of the names.
  init(folder: String) {
    for name in Self.names { files[name] = FileManager.default.contents(atPath: "\(folder)/\(name)") }
  }

  /// Unpacks, with the folders that an input may refer to.
  init(_ data: Data, bases: [PackedFolder]) {
    var rest = data
    options = Options(rawValue: rest.popFirst() ?? 0)
    let base = options.base % (bases.count + 1)
    if base < bases.count { files = bases[base].files }
    while rest.count >= 4 {
      let header = [UInt8](rest.prefix(4))
      rest = rest.dropFirst(4)
      let length = header[1...].reversed().reduce(0) { $0 << 8 | Int($1) }
      let name = Self.names[Int(header[0]) % Self.names.count]
      files[name] = length == Self.missing ? nil : Data(rest.prefix(length))
      if length == Self.missing { continue }
      rest = rest.dropFirst(length)
    }
  }

  /// Some of the files as one string of bytes, beside those of the folder that the options choose.
  func packed(_ options: Options, only names: Set<String>) -> Data {
    var data = Data([options.rawValue])
    for (index, name) in Self.names.enumerated() where names.contains(name) {
      guard let content = files[name] else { continue }
      data += [UInt8(index)] + (0..<3).map { UInt8(truncatingIfNeeded: content.count >> (8 * $0)) }
      data += content
    }
    return data
  }

  /// Writes the files into a folder that is empty.
  func write(to folder: String) throws {
    for (name, content) in options.contains(.mended) ? mended : files {
      let url = URL(fileURLWithPath: "\(folder)/\(name)")
      if name.contains("/") {
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      }
      try content.write(to: url)
    }
  }

  /// The files, with a `state.json` that lists their true sizes and checksums, and its own checksum.
  private var mended: [String: Data] {
    var mended = files
    guard var state = files["state.json"] else { return mended }
    if var json = (try? JSONSerialization.jsonObject(with: state)) as? [String: Any] {
      var list: [String: Any] = [:]
      for (name, content) in files where name.hasSuffix(".safetensors") {
        list[name] = ["bytes": content.count, "crc32": Self.checksum(content)]
      }
      json["files"] = list
      if let encoded = try? JSONSerialization.data(withJSONObject: json) { state = encoded }
    }
    mended["state.json"] = state
    mended["state.crc32"] = Data(Self.checksum(state).utf8)
    return mended
  }

  private static func checksum(_ data: Data) -> String {
    let value = data.withUnsafeBytes { crc32_z(0, $0.bindMemory(to: UInt8.self).baseAddress, $0.count) }
    return String(format: "%08x", UInt32(value))
  }
}
