import Files
import Foundation
import Testing

@testable import EventFiles

@Suite struct EventFileReadingTests {
  @Test func whatEarlierFilesHoldIsFoundUnlessItWasMadeVoid() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let first = try EventFile(in: folder, firstStep: 1, time: 100)
    #expect(try !first.holdsEarlier(tag: "loss", step: 5))
    try first.append(
      [("loss", .scalar(1)), ("picture", .image(png: Data([1]), width: 1, height: 1, channels: 1))], step: 5)
    // A file does not look into itself.
    #expect(try !first.holdsEarlier(tag: "loss", step: 5))
    let second = try EventFile(in: folder, firstStep: 6, time: 101)
    #expect(try second.holdsEarlier(tag: "loss", step: 5))
    #expect(try second.holdsEarlier(tag: "picture", step: 5))
    #expect(try !second.holdsEarlier(tag: "loss", step: 4))
    #expect(try !second.holdsEarlier(tag: "other", step: 5))
    // A run that goes on from step 3 repeats step 5.
    let third = try EventFile(in: folder, firstStep: 4, time: 102)
    let fourth = try EventFile(in: folder, firstStep: 4, time: 103)
    #expect(try !fourth.holdsEarlier(tag: "loss", step: 5))
    try third.append([("loss", .scalar(1))], step: 5)
    // The fourth started after that file was begun, and void is what came before the start.
    #expect(try EventFile(in: folder, firstStep: 6, time: 104).holdsEarlier(tag: "loss", step: 5) == false)
    try fourth.append([("loss", .scalar(1))], step: 5)
    #expect(try EventFile(in: folder, firstStep: 6, time: 105).holdsEarlier(tag: "loss", step: 5))
  }

  @Test func tornFilesAreReadUpToTheTear() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let first = try EventFile(in: folder, firstStep: 1, time: 100)
    try first.append([("loss", .scalar(1))], step: 5)
    let whole = try AtomicFile.read(first.path)
    try first.append([("loss", .scalar(1))], step: 6)
    let both = try AtomicFile.read(first.path)
    let second = try EventFile(in: folder, firstStep: 7, time: 101)
    #expect(try second.holdsEarlier(tag: "loss", step: 6))
    for length in whole.count..<both.count {
      try AtomicFile.write(both.prefix(length), to: first.path)
      #expect(try second.holdsEarlier(tag: "loss", step: 5))
      #expect(try !second.holdsEarlier(tag: "loss", step: 6))
    }
  }
}
