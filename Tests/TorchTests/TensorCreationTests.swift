import Foundation
import TestSupport
import Testing
import Torch

struct TensorCreationTests {
  @Test func elementsComeBackInRowMajorOrder() {
    let x = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    #expect(x.shape == [2, 3])
    #expect(x.rank == 2)
    #expect(x.elementCount == 6)
    #expect(x.dtype == .float32)
    #expect(x.device == .cpu)
    #expect(x.floats == [1, 2, 3, 4, 5, 6])
    #expect(x.transposed().floats == [1, 4, 2, 5, 3, 6])
    #expect(x[.all, 1].floats == [2, 5])
    #expect(x.size(0) == 2)
    #expect(x.size(-1) == 3)
  }

  @Test func rowsMakeAMatrix() {
    let x = Tensor([[1, 2], [3, 4], [5, 6]])
    #expect(x.shape == [3, 2])
    #expect(x.floats == [1, 2, 3, 4, 5, 6])
    #expect(Tensor([[Float]]()).shape == [0, 0])
  }

  @Test func everySwiftTypeSurvivesTheRoundTrip() {
    #expect(Tensor([0.1, -2, .infinity]).elements(as: Double.self) == [0.1, -2, .infinity])
    #expect(Tensor([0.1, -2] as [Float]).elements(as: Float.self) == [0.1, -2])
    #expect(Tensor([0, 255] as [UInt8]).elements(as: UInt8.self) == [0, 255])
    #expect(Tensor([Int32.min, .max]).elements(as: Int32.self) == [.min, .max])
    #expect(Tensor([Int64.min, .max]).elements(as: Int64.self) == [.min, .max])
    #expect(Tensor([Int.min, .max]).elements(as: Int.self) == [.min, .max])
    #expect(Tensor([true, false]).elements(as: Bool.self) == [true, false])
  }

  @Test(arguments: DType.allCases) func elementTypesKeepSmallIntegers(_ dtype: DType) {
    let x = Tensor([0.0, 1], shape: [2]).to(dtype)
    #expect(x.dtype == dtype)
    #expect(x.elements(as: Double.self) == [0, 1])
    #expect(Tensor.full([3], 1, dtype: dtype).elements(as: Int.self) == [1, 1, 1])
    #expect(Tensor.zeros([2, 0], dtype: dtype).shape == [2, 0])
    #expect(Tensor.zeros([2, 0], dtype: dtype).elements(as: Int.self).isEmpty)
    #expect(Tensor.ones(like: x).dtype == dtype)
  }

  @Test func halfPrecisionsRoundToTheirMantissa() {
    #expect((Tensor(1.0, dtype: .float64) + DType.float16.ulpOfOne).to(.float16).item() == 1 + 0x1p-10)
    #expect((Tensor(1.0, dtype: .float64) + DType.float16.ulpOfOne / 4).to(.float16).item() == 1)
    #expect((Tensor(1.0, dtype: .float64) + DType.bfloat16.ulpOfOne).to(.bfloat16).item() == 1 + 0x1p-7)
    #expect(Tensor(70000).to(.float16).item() == .infinity)
    #expect(Tensor(70000).to(.bfloat16).item().isFinite)
  }

  @Test func conversionToIntegersTruncates() {
    #expect(Tensor([1.9, -1.9]).to(.int64).elements(as: Int.self) == [1, -1])
    #expect(Tensor([0.0, 0.5, -3]).to(.bool).elements(as: Bool.self) == [false, true, true])
  }

  @Test func aCopySharesNothingWithItsSource() {
    var numbers: [Float] = [1, 2]
    let x = Tensor(numbers)
    numbers[0] = 9
    var y = x
    y += Tensor([1, 1] as [Float])
    #expect(x.floats == [1, 2])
    #expect(y.floats == [2, 3])
  }

  @Test func rangesExcludeTheirEnd() {
    #expect(Tensor.range(0, to: 3).floats == [0, 1, 2])
    #expect(Tensor.range(1, to: 2, by: 0.25, dtype: .float64).elements(as: Double.self) == [1, 1.25, 1.5, 1.75])
    #expect(Tensor.range(3, to: 0, by: -1, dtype: .int64).elements(as: Int.self) == [3, 2, 1])
    #expect(Tensor.range(0, to: 0).shape == [0])
  }

  @Test func linspaceHitsBothEnds() {
    #expect(Tensor.linspace(0, 1, count: 5).floats == [0, 0.25, 0.5, 0.75, 1])
    #expect(Tensor.linspace(2, 7, count: 1).floats == [2])
    let x = Tensor.linspace(0.1, 0.7, count: 7, dtype: .float64).elements(as: Double.self)
    #expect(x.first == 0.1 && x.last == 0.7)
    #expect(Tensor.linspace(1, -1, count: 3).floats == [1, 0, -1])
  }

  @Test func identityAndLikes() {
    #expect(Tensor.identity(2).floats == [1, 0, 0, 1])
    let x = Tensor.full([2, 1], 7, dtype: .float64)
    expectIdentical(Tensor.zeros(like: x), x - 7)
    expectIdentical(Tensor.full(like: x, 8), x + 1)
    #expect(Tensor(2.5).shape.isEmpty)
    #expect(Tensor(2.5).item() == 2.5)
    #expect(Tensor.full([], .nan).item().isNaN)
  }

  @Test func bytesAreReadAtAnyAlignment() {
    let bytes: [UInt8] = [0xFF, 0x01, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00]
    bytes.withUnsafeBytes { buffer in
      let x = Tensor(bytes: UnsafeRawBufferPointer(rebasing: buffer[1...]), dtype: .int32, shape: [2])
      #expect(x.elements(as: Int32.self) == [1, 2])
    }
  }

  @Test func descriptionShowsTypeShapeAndElements() {
    #expect("\(Tensor([1, 2] as [Float]))" == "Tensor(float32[2]: 1.0, 2.0)")
    #expect(
      "\(Tensor.zeros([3, 3], dtype: .int64))" == "Tensor(int64[3, 3]: \(repeatElement("0.0, ", count: 8).joined())…)")
    #expect("\(Tensor(1))" == "Tensor(float32[]: 1.0)")
  }

  @Test func elementTypesKnowTheirSizes() {
    for dtype in DType.allCases {
      #expect(dtype.isFloatingPoint == (dtype.ulpOfOne > 0))
      if dtype.isFloatingPoint {
        let one = Tensor(1, dtype: .float64)
        #expect((one + dtype.ulpOfOne).to(dtype).item() > 1)
        #expect((one + dtype.ulpOfOne * 0.49).to(dtype).item() == 1)
      }
    }
  }

  @Test func makingAndReadingLeaksNothing() {
    expectNoLeaks {
      let x = Tensor([1.0, 2, 3]).to(.float32)
      _ = x.floats
      _ = x.description
      _ = Tensor.linspace(0, 1, count: 3, dtype: .float64).sum().item()
    }
  }
}
