import Foundation
import TestSupport
import Testing

@testable import Torch

/// The hand-written kernels beside libtorch's own operators, which replace them where they are off.
@Suite struct KernelSwitchTests {
  /// A layer that has a kernel, and libtorch's name of its own operator.
  struct Layer: Sendable, CustomTestStringConvertible {
    let kernel: String
    let engineName: String
    let shapes: [[Int]]
    let function: @Sendable ([Tensor]) -> Tensor

    var testDescription: String { kernel }

    /// The result of random inputs.
    func result(_ dtype: DType) -> (inputs: [Tensor], output: Tensor) {
      let inputs = shapes.enumerated().map { index, shape in
        var generator = RandomGenerator(seed: 5, index: UInt64(index))
        return generator.normal(shape, dtype: dtype).variable()
      }
      return (inputs, function(inputs))
    }
  }

  static let layers = [
    Layer(kernel: "silu", engineName: "SiluBackward0", shapes: [[3, 4, 7, 90]]) { $0[0].silu() },
    Layer(kernel: "linear", engineName: "AddmmBackward0", shapes: [[7, 5], [3, 5], [3]]) {
      $0[0].linear(weight: $0[1], bias: $0[2])
    },
    Layer(kernel: "group-norm", engineName: "NativeGroupNormBackward0", shapes: [[3, 4, 7, 5], [4], [4]]) {
      $0[0].groupNorm(groups: 2, weight: $0[1], bias: $0[2])
    },
    Layer(kernel: "convolution", engineName: "ConvolutionBackward0", shapes: [[2, 4, 7, 5], [6, 4, 3, 3], [6]]) {
      $0[0].conv2d(weight: $0[1], bias: $0[2], padding: 1)
    },
  ]

  @Test(arguments: Engine.kernelNames) func aNameTurnsOffOneKernel(_ name: String) {
    var generator = RandomGenerator(seed: 1)
    let (matrix, vector) = (generator.normal([300, 5000]), generator.normal([5000]))
    let engineProduct = matrix.matmul(vector)
    Engine.withoutKernels([name]) {
      #expect(Engine.kernelsOff == [name])
      for layer in Self.layers {
        let isEngines = layer.result(.float32).output.recordName == layer.engineName
        #expect(isEngines == (layer.kernel == name), "\(layer.kernel) without \(name)")
      }
      // In place, which libtorch's operators are not.
      var x = Tensor.ones([100])
      let address = x.memoryAddress
      _ = x.combine(1, vector[0..<100], 1)
      #expect((x.memoryAddress != address) == (name == "vector-updates"))
      let product = matrix.vectorProduct(vector)
      #expect(product.floats.elementsEqual(engineProduct.floats) == (name == "matrix-vector"))
    }
    #expect(Engine.kernelsOff.isEmpty)
  }

  /// The mean of output³ and its derivatives up to the fourth order, each taken of the one before along a random direction.
  @Test(arguments: layers, [DType.float32, .float64])
  func derivativesAreThoseOfTheEngine(_ layer: Layer, _ dtype: DType) throws {
    func derivatives() throws -> [Tensor] {
      let (inputs, output) = layer.result(dtype)
      var results = [output.detached()]
      var value = output.pow(3).mean()
      for order in 1...4 {
        let gradients = try gradients(of: value, withRespectTo: inputs, createGraph: order < 4)
        results += gradients.map { $0.detached() }
        value = gradients.enumerated().reduce(Tensor.zeros([], dtype: dtype)) { sum, entry in
          var generator = RandomGenerator(seed: 6, index: UInt64(10 * order + entry.offset))
          return sum + (entry.element * generator.normal(entry.element.shape, dtype: dtype)).sum()
        }
      }
      return results
    }
    let own = try derivatives()
    let engines = try Engine.withoutKernels(Engine.kernelNames, derivatives)
    #expect(own.count == 1 + 4 * layer.shapes.count && engines.count == own.count)
    for (index, (own, engine)) in zip(own, engines).enumerated() {
      let scale = engine.abs().max().item()
      #expect(scale > 1e-4)
      expectClose(own, engine, rtol: 0, atol: (dtype == .float32 ? 1e-4 : 1e-12) * scale, "result \(index)")
    }
  }

  @Test(arguments: [DType.float32, .float64]) func vectorsAreThoseOfTheEngine(_ dtype: DType) {
    func results() -> (tensors: [Tensor], norms: [Double]) {
      var generator = RandomGenerator(seed: 2)
      var v = (0..<5).map { _ in generator.normal([50_003], dtype: dtype) }
      let combined = v[0].combine(0.5, v[1], -2)
      let (replaced, chosen) = v[1].replacing(where: v[2] .> 0.3, with: v[3], scaledBy: -0.25)
      var (g, x, h) = (v[1], v[2], v[3])
      let advanced = Tensor.advance(&g, &x, &h, v: v[4], p: 0.3, q: -1.5, r: 0.7, s: 0.9)
      let matrix = generator.normal([300, 700], dtype: dtype)
      let products = [matrix.vectorProduct(v[0][0..<700]), matrix.vectorProduct(v[0][0..<300], transposed: true)]
      return ([v[0], replaced, g, x, h] + products, [v[4].norm(), combined, chosen, advanced])
    }
    let (own, engines) = (results(), Engine.withoutKernels(Engine.kernelNames, results))
    let tolerance = 100 * dtype.ulpOfOne
    for (own, engine) in zip(own.tensors, engines.tensors) {
      expectClose(own, engine, rtol: tolerance, atol: tolerance * engine.abs().max().item())
    }
    for (own, engine) in zip(own.norms, engines.norms) { expectClose(own, engine, rtol: tolerance, atol: 0) }
  }

  @Test func theEnvironmentTurnsKernelsOff() async {
    let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
      setenv("SCOREKIT_KERNELS_OFF", "silo,group-norm,,matrix-vector", 1)
      let off = Engine.kernelsOff
      // Read once.
      setenv("SCOREKIT_KERNELS_OFF", "all", 1)
      guard off == ["group-norm", "matrix-vector"], Engine.kernelsOff == off else { exit(1) }
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("SCOREKIT_KERNELS_OFF names a kernel “silo” that does not exist; there are silu, linear, "))
    #expect(!text.contains("“group-norm”") && !text.contains("“”"))
    await #expect(processExitsWith: .success) {
      setenv("SCOREKIT_KERNELS_OFF", "all", 1)
      guard Engine.kernelsOff == Engine.kernelNames else { exit(1) }
    }
  }

  /// The caching allocator puts large blocks at the start of huge pages; the C library does not put three of them there.
  private static func areAllBlocksInHugePages() -> Bool {
    Engine.keepFreedMemory()
    let blocks = (0..<3).map { Tensor.full([2 << 20], Double($0)) }
    return blocks.allSatisfy { $0.memoryAddress % (2 << 20) == 64 }
  }

  #if os(Linux)
    @Test func theAllocatorCanBeTurnedOff() async {
      await #expect(processExitsWith: .success) {
        if !KernelSwitchTests.areAllBlocksInHugePages() { exit(1) }
      }
      await #expect(processExitsWith: .success) {
        setenv("SCOREKIT_KERNELS_OFF", "caching-allocator", 1)
        if KernelSwitchTests.areAllBlocksInHugePages() { exit(1) }
      }
    }
  #endif
}
