import Datasets
import Foundation
import Imaging
import TestSupport
import Testing
import Torch

@Suite struct PixelsTests {
  @Test func bytesComeBackFromTheirValues() {
    let bytes = (0...255).map { UInt8($0) }
    let values = Pixels.values(of: Tensor(bytes))
    #expect(values.dtype == .float32)
    #expect(values.floats[0] == -1 && values.floats[255] == 1)
    #expect(Pixels.bytes(of: values).elements(as: UInt8.self) == bytes)
    #expect(Pixels.bytes(of: values).dtype == .uint8)
  }

  @Test func halvesRoundUpAndTheRestIsLimited() {
    // (x + 1)·127.5 is 0.5, 1.5, 127.5 and 254.5 exactly in double precision.
    let halves = Tensor([0.5, 1.5, 127.5, 254.5].map { $0 / 127.5 - 1 }).to(.float64)
    let exact = ((halves + 1) * 127.5).elements(as: Double.self)
    for (byte, value) in zip(Pixels.bytes(of: halves).elements(as: UInt8.self), exact) {
      #expect(Double(byte) == (value + 0.5).rounded(.down))
    }
    #expect(Pixels.bytes(of: Tensor([0.0])).elements(as: UInt8.self) == [128])
    let odd: [Float] = [-1.5, 7, .infinity, -.infinity, .nan]
    #expect(Pixels.bytes(of: Tensor(odd)).elements(as: UInt8.self) == [0, 255, 255, 0, 0])
  }

  @Test func dequantisedValuesFillTheGapsBetweenBytes() {
    let bytes = Tensor((0...255).map { UInt8($0) })
    func values(_ u: Double) -> Tensor { Pixels.dequantizedValues(of: bytes, noise: .full([256], u)) }
    expectClose(values(0.5), Pixels.values(of: bytes), rtol: 0, atol: 1e-6)
    expectClose(values(1)[0..<255], values(0)[1..<256], rtol: 0, atol: 1e-6)
    for u in [0.001, 0.999] {
      #expect(Pixels.bytes(of: values(u)).elements(as: UInt8.self) == bytes.elements(as: UInt8.self))
    }
  }

  @Test func bitsOfKnownDensitiesAreKnown() {
    // All bytes equally likely: dequantised values are uniform over a length of 256/127.5.
    let uniform = -log(256 / 127.5)
    expectClose(Pixels.bitsPerDimension(logDensity: 3 * uniform, dimensions: 3), 8, rtol: 1e-12)
    // 16 values equally likely: half of the bits.
    expectClose(Pixels.bitsPerDimension(logDensity: 5 * (uniform + log(16)), dimensions: 5), 4, rtol: 1e-12)
    // One byte for certain.
    expectClose(Pixels.bitsPerDimension(logDensity: log(127.5), dimensions: 1), 0, rtol: 0, atol: 1e-12)
  }

  @Test(arguments: [1, 3])
  func imagesAndTensorsAreInverse(channels: Int) {
    let images = (0..<3).map { index in
      Image(width: 4, height: 2, channels: channels, pixels: (0..<8 * channels).map { UInt8($0 * 9 + index) })
    }
    let bytes = Pixels.tensor(images)
    #expect(bytes.shape == [3, channels, 2, 4] && bytes.dtype == .uint8)
    #expect(Pixels.images(bytes) == images)
    #expect(Pixels.images(Pixels.values(of: bytes)) == images)
    // Channel c of row y and column x is where the layout says.
    #expect(bytes[2, .at(channels - 1), 1, 3].item() == Double(images[2].pixels[7 * channels + channels - 1]))
  }
}
