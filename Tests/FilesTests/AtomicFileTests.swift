import Files
import Foundation
import TestSupport
import Testing

struct AtomicFileTests {
  private let old = Data("old".utf8)
  private let new = Data("the new content".utf8)

  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func writingReplacesTheContent() throws {
    try temporaryFolder { folder in
      let path = folder + "/file"
      for content in [new, old, Data(), Data(count: 3_000_000)] {
        try AtomicFile.write(content, to: path)
        #expect(try AtomicFile.read(path) == content)
        #expect(try names(folder) == ["file"])
      }
      try AtomicFile.writeAndFlush(old, to: path)
      #expect(try AtomicFile.read(path) == old)
    }
  }

  @Test func readersKeepTheFileThatTheyOpened() throws {
    try temporaryFolder { folder in
      let path = folder + "/file"
      try AtomicFile.write(old, to: path)
      let reader = try #require(FileHandle(forReadingAtPath: path))
      try AtomicFile.write(new, to: path)
      #expect(try reader.readToEnd() == old)
    }
  }

  #if os(Linux)
    @Test func aFullDeviceIsAnErrorAndTheOldContentSurvives() throws {
      try temporaryFolder { folder in
        let path = folder + "/file"
        try AtomicFile.write(old, to: path)
        // The temporary name leads to a device that is always full.
        let temporary = "\(path).partial-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createSymbolicLink(atPath: temporary, withDestinationPath: "/dev/full")
        let error = #expect(throws: FileError.self) { try AtomicFile.write(new, to: path) }
        #expect(error?.code == ENOSPC)
        #expect(error?.path == path)
        #expect(error?.description.hasPrefix("cannot write \(path): no space left") == true)
        #expect(error?.description.hasSuffix("free some space and try again") == true)
        #expect(try AtomicFile.read(path) == old)
        #expect(try names(folder) == ["file"])
      }
    }

    @Test func devicesAreWrittenToAndNotReplaced() throws {
      let error = #expect(throws: FileError.self) { try AtomicFile.writeAndFlush(new, to: "/dev/full") }
      #expect(error?.code == ENOSPC)
      try temporaryFolder { folder in
        let path = folder + "/null"
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/null")
        try AtomicFile.write(new, to: path)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == "/dev/null")
      }
    }
  #endif

  @Test func namesTooLongForATemporaryLeaveTheOldContent() throws {
    try temporaryFolder { folder in
      let path = folder + "/" + String(repeating: "n", count: 250)
      try AtomicFile.writeAndFlush(old, to: path)
      let error = #expect(throws: FileError.self) { try AtomicFile.write(new, to: path) }
      #expect(error?.code == ENAMETOOLONG)
      #expect(try AtomicFile.read(path) == old)
      #expect(try names(folder).count == 1)
    }
  }

  @Test func missingFoldersAreErrors() throws {
    try temporaryFolder { folder in
      let path = folder + "/none/file"
      let errors = [
        #expect(throws: FileError.self) { try AtomicFile.write(new, to: path) },
        #expect(throws: FileError.self) { try AtomicFile.read(path) },
      ]
      for error in errors {
        #expect(error?.isMissing == true)
        #expect(error?.description.contains("\(path): no such file or directory; check the path") == true)
      }
      let left = try names(folder)
      #expect(left.isEmpty)
    }
  }

  @Test func foldersAreNoFiles() throws {
    try temporaryFolder { folder in
      let path = folder + "/folder"
      try AtomicFile.createFolder(path)
      #expect(throws: FileError("write", path: path, code: EISDIR)) { try AtomicFile.write(new, to: path) }
      #expect(throws: FileError("read", path: path, code: EISDIR)) { try AtomicFile.read(path) }
      #expect(try names(folder) == ["folder"])
    }
  }

  @Test func symbolicLinksAreReplacedAndFollowedForReading() throws {
    try temporaryFolder { folder in
      let (target, link) = (folder + "/target", folder + "/link")
      try AtomicFile.write(old, to: target)
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "target")
      #expect(try AtomicFile.read(link) == old)
      try AtomicFile.write(new, to: link)
      #expect(try AtomicFile.read(link) == new)
      #expect(try AtomicFile.read(target) == old)
      // Links on the way to a file are followed.
      try AtomicFile.createFolder(folder + "/real")
      try FileManager.default.createSymbolicLink(atPath: folder + "/way", withDestinationPath: "real")
      try AtomicFile.write(new, to: folder + "/way/file")
      #expect(try AtomicFile.read(folder + "/real/file") == new)
    }
  }

  @Test func foldersAreCreatedWithThoseOnTheWay() throws {
    try temporaryFolder { folder in
      try AtomicFile.createFolder(folder + "/a//b/c/")
      try AtomicFile.createFolder(folder + "/a/b/c")
      try AtomicFile.write(new, to: folder + "/a/b/c/file")
      #expect(throws: FileError.self) { try AtomicFile.createFolder(folder + "/a/b/c/file") }
      #expect(throws: FileError.self) { try AtomicFile.createFolder(folder + "/a/b/c/file/d") }
      try AtomicFile.flushFolder(folder)
      #expect(throws: FileError.self) { try AtomicFile.flushFolder(folder + "/none") }
      #expect(throws: FileError.self) { try AtomicFile.flushFolder(folder + "/a/b/c/file") }
      #expect(try AtomicFile.createFolder(folder + "/d/e") == [folder + "/d", folder + "/d/e"])
      #expect(try AtomicFile.createFolder(folder + "/d/e").isEmpty)
    }
  }

  @Test func movingReplacesFiles() throws {
    try temporaryFolder { folder in
      try AtomicFile.write(old, to: folder + "/a")
      try AtomicFile.write(new, to: folder + "/b")
      try AtomicFile.move(folder + "/b", to: folder + "/a")
      #expect(try AtomicFile.read(folder + "/a") == new)
      let error = #expect(throws: FileError.self) { try AtomicFile.move(folder + "/b", to: folder + "/a") }
      #expect(error?.isMissing == true)
      #expect(try names(folder) == ["a"])
    }
  }

  @Test func filesWithoutASizeAreRead() throws {
    #if os(Linux)
      #expect(try AtomicFile.read("/proc/self/status").count > 100)
    #endif
  }
}
