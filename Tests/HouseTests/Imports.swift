import Foundation
import TestSupport

/// The modules of the package and what their sources import.
struct Imports {
  /// The folders of the libraries' sources, by module.
  static let folders: [String: String] = {
    var folders = ["Samplers": "Samplers"]
    for module in (try? FileManager.default.contentsOfDirectory(atPath: root + "/Sources")) ?? [] {
      folders[module] = "Sources/\(module)"
    }
    return folders
  }()

  /// The package's folder.
  static let root = packageFolder.path

  /// The Swift files of a folder of the package, as paths in the package.
  static func swiftFiles(in folder: String) -> [String] {
    let paths = FileManager.default.enumerator(atPath: "\(root)/\(folder)")?.compactMap { $0 as? String } ?? []
    return paths.filter { $0.hasSuffix(".swift") }.sorted().map { "\(folder)/\($0)" }
  }

  /// The text of a file of the package.
  static func text(of file: String) throws -> String { try String(contentsOfFile: "\(root)/\(file)", encoding: .utf8) }

  /// The modules that a file imports, whatever the level of access.
  static func imports(in text: String) -> Set<String> {
    Set(
      text.split(separator: "\n").compactMap { line -> String? in
        let words = line.split(separator: " ")
        guard let position = words.firstIndex(of: "import"), position + 1 < words.count,
          words[..<position].allSatisfy({ $0.hasPrefix("@") || levels.contains($0) })
        else { return nil }
        return String(words[position + 1])
      })
  }

  private static let levels: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
}
