import TestSupport
import Testing
import Torch

/// Layers against plain loops, in `float64` to 13 digits and in `float32` to its own precision.
struct TensorNeuralTests {
  private var random = RandomGenerator(seed: 3)

  private func normal(_ shape: [Int], index: UInt64 = 0) -> Tensor {
    var random = RandomGenerator(seed: 3, index: index)
    return random.normal(shape, dtype: .float64)
  }

  private func expectMatch(
    _ layer: ([Tensor]) -> Tensor, _ inputs: [Tensor], _ expected: Tensor,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectClose(layer(inputs), expected, rtol: 1e-12, atol: 1e-13, sourceLocation: sourceLocation)
    expectClose(
      layer(inputs.map { $0.to(.float32) }), expected, rtol: 1e-4, atol: 1e-5, sourceLocation: sourceLocation)
  }

  @Test func linearMapsTheLastDimension() {
    let x = Tensor([1.0, 2, 3, 4], shape: [2, 1, 2])
    let w = Tensor([1.0, 0, 0, 1, 1, 1], shape: [3, 2])
    let b = Tensor([0.0, 10, 100])
    #expect(x.linear(weight: w, bias: b).elements(as: Double.self) == [1, 12, 103, 3, 14, 107])
    #expect(x.linear(weight: w, bias: nil).elements(as: Double.self) == [1, 2, 3, 3, 4, 7])
    #expect(x.linear(weight: w, bias: b).shape == [2, 1, 3])
    #expect(Tensor.zeros([0, 2], dtype: .float64).linear(weight: w, bias: b).shape == [0, 3])
  }

  @Test(arguments: [
    (1, 0, 1, 1), (1, 1, 1, 1), (2, 1, 1, 1), (1, 2, 2, 1), (2, 3, 2, 2), (1, 1, 1, 4),
  ])
  func convolutionMatchesItsDefinition(_ stride: Int, _ padding: Int, _ dilation: Int, _ groups: Int) {
    let x = normal([2, 4, 7, 6])
    let w = normal([8, 4 / groups, 3, 3], index: 1)
    let b = normal([8], index: 2)
    expectMatch(
      {
        $0[0].conv2d(
          weight: $0[1], bias: $0[2], stride: stride, padding: padding, dilation: dilation, groups: groups)
      }, [x, w, b],
      NaiveLayers.conv2d(x, w, b, stride: stride, padding: padding, dilation: dilation, groups: groups))
  }

  @Test func convolutionByHand() {
    let x = Tensor([1.0, 2, 3, 4, 5, 6, 7, 8, 9], shape: [1, 1, 3, 3])
    let w = Tensor([1.0, 0, 0, -1], shape: [1, 1, 2, 2])
    #expect(x.conv2d(weight: w, bias: nil).elements(as: Double.self) == [-4, -4, -4, -4])
    let channelsLast = normal([1, 4, 5, 5]).channelsLast()
    let weight = normal([2, 4, 3, 3], index: 1)
    expectClose(
      channelsLast.conv2d(weight: weight, bias: nil), channelsLast.contiguous().conv2d(weight: weight, bias: nil))
  }

  @Test(arguments: [(1, 0, 0), (2, 1, 1), (2, 0, 1), (3, 1, 2), (1, 1, 0), (3, 0, 2)])
  func transposedConvolutionMatchesItsDefinition(_ stride: Int, _ padding: Int, _ outputPadding: Int) {
    let x = normal([2, 3, 4, 5])
    let w = normal([3, 2, 3, 3], index: 1)
    let b = normal([2], index: 2)
    expectMatch(
      {
        $0[0].convTransposed2d(
          weight: $0[1], bias: $0[2], stride: stride, padding: padding, outputPadding: outputPadding)
      }, [x, w, b],
      NaiveLayers.convTransposed2d(x, w, b, stride: stride, padding: padding, outputPadding: outputPadding))
  }

  @Test func transposedConvolutionIsTheAdjointOfConvolution() {
    let w = normal([4, 3, 3, 3])
    expectAdjoint(
      { $0.conv2d(weight: w, bias: nil, stride: 2, padding: 1) },
      { $0.convTransposed2d(weight: w, bias: nil, stride: 2, padding: 1, outputPadding: 1) },
      from: [2, 3, 8, 8], to: [2, 4, 4, 4])
  }

  @Test(arguments: [1, 2, 3, 6]) func groupNormalizationMatchesItsDefinition(_ groups: Int) {
    let x = normal([2, 6, 3, 4]) * 3 + 1
    let (w, b) = (normal([6], index: 1), normal([6], index: 2))
    expectMatch(
      { $0[0].groupNorm(groups: groups, weight: $0[1], bias: $0[2], epsilon: 1e-3) }, [x, w, b],
      NaiveLayers.groupNorm(x, groups: groups, w, b, epsilon: 1e-3))
    let plain = x.groupNorm(groups: groups, weight: nil, bias: nil).reshaped(2 * groups, -1)
    expectClose(plain.mean(1), Tensor.zeros([2 * groups], dtype: .float64), atol: 1e-14)
    expectClose(plain.variance(1, correction: 0), Tensor.ones([2 * groups], dtype: .float64), rtol: 1e-4)
  }

  @Test func layerNormalizationMatchesItsDefinition() {
    let x = normal([3, 4, 5])
    let (w, b) = (normal([4, 5], index: 1), normal([4, 5], index: 2))
    let rows = Tensor(NaiveLayers.normalized(x.elements(), rowLength: 5, epsilon: 1e-5), shape: [3, 4, 5])
    expectMatch({ $0[0].layerNorm(weight: nil, bias: nil) }, [x], rows)
    expectMatch({ $0[0].layerNorm(weight: $0[1], bias: nil) }, [x, w[0]], rows * w[0])
    expectMatch({ $0[0].layerNorm(weight: nil, bias: $0[1]) }, [x, b[0]], rows + b[0])
    expectMatch({ $0[0].transposed().layerNorm(weight: nil, bias: nil) }, [x.transposed()], rows)
    #expect(Tensor.zeros([0, 3]).layerNorm(weight: Tensor.ones([3]), bias: nil).shape == [0, 3])
    let pages = Tensor(NaiveLayers.normalized(x.elements(), rowLength: 20, epsilon: 1e-5), shape: [3, 4, 5])
    expectMatch({ $0[0].layerNorm(rank: 2, weight: $0[1], bias: $0[2]) }, [x, w, b], pages * w + b)
  }

  @Test func constantInputsNormalizeToZero() {
    let x = Tensor.full([1, 2, 2, 2], 5, dtype: .float64)
    expectClose(x.groupNorm(groups: 2, weight: nil, bias: nil), x * 0)
    expectClose(x.layerNorm(weight: nil, bias: nil), x * 0)
  }

  @Test(arguments: [(2, 2, 0), (3, 1, 1), (3, 2, 0), (2, 3, 1)])
  func averagePoolingMatchesItsDefinition(_ kernel: Int, _ stride: Int, _ padding: Int) {
    let x = normal([2, 3, 7, 8])
    expectMatch(
      { $0[0].averagePool2d(kernel: kernel, stride: stride, padding: padding) }, [x],
      NaiveLayers.averagePool2d(x, kernel: kernel, stride: stride, padding: padding))
    if stride == kernel, padding == 0 {
      expectIdentical(x.averagePool2d(kernel: kernel), x.averagePool2d(kernel: kernel, stride: stride))
    }
  }

  @Test(arguments: [(4, 6), (8, 12), (3, 5), (2, 1), (7, 9)])
  func interpolationMatchesItsDefinition(_ height: Int, _ width: Int) {
    let x = normal([2, 3, 4, 6])
    expectMatch(
      { $0[0].interpolated(height: height, width: width) }, [x], NaiveLayers.nearest(x, height: height, width: width))
    expectMatch(
      { $0[0].interpolated(height: height, width: width, .bilinear) }, [x],
      NaiveLayers.bilinear(x, height: height, width: width))
  }

  @Test func interpolationByHand() {
    let x = Tensor([0.0, 4], shape: [1, 1, 1, 2])
    #expect(x.interpolated(height: 1, width: 4).elements(as: Double.self) == [0, 0, 4, 4])
    #expect(x.interpolated(height: 1, width: 4, .bilinear).elements(as: Double.self) == [0, 1, 3, 4])
  }

  @Test func bicubicInterpolationFollowsKeys() {
    // Twice as large: pixel centres lie a quarter and three quarters of the way between the given ones.
    func weight(_ d: Double) -> Double {
      let a = -0.75
      return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    }
    let values = [0.0, 3, -1, 2, 5]
    let x = Tensor(values, shape: [1, 1, 1, 5])
    let expected = (0..<10).map { (index: Int) -> Double in
      let position = (Double(index) + 0.5) / 2 - 0.5
      let start = Int(position.rounded(.down))
      return (start - 1...start + 2).reduce(0) { sum, i in
        sum + values[min(max(i, 0), 4)] * weight(abs(position - Double(i)))
      }
    }
    expectClose(x.interpolated(height: 1, width: 10, .bicubic), Tensor(expected, shape: [1, 1, 1, 10]), rtol: 1e-12)
  }

  /// Layers whose second derivatives take one pass where they are not recorded and several operators where they are, at
  /// sizes with whole vectors and a rest.
  @Test(arguments: ["silu", "groupNorm", "conv2d", "linear"], [DType.float32, .float64])
  func secondDerivativesDoNotDependOnTheirRecord(_ layer: String, dtype: DType) throws {
    let shapes =
      switch layer {
      case "silu": [[3, 4, 7, 900]]
      case "conv2d": [[3, 4, 7, 5], [6, 4, 3, 3], [6]]
      case "linear": [[7, 5], [3, 5], [3]]
      default: [[3, 4, 7, 5], [4], [4]]
      }
    let inputs = shapes.enumerated().map { normal($1, index: UInt64($0)).to(dtype).variable() }
    let output =
      switch layer {
      case "silu": inputs[0].silu()
      case "conv2d": inputs[0].conv2d(weight: inputs[1], bias: inputs[2], padding: 1)
      case "linear": inputs[0].linear(weight: inputs[1], bias: inputs[2])
      default: inputs[0].groupNorm(groups: 2, weight: inputs[1], bias: inputs[2])
      }
    let cotangent = normal(output.shape, index: 4).to(dtype).variable()
    let first = output.gradient(withRespectTo: inputs[0], seed: cotangent, createGraph: true)
    let unrecorded = output.gradient(withRespectTo: inputs[0], seed: cotangent, retainGraph: true)
    expectClose(first, unrecorded, rtol: dtype == .float32 ? 1e-4 : 1e-12, atol: dtype == .float32 ? 1e-5 : 1e-12)
    let probe = normal(first.shape, index: 5).to(dtype)
    let variables = [cotangent] + inputs.prefix(2)
    let direct = try gradients(of: first, withRespectTo: variables, seed: probe, retainGraph: true)
    let recorded = try gradients(of: first, withRespectTo: variables, seed: probe, createGraph: true)
    for (index, (one, other)) in zip(direct, recorded).enumerated() {
      let scale = other.abs().max().item()
      // These are linear in their input, and their second derivative there is 0.
      #expect(scale > 0.01 || ["conv2d", "linear"].contains(layer) && index == 1)
      let tolerance = dtype == .float32 ? 1e-4 : 1e-12
      expectClose(one, other, rtol: tolerance, atol: tolerance * scale, "\(layer), \(index)")
    }
  }

  /// Derivatives of ȳ·y' and of q·ȳ·y'' against those of x·σ(x) written out: for all inputs at once, for single ones, and recorded.
  @Test(arguments: [DType.float32, .float64], [1, 4, 1003])
  func derivativesOfSiLUAreThoseOfItsFormula(_ dtype: DType, count: Int) throws {
    func derivatives(_ silu: (Tensor) -> Tensor) throws -> [Tensor] {
      let variables = (0..<4).map { normal([count], index: UInt64($0)).to(dtype).variable() }
      let (x, g, q, r) = (variables[0], variables[1], variables[2], variables[3])
      let first = silu(x).gradient(withRespectTo: x, seed: g, createGraph: true)
      let second = first.gradient(withRespectTo: x, seed: q, createGraph: true)
      let third = second.gradient(withRespectTo: x, seed: r, createGraph: true)
      let weight = normal([count], index: 5).to(dtype)
      var results = [first, second, third, third.gradient(withRespectTo: x, seed: weight, retainGraph: true)]
      for (output, inputs) in [(first, [x, g]), (second, [x, g, q]), (third, [x, g, q, r])] {
        results += try gradients(of: output, withRespectTo: inputs, seed: weight, retainGraph: true)
        results += try gradients(of: output, withRespectTo: inputs, seed: weight, createGraph: true)
        for input in inputs.dropFirst() {
          results += try gradients(of: output, withRespectTo: [input], seed: weight, retainGraph: true)
        }
      }
      return results
    }
    let tolerance = dtype == .float32 ? 1e-4 : 1e-12
    let (own, formulas) = (try derivatives { $0.silu() }, try derivatives { $0 * $0.sigmoid() })
    #expect(own.count == formulas.count && formulas.count > 20)
    for (own, formula) in zip(own, formulas) {
      let scale = formula.abs().max().item()
      #expect(scale > 1e-4)
      expectClose(own, formula, rtol: tolerance, atol: tolerance * scale)
    }
  }
}
