import Foundation
import Imaging
import ScoreKit
import TestSupport
import Testing

/// Every command of README.md, CONTRIBUTING.md and the articles: those of the tools are run, with small networks and few
/// steps; the others are compared with what there is.
@Suite struct DocumentedCommandTests {
  private static let pages: [DocumentationPage] = {
    do {
      let all = try DocumentationPage.all().filter { !$0.path.contains(".docc") || $0.path.contains("ScoreKit.docc") }
      return all + [try DocumentationPage("CONTRIBUTING.md")]
    } catch {
      fatalError("\(error)")
    }
  }()

  @Test(arguments: pages) func commandsRun(page: DocumentationPage) throws {
    let known = ["swift", "sh", "text", "json"]
    #expect(page.blocks.allSatisfy { known.contains($0.language) }, "\(page.path) has code of no language")
    let commands = DocumentedCommand.all(in: page)
    try temporaryFolder { folder in
      try writeData(in: folder)
      // Pictures during training take a while: they are drawn where the page tells of them.
      let samples = page.text.contains("/samples/ ") ? "4" : "0"
      var output = ""
      for command in commands {
        if let complaint = try command.complaint(in: folder) {
          Issue.record("\(page.path): \(complaint): \(command.words.joined(separator: " "))")
        }
        guard let tool = command.tool else { continue }
        let extra = tool.name == "score-train" ? ["--sample-every", samples] : []
        let result = try tool.run(command.small(extra: extra), in: folder)
        #expect(result.status == 0, "\(page.path): \(command.words.joined(separator: " ")): \(result.errors)")
        output += result.output
      }
      for block in page.blocks("text") { try expectText(block, of: page, in: folder, output: output) }
      for block in page.blocks("json") {
        for key in block.matches(of: /"[a-z-]+"/) {
          #expect(output.contains("\(key.0)"), "\(page.path): \(key.0) is no key of what the tools print")
        }
      }
    }
  }

  @Test(arguments: pages) func commandsInTextExist(page: DocumentationPage) throws {
    try temporaryFolder { folder in
      for command in DocumentedCommand.inText(of: page) {
        let complaint = try command.complaint(in: folder)
        #expect(complaint == nil, "\(page.path): \(command.words.joined(separator: " "))")
      }
    }
  }

  @Test func claimsHaveCommands() throws {
    let page = try #require(Self.pages.first { $0.name == "Claims" })
    let rows = page.text.split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| claim") }
    #expect(rows.count > 30)
    for row in rows where !row.hasPrefix("| **") {
      let command = row.split(separator: "|").last ?? ""
      #expect(command.contains("`"), "there is no command: \(row)")
    }
  }

  @Test func wrongCommandsAreNoticed() throws {
    try temporaryFolder { folder in
      for line in [
        "score-train --bogus 1", "scripts/nothing", "scripts/torture --bogus", "scripts/test --filter NoSuchTests",
        "swift run -c release nothing", "swift run -c release class-conditional runs/mnist --bogus", "make",
      ] {
        let command = try #require(DocumentedCommand(line))
        let complaint = try command.complaint(in: folder)
        #expect(complaint != nil, "\(line)")
      }
    }
  }

  /// Expects files that are listed to exist, and words of a tool's output to be there.
  private func expectText(_ block: String, of page: DocumentationPage, in folder: String, output: String) throws {
    if block.hasPrefix("runs/") {
      for line in block.split(separator: "\n") {
        let path = line.split(separator: " ")[0]
        #expect(FileManager.default.fileExists(atPath: "\(folder)/\(path)"), "\(page.path): \(path) was not written")
      }
    } else {
      for word in block.matches(of: /[A-Za-z]{4,}/) {
        #expect(output.contains(word.0), "\(page.path): the tools do not print “\(word.0)”")
      }
    }
  }

  /// The data that the pages name.
  private func writeData(in folder: String) throws {
    let manager = FileManager.default
    try manager.createDirectory(atPath: "\(folder)/photos", withIntermediateDirectories: true)
    for index in 0..<8 {
      let pixels = (0..<(16 * 16 * 3)).map { UInt8(($0 * (index + 3)) % 256) }
      try Image(width: 16, height: 16, channels: 3, pixels: pixels).write(toPNG: "\(folder)/photos/\(index).png")
    }
    func write(_ bytes: [UInt8], _ name: String) throws {
      try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    let (count, side) = (24, 8)
    let images = [0, 0, 8, 3, 0, 0, 0, UInt8(count), 0, 0, 0, UInt8(side), 0, 0, 0, UInt8(side)]
    let pixels = (0..<(count * side * side)).map { UInt8($0 * 7 % 256) }
    let labels = [0, 0, 8, 1, 0, 0, 0, UInt8(count)] + (0..<count).map { UInt8($0 % 10) }
    // A file is recognised by its content, so these need no compression.
    for name in ["train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz", "test-images.gz"] {
      try write(images + pixels, name)
    }
    for name in ["train-labels-idx1-ubyte.gz", "test-labels.gz"] { try write(labels, name) }
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (8, 32, 32, 3), }"
    let padded = header + String(repeating: " ", count: 128 - 10 - header.count - 1) + "\n"
    try write(
      [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(padded.utf8)
        + (0..<(8 * 32 * 32 * 3)).map { UInt8($0 % 251) },
      "big.npy")
  }
}
