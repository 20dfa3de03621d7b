internal import ScoreModels
internal import Torch

/// How the divergence of a vector field, the trace of its Jacobian, is computed.
public enum Divergence: Hashable, Sendable {
  /// Exact up to 16 dimensions, one probe above.
  case automatic
  /// The diagonal of the Jacobian, one backward pass for each dimension.
  case exact
  /// The mean of vᵀJv over a number K of random sign vectors v, one backward pass for each. It is unbiased; its
  /// variance is 2/K times the sum of the squared off-diagonal elements of the symmetric part of J.
  ///
  /// Hutchinson (1990), *A stochastic estimator of the trace of the influence matrix*.
  case probes(Int)

  /// The number of probes in d dimensions; `nil` for the exact divergence.
  public func probeCount(dimensions: Int) -> Int? {
    switch self {
    case .automatic: dimensions <= 16 ? nil : 1
    case .exact: nil
    case .probes(let count): count
    }
  }
}

/// The vectors v for a batch of examples, whose products vᵀJv give the divergence.
struct DivergenceProbes {
  /// Signs `[batch, …]`; `nil` for the exact divergence.
  private let signs: [Tensor]?

  /// Draws the probes of each example from its own seed.
  init(_ divergence: Divergence, shape: [Int], seeds: [UInt64], dtype: DType, device: Device) {
    guard let count = divergence.probeCount(dimensions: shape.reduce(1, *)) else {
      signs = nil
      return
    }
    var generators = SampleGenerators(seeds: seeds, purpose: .probes)
    signs = (0..<count).map { _ in generators.signs(shape, dtype: dtype).to(device) }
  }

  private init(_ signs: [Tensor]?) { self.signs = signs }

  /// The probes of some of the examples.
  func gathering(_ positions: [Int]) -> DivergenceProbes {
    DivergenceProbes(signs?.map { $0.gathering(positions) })
  }

  /// The divergence of a recorded function at each example, `[batch]` in `float64`.
  ///
  /// - Parameters:
  ///   - value: the function's value, `[batch, …]`; row i depends on row i of the variable alone.
  ///   - variable: the tensor from which the value was computed.
  /// - Throws: errors of the differentiation.
  func divergence(of value: Tensor, withRespectTo variable: Tensor) throws -> Tensor {
    // A constant function is not recorded.
    guard value.requiresGradient else { return .zeros([value.size(0)], dtype: .float64) }
    if let signs {
      var sum = Tensor.zeros([value.size(0)], dtype: .float64)
      for (index, probe) in signs.enumerated() {
        let product = try gradients(
          of: value, withRespectTo: [variable], seed: probe, retainGraph: index < signs.count - 1)[0]
        sum += (product * probe).to(.cpu).to(.float64).sumPerExampleInPairs()
      }
      return sum / Double(signs.count)
    }
    let flat = value.flattened(from: 1)
    let d = flat.size(1)
    var sum = Tensor.zeros([value.size(0)], dtype: .float64)
    let units = Tensor.identity(d, dtype: value.dtype).to(value.device)
    for i in 0..<d {
      let unit = units[i].expanded(to: flat.shape).reshaped(value.shape)
      let row = try gradients(of: value, withRespectTo: [variable], seed: unit, retainGraph: i < d - 1)[0]
      sum += row.flattened(from: 1).selecting(i, along: 1).to(.cpu).to(.float64)
    }
    return sum
  }
}
