import Datasets
import Files
import Foundation
import Imaging
import Testing
import Torch

@testable import Datasets

/// Files that are made, or have become, so that reading them would hang, end the process or fill the memory.
@Suite(.timeLimit(.minutes(2))) struct HostileFilesTests {
  private func png(_ value: UInt8 = 1) throws -> [UInt8] {
    Array(try Image(width: 2, height: 2, channels: 1, pixels: [UInt8](repeating: value, count: 4)).pngData())
  }

  /// The error of loading data from a path, and of reading its first example.
  private func failure(
    _ path: String, labels: String? = nil, _ loading: Dataset.Loading = .automatic,
    sourceLocation: SourceLocation = #_sourceLocation
  ) -> DataError? {
    #expect(throws: DataError.self, sourceLocation: sourceLocation) {
      _ = try DatasetSource(path).load(labels: labels, loading: loading).elements(at: Tensor([0]))
    }
  }

  @Test(arguments: ["pipe", "device"])
  func pipesAndDevicesAreRefusedWhereverTheyLie(kind: String) throws {
    let folder = try TestFolder()
    let special = folder.path + "/special"
    if kind == "pipe" {
      #expect(mkfifo(special, 0o600) == 0)
    } else {
      try FileManager.default.createSymbolicLink(atPath: special, withDestinationPath: "/dev/zero")
    }
    let images = try folder.write(idx([1, 2, 2], [1, 2, 3, 4]), "images")
    for name in ["a.png", "dataset.json", "class/b.png"] {
      let place = "\(folder.path)/folder-\(name.filter { $0 != "/" })"
      let other = name == "a.png" ? "z.png" : "class/c.png"
      try folder.write(png(), "folder-\(name.filter { $0 != "/" })/\(other)")
      try FileManager.default.createSymbolicLink(atPath: "\(place)/\(name)", withDestinationPath: special)
      let error = failure(place)
      #expect(error?.kind == .inputOutput, "\(name)")
      #expect(error?.description == "cannot read \(place)/\(name): it is neither a file nor a folder")
    }
    for (data, labels) in [(special, nil), (images, special)] as [(String, String?)] {
      let error = failure(data, labels: labels)
      #expect(error?.kind == .inputOutput)
      #expect(error?.description == "cannot read \(special): it is neither a file nor a folder")
    }
  }

  @Test func whatCannotBeLookedAtIsUnreadableAndNotMissing() throws {
    let folder = try TestFolder()
    let images = try folder.write(idx([1, 2, 2], [1, 2, 3, 4]), "images")
    func loop(_ path: String) throws -> String {
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path)
      return path
    }
    let data = try loop(folder.path + "/loop")
    #expect(failure(data)?.kind == .inputOutput && failure(data + "/file")?.kind == .inputOutput)
    #expect(failure(images, labels: data)?.kind == .inputOutput)
    for name in ["a.png", "dataset.json", "class"] {
      let place = "\(folder.path)/folder-\(name)"
      try folder.write(png(), "folder-\(name)/other/c.png")
      let error = failure(place + "/other/" + name)
      #expect(error?.kind == .missing)
      let unreadable = try loop(place + "/" + name)
      #expect(failure(place)?.kind == .inputOutput && failure(place)?.path == unreadable, "\(name)")
    }
    // A picture whose link leads nowhere was meant to be there.
    try folder.write(png(), "dangling/b.png")
    try FileManager.default.createSymbolicLink(atPath: folder.path + "/dangling/a.png", withDestinationPath: "none")
    #expect(failure(folder.path + "/dangling")?.kind == .missing)
  }

  @Test(arguments: ["()", "(0, 8, 8)", "(8, 0, 8)", "(8, 8, 0)", "(0, 2)", "(2, 0)", "(0,)", "(1, 1, 0, 1)"])
  func arraysWithoutExamplesAreRefused(shape: String) throws {
    let folder = try TestFolder()
    let array = npy("<f8", shape, shape == "()" ? bytes([3.0]) : [])
    for path in try [folder.write(array, "z.npy"), folder.write(zip([("arr_0.npy", array)]), "z.npz")] {
      let error = failure(path)
      let lengths = shape.replacingOccurrences(of: "(", with: "[").replacingOccurrences(of: ",)", with: ")")
        .replacingOccurrences(of: ")", with: "]")
      #expect(error?.kind == .data)
      #expect(error?.description.hasSuffix("an array of shape \(lengths) holds no examples") == true)
    }
    // As labels.
    let data = try folder.write(npy("<f4", "(3, 2)", bytes([Float](repeating: 1, count: 6))), "data.npy")
    let labels = try folder.write(npy("<i8", shape, shape == "()" ? bytes([3]) : []), "labels.npy")
    #expect(failure(data, labels: labels)?.description.contains("expected") == true)
  }

  @Test func arraysOfMoreDimensionsThanNumPyHasAreRefused() throws {
    let folder = try TestFolder()
    let shape = "(" + String(repeating: "1,", count: 100) + ")"
    let header = Array("{'descr': '|u1', 'fortran_order': False, 'shape': \(shape)}".utf8)
    let length = [UInt8(header.count & 255), UInt8(header.count >> 8)]
    let error = failure(try folder.write([0x93] + Array("NUMPY".utf8) + [1, 0] + length + header + [7], "a.npy"))
    #expect(error?.description.hasSuffix("expected at most 64 dimensions, found 100") == true)
  }

  @Test func deepPathsInArchivesAreReadInLinearTime() throws {
    let folder = try TestFolder()
    let deep = String(repeating: "d/", count: 2000)
    let members = try (0..<200).map { ("\(deep)\($0 % 2)/\($0).png", try png(UInt8($0))) }
    let start = ContinuousClock.now
    let data = try DatasetSource(folder.write(zip(members), "deep.zip")).load()
    #expect(data.count == 200 && data.classNames == ["0", "1"])
    // One pass over the names for each folder took minutes.
    #expect(ContinuousClock.now - start < .seconds(30))
    let deeper = String(repeating: "d/", count: 15_000)
    let error = failure(try folder.write(zip([("\(deeper)a.png", try png())]), "deeper.zip"))
    #expect(
      error?.description.hasSuffix(
        "a name in it has 30005 bytes, and at most 4096 are read; give its files shorter paths") == true)
  }

  @Test func namesThatComeAgainAreReadOnce() throws {
    let folder = try TestFolder()
    let data = try DatasetSource(
      folder.write(zip([("a.png", try png(1)), ("b.png", try png(2)), ("a.png", try png(3))]), "a.zip")
    ).load()
    #expect(data.examples[.all, 0, 0, 0].elements(as: Int.self) == [3, 2])
    #expect(data.leftOut == "1 picture with the name of a later one")
  }

  @Test func gzipHeadersMayNotAnnounceMoreThanTheFileCanHold() throws {
    let folder = try TestFolder()
    let path = try folder.write(gzip(idx([1 << 10, 1 << 10, 1 << 10], [1, 2, 3])), "a.gz")
    let size = try Data(contentsOf: URL(fileURLWithPath: path)).count
    let error = failure(path)
    #expect(error?.kind == .data)
    #expect(error?.description.contains("which \(size) bytes of gzip data cannot hold") == true)
  }

  @Test func membersThatEndEarlyAreDamaged() throws {
    let folder = try TestFolder()
    var archive = zip([("arr_0.npy", npy("|u1", "(1, 2, 2)", [1, 2, 3, 4]))], deflated: true)
    let entry = try #require(archive.indices.first { archive[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
    // The directory announces one byte more than there is.
    archive[entry + 24] += 1
    #expect(failure(try folder.write(archive, "a.npz"))?.description.contains("check sum") == true)
  }

  @Test func picturesThatAreTooLongForTheirPixelsAreNotRead() throws {
    let folder = try TestFolder()
    let path = try folder.write(png(), "pictures/a.png")
    try FileHandle(forWritingTo: URL(fileURLWithPath: path)).truncate(atOffset: 200 << 20)
    for place in [path, folder.path + "/pictures"] {
      let error = failure(place)
      #expect(error?.description.contains("it has 209715200 bytes, and at most 67108928 are read") == true)
    }
    #expect(throws: ImageError.self) { try Image(contentsOfPNG: path) }
    let list = folder.path + "/pictures/dataset.json"
    try folder.write([], "pictures/dataset.json")
    try FileHandle(forWritingTo: URL(fileURLWithPath: list)).truncate(atOffset: 1 << 30)
    #expect(failure(folder.path + "/pictures")?.description.contains("dataset.json: it has 1073741824") == true)
    let bomb = try folder.write(
      zip([("a.png", try png() + [UInt8](repeating: 0, count: 80 << 20))], deflated: true), "a.zip")
    #expect(failure(bomb)?.description.contains("at most 67108928 are read") == true)
  }

  /// Files of holes, which take no space, are longer than the memory.
  @Test func whatDoesNotFitIntoMemoryIsAnError() throws {
    let folder = try TestFolder()
    func sparse(_ start: [UInt8], _ size: Int, _ name: String) throws -> String {
      let path = try folder.write(start, name)
      try FileHandle(forWritingTo: URL(fileURLWithPath: path)).truncate(atOffset: UInt64(start.count + size))
      return path
    }
    let side = 1 << 20
    let images = try sparse(idx([1, side, side], []), side * side, "images")
    for loading in Dataset.Loading.allCases {
      let error = failure(images, loading)
      #expect(error?.kind == .internal && error?.description.contains("memory") == true)
    }
    let array = try sparse(npy("|i1", "(1, \(side), \(side))", [], fortran: true), side * side, "a.npy")
    #expect(failure(array)?.description.contains("not enough memory") == true)
    #expect(#expect(throws: DataError.self) { try NPYFile.read(array) }?.kind == .internal)
    let one = try folder.write(idx([1, 1, 1], [1]), "one")
    let labels = try sparse(idx([side << 8], []), side << 8, "labels")
    #expect(failure(one, labels: labels)?.description.contains("expected 1 labels") == true)
  }
}
