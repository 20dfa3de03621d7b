import Files
import Foundation
import TestSupport
import Testing

@Suite struct FolderTests {
  @Test func lockKeepsOthersOutUntilItIsReleased() throws {
    try temporaryFolder { folder in
      let path = folder + "/a/b"
      var lock = try FolderLock.take(path)
      #expect(lock != nil)
      // A lock belongs to the opened folder, so that another one in the same process counts as another's.
      #expect(try FolderLock.take(path) == nil)
      #expect(try FolderLock.take(folder + "/a/../a/b/") == nil)
      #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
      lock = nil
      #expect(try FolderLock.take(path) != nil)
    }
  }

  @Test func foldersOfALockThatWasGivenUpAreRemovedIfTheyAreEmpty() throws {
    try temporaryFolder { folder in
      try #require(try FolderLock.take(folder + "/a/b/c")).removeCreatedFolders()
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
      let lock = try #require(try FolderLock.take(folder + "/a/b/c"))
      try AtomicFile.write(Data([1]), to: folder + "/a/b/file")
      lock.removeCreatedFolders()
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/a/b") == ["file"])
      // Those that were there before stay.
      try #require(try FolderLock.take(folder + "/a/b")).removeCreatedFolders()
      #expect(try FilePath.isFolder(folder + "/a/b"))
    }
  }

  @Test func exchangedPathsHoldEachOthersContent() throws {
    try temporaryFolder { folder in
      try AtomicFile.createFolder(folder + "/one")
      try AtomicFile.write(Data([1]), to: folder + "/one/file")
      try AtomicFile.createFolder(folder + "/other")
      guard try AtomicFile.exchange(folder + "/one", folder + "/other") else { return }
      #expect(try AtomicFile.read(folder + "/other/file") == Data([1]))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/one").isEmpty)
      #expect(throws: FileError.self) { try AtomicFile.exchange(folder + "/one", folder + "/none") }
    }
  }

  @Test func onlyWhatEndedProcessesLeftIsRemoved() throws {
    try temporaryFolder { folder in
      let ended = try Program(path: "/bin/sh").start(["-c", ":"])
      ended.wait()
      let gone =
        ["a", "b.png"].map { "\($0).partial-\(ended.processIdentifier)" }
        + ["c.partial-\(ended.processIdentifier)-old", "d.partial-\(getpid())"]
      let kept = ["e.partial-\(getppid())", "f.partial-", "g.partial-x", "h"]
      for name in gone + kept { try AtomicFile.write(Data(), to: "\(folder)/\(name)") }
      AtomicFile.removeAbandoned(in: folder)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == kept)
      AtomicFile.removeAbandoned(in: folder + "/none")
    }
  }
}
