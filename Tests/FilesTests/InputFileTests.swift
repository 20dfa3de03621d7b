import Files
import Foundation
import TestSupport
import Testing

@Suite struct InputFileTests {
  @Test func filesAreReadWholeAndInParts() throws {
    try temporaryFolder { folder in
      let path = folder + "/file"
      let content = Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0) })
      try AtomicFile.write(content, to: path)
      let file = try InputFile(path)
      #expect(file.size == content.count)
      #expect(try file.contents() == content)
      var part = [UInt8](repeating: 0, count: 10)
      #expect(
        try part.withUnsafeMutableBytes { buffer throws(FileError) in try file.read(at: 99_995, into: buffer) } == 5)
      #expect(part.prefix(5) == [UInt8](content.suffix(5))[...])
      try AtomicFile.writeAndFlush(Data(), to: path)
      #expect(try AtomicFile.read(path).isEmpty)
    }
  }

  @Test func whatHasNoEndOrNoBeginningIsRefused() throws {
    try temporaryFolder { folder in
      let pipe = folder + "/pipe"
      #expect(mkfifo(pipe, 0o600) == 0)
      try FileManager.default.createSymbolicLink(atPath: folder + "/zero", withDestinationPath: "/dev/zero")
      for path in [pipe, "/dev/null", "/dev/zero", folder + "/zero"] {
        let error = #expect(throws: FileError.self) { try AtomicFile.read(path) }
        #expect(error?.description == "cannot read \(path): it is neither a file nor a folder")
      }
      #expect(throws: FileError("read", path: folder, code: EISDIR)) { try InputFile(folder, acceptsPipes: true) }
      #expect(throws: FileError.self) { try InputFile("/dev/null", acceptsPipes: true) }
    }
  }

  @Test func pipesAreReadWhereTheyAreAccepted() throws {
    let pipe = Pipe()
    let content = Data(repeating: 7, count: 200_000)
    DispatchQueue.global().async {
      pipe.fileHandleForWriting.write(content)
      try? pipe.fileHandleForWriting.close()
    }
    let file = try InputFile("/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)", acceptsPipes: true)
    #expect(try file.contents() == content)
  }

  @Test func pathsAreTakenApart() throws {
    for (path, folder, last) in [
      ("a", ".", "a"), ("a/b", "a", "b"), ("/a", "/", "a"), ("a/", ".", "a"), ("/", "/", "/"), ("-", ".", "-"),
      ("é", ".", "é"),
      ("//a//b", "/a", "b"), ("../x.png", "..", "x.png"),
    ] {
      #expect(FilePath.folder(of: path) == folder, "\(path)")
      #expect(FilePath.lastPart(of: path) == last, "\(path)")
    }
  }

  @Test func whatCannotBeLookedAtIsNotMissing() throws {
    try temporaryFolder { folder in
      #expect(try FilePath.exists(folder))
      #expect(try FilePath.isFolder(folder))
      #expect(try !FilePath.exists(folder + "/none"))
      #expect(try !FilePath.isFolder(folder + "/none"))
      try FileManager.default.createSymbolicLink(atPath: folder + "/loop", withDestinationPath: "loop")
      let error = #expect(throws: FileError.self) { try FilePath.exists(folder + "/loop/file") }
      #expect(error?.code == ELOOP)
    }
  }
}
