import CZlib
import Foundation
import Imaging
import Testing

@Suite struct AnimatedPNGTests {
  private let frames = (0..<3).map { index in
    Image(width: 5, height: 4, channels: 3, pixels: (0..<60).map { UInt8(($0 * (index + 2)) % 256) })
  }

  /// The chunks of a file, whose check sums must be right.
  private func chunks(_ data: Data) -> [(kind: String, content: Data)] {
    var (rest, result) = (data.dropFirst(8), [(kind: String, content: Data)]())
    func number(_ bytes: Data) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
    while !rest.isEmpty {
      let length = number(rest.prefix(4))
      let body = Data(rest.dropFirst(4).prefix(4 + length))
      let sum = body.withUnsafeBytes {
        crc32_z(0, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), z_size_t($0.count))
      }
      #expect(number(rest.dropFirst(8 + length).prefix(4)) == Int(sum))
      result.append((String(decoding: body.prefix(4), as: UTF8.self), Data(body.dropFirst(4))))
      rest = rest.dropFirst(12 + length)
    }
    return result
  }

  private func number(_ data: Data, _ offset: Int, _ length: Int = 4) -> Int {
    data.dropFirst(offset).prefix(length).reduce(0) { $0 << 8 | Int($1) }
  }

  @Test func chunksFollowTheSpecification() throws {
    let chunks = chunks(try AnimatedPNG(frames: frames, frameDuration: 40, lastDuration: 500).data())
    #expect(chunks.map(\.kind) == ["IHDR", "acTL", "fcTL", "IDAT", "fcTL", "fdAT", "fcTL", "fdAT", "IEND"])
    #expect(number(chunks[1].content, 0) == 3 && number(chunks[1].content, 4) == 0)
    let controls = chunks.filter { $0.kind == "fcTL" }.map(\.content)
    #expect(controls.map { number($0, 20, 2) } == [40, 40, 500] && controls.allSatisfy { number($0, 22, 2) == 1000 })
    #expect(controls.allSatisfy { number($0, 4) == 5 && number($0, 8) == 4 && $0.count == 26 })
    // Controls and data are counted together.
    #expect(chunks.filter { ["fcTL", "fdAT"].contains($0.kind) }.map { number($0.content, 0) } == [0, 1, 2, 3, 4])
  }

  @Test func everyFrameIsItsPicture() throws {
    let data = try AnimatedPNG(frames: frames).data()
    // A reader without animations sees the first picture.
    #expect(try Image(pngData: data) == frames[0])
    // The others, put back into files of their own.
    let chunks = chunks(data)
    func chunk(_ kind: String, _ content: Data) -> Data {
      let body = Data(kind.utf8) + content
      let sum = body.withUnsafeBytes {
        crc32_z(0, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), z_size_t($0.count))
      }
      func bytes(_ value: UInt32) -> Data { withUnsafeBytes(of: value.bigEndian) { Data($0) } }
      return bytes(UInt32(content.count)) + body + bytes(UInt32(sum))
    }
    let others = chunks.filter { $0.kind == "fdAT" }
    #expect(others.count == 2)
    for (frame, part) in zip(frames.dropFirst(), others) {
      let file =
        data.prefix(8) + chunk("IHDR", chunks[0].content) + chunk("IDAT", Data(part.content.dropFirst(4)))
        + chunk("IEND", Data())
      #expect(try Image(pngData: file) == frame)
    }
  }

  @Test func aSinglePictureIsAnAnimationToo() throws {
    let grey = Image(width: 2, height: 2, channels: 1, pixels: [1, 2, 3, 4])
    #expect(try Image(pngData: AnimatedPNG(frames: [grey]).data()) == grey)
  }
}
