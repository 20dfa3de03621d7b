import Foundation

@_silgen_name("LLVMFuzzerMutate")
private func mutateBytes(_ bytes: UnsafeMutablePointer<UInt8>, _ length: Int, _ limit: Int) -> Int

/// What libFuzzer calls to change an input: packed folders have a number of their JSON files replaced every other time, which
/// changes of bytes seldom do without breaking the rest; all other inputs have their bytes changed.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(_ bytes: UnsafeMutablePointer<UInt8>, _ length: Int, _ limit: Int, _ seed: UInt32) -> Int {
  guard Reader.chosen == .checkpoint || Reader.chosen == .pipeline, seed % 2 == 0,
    let changed = FolderMutator.replaceNumber(in: Data(bytes: bytes, count: length), seed: Int(seed / 2)),
    changed.count <= limit
  else { return mutateBytes(bytes, length, limit) }
  changed.copyBytes(to: bytes, count: changed.count)
  return changed.count
}

enum FolderMutator {
  private static let values = [
    "-1", "0", "1", "2", "3", "4", "6", "100", "20000", "1000000", "2147483648", "9223372036854775807", "0.5", "1e-320",
    "1e-7", "1e20", "1e308", "null", "\"\"", "[]", "{}", "true",
  ]

  /// The same folder with one number of one JSON file replaced; `nil` where there is none.
  static func replaceNumber(in data: Data, seed: Int) -> Data? {
    var folder = PackedFolder(data, bases: [])
    let names = folder.files.keys.filter { $0.hasSuffix(".json") }.sorted()
    guard !names.isEmpty else { return nil }
    let name = names[seed % names.count]
    let text = String(decoding: folder.files[name] ?? Data(), as: UTF8.self)
    // Not the digits of checksums, which are in quotation marks.
    let numbers = text.matches(of: /[:,\[]\s*([-0-9][-+.0-9eE]*)/).map(\.output.1)
    guard !numbers.isEmpty else { return nil }
    let (number, value) = (numbers[seed / 7 % numbers.count], values[seed / 1009 % values.count])
    folder.files[name] = Data(
      text.replacingCharacters(in: number.startIndex..<number.endIndex, with: value).utf8)
    return folder.packed(folder.options, only: Set(folder.files.keys))
  }
}
