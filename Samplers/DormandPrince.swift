internal import Files
import Foundation
package import Torch

/// The pair of Runge–Kutta methods of orders 5 and 4 with seven stages; the last stage is the first stage of the next
/// step.
///
/// Dormand & Prince (1980), *A family of embedded Runge–Kutta formulae*. Each example of a batch has its own step
/// sizes, so that its result does not depend on the others. Examples that have reached the end leave the batch.
package struct DormandPrince {
  /// The allowed error of a step, relative to the state.
  package let relativeTolerance: Double
  /// The allowed error of a step where the state is 0.
  package let absoluteTolerance: Double
  /// The number of attempted steps after which an example is given up.
  package let stepLimit: Int

  /// The derivatives with respect to u of the state `[n, …]` and of an integral along the path, for the examples at
  /// `positions`.
  package typealias Field = (_ y: Tensor, _ u: [Double], _ positions: [Int]) throws -> (
    rate: Tensor, integrand: [Double]
  )

  /// The result for a batch.
  package struct Solution {
    /// The final states, in the order of the batch.
    package let states: Tensor
    /// ∫ integrand du of each example.
    package let integrals: [Double]
    /// The number of evaluations of each example.
    package let evaluations: [Int]
    /// The size that each example's next step would have.
    package let stepSizes: [Double]
  }

  package init(relativeTolerance: Double, absoluteTolerance: Double, stepLimit: Int) {
    self.relativeTolerance = relativeTolerance
    self.absoluteTolerance = absoluteTolerance
    self.stepLimit = stepLimit
  }

  /// The Butcher tableau: the nodes c of the stages within a step, and the coefficients a of the earlier rates in each
  /// stage.
  static let nodes: [Double] = [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1]
  static let stages: [[Double]] = [
    [],
    fractions([(1, 5)]),
    fractions([(3, 40), (9, 40)]),
    fractions([(44, 45), (-56, 15), (32, 9)]),
    fractions([(19372, 6561), (-25360, 2187), (64448, 6561), (-212, 729)]),
    fractions([(9017, 3168), (-355, 33), (46732, 5247), (49, 176), (-5103, 18656)]),
    fractions([(35, 384), (0, 1), (500, 1113), (125, 192), (-2187, 6784), (11, 84)]),
  ]
  /// The weights of order 5.
  static let weights = stages[6] + [0]
  /// The weights of order 5 minus the weights of order 4.
  static let errorWeights = fractions([
    (71, 57600), (0, 1), (-71, 16695), (71, 1920), (-17253, 339200), (22, 525), (-1, 40),
  ])

  private static func fractions(_ pairs: [(Int, Int)]) -> [Double] { pairs.map { Double($0.0) / Double($0.1) } }

  /// Integrates from u = a to u = b.
  ///
  /// - Parameters:
  ///   - firstSteps: the size of each example's first step; a fiftieth of the way by default.
  ///   - integralScale: the factor of the absolute tolerance for the integral.
  ///   - noiseLevel: the noise level at u, for errors.
  ///   - observe: called after each attempt with the completed share of the paths of all examples together.
  /// - Throws: `SamplerError` for a state that is not finite or too many steps; errors of the closures.
  package func integrate(
    _ start: Tensor, from a: Double, to b: Double, firstSteps: [Double]? = nil, integralScale: Double,
    noiseLevel: (Double) -> Double = exp, observe: ((Double) throws -> Void)?, _ field: Field
  ) throws -> Solution {
    let count = start.size(0)
    var (integrals, evaluations) = (Array(repeating: 0.0, count: count), Array(repeating: 1, count: count))
    var finals = [Tensor?](repeating: nil, count: count)
    // The examples in progress: positions in the batch, values of u, next step sizes, states and derivatives.
    var positions = Array(0..<count)
    var u = Array(repeating: a, count: count)
    var h = firstSteps ?? Array(repeating: 0.02 * (b - a), count: count)
    var stepSizes = h
    var y = start
    var (k, r) = try field(y, u, positions)
    var attempt = 0
    while !positions.isEmpty {
      attempt += 1
      try require(
        attempt <= stepLimit,
        "the probability-flow ODE of example \(positions[0]) needs more than \(stepLimit) steps: allow larger errors, or "
          + "check that the model was trained for this process")
      let isLast = u.indices.map { u[$0] + 1.0001 * h[$0] >= b }
      // The last step is shortened to end at b; the returned step size is the size before that.
      for i in u.indices where isLast[i] { (stepSizes[positions[i]], h[i]) = (h[i], b - u[i]) }
      let step = Tensor(h).to(y.device).broadcastable(toRank: y.rank)
      var (rates, integrands, next) = ([k], [r], y)
      for stage in 1..<7 {
        next = y + step * combination(Self.stages[stage], of: rates)
        let times = u.indices.map { isLast[$0] && stage >= 5 ? b : u[$0] + Self.nodes[stage] * h[$0] }
        let (rate, integrand) = try field(next, times, positions)
        rates.append(rate)
        integrands.append(integrand)
      }
      let stateErrors = normalizedErrors(step * combination(Self.errorWeights, of: rates), from: y, to: next)
      var isAccepted = Array(repeating: false, count: u.count)
      for (i, example) in positions.enumerated() {
        evaluations[example] += 6
        let change = h[i] * combination(Self.weights, of: integrands, at: i)
        let error = h[i] * combination(Self.errorWeights, of: integrands, at: i)
        let size = max(integrals[example].magnitude, (integrals[example] + change).magnitude)
        let allowed = absoluteTolerance * integralScale + relativeTolerance * size
        let ratio = max(stateErrors[i], error.magnitude / allowed)
        try require(
          stateErrors[i].isFinite && error.isFinite && change.isFinite,
          "the probability-flow ODE of example \(example) left the finite numbers at noise level \(noiseLevel(u[i])): check that "
            + "the model was trained for this process")
        isAccepted[i] = ratio <= 1
        if isAccepted[i] {
          integrals[example] += change
          u[i] = isLast[i] ? b : u[i] + h[i]
          r[i] = integrands[6][i]
        }
        h[i] *= min(isAccepted[i] ? 5 : 1, max(0.2, 0.9 * pow(max(ratio, 1e-10), -0.2)))
      }
      let mask = Tensor(isAccepted.map { $0 ? 1.0 : 0 }).to(y.device).broadcastable(toRank: y.rank) .> 0.5
      y = y.replacing(where: mask, with: next)
      k = k.replacing(where: mask, with: rates[6])
      let arrived = u.indices.filter { u[$0] >= b }
      if !arrived.isEmpty {
        for i in arrived {
          finals[positions[i]] = y[i]
          stepSizes[positions[i]] = max(stepSizes[positions[i]], h[i])
        }
        let rest = u.indices.filter { u[$0] < b }
        (positions, u, h, r) = (rest.map { positions[$0] }, rest.map { u[$0] }, rest.map { h[$0] }, rest.map { r[$0] })
        if !rest.isEmpty { (y, k) = (y.gathering(rest), k.gathering(rest)) }
      }
      let way = u.reduce(Double(count - u.count)) { $0 + ($1 - a) / (b - a) }
      try observe?(way / Double(count))
    }
    return Solution(
      states: .stack(finals.compactMap(\.self)), integrals: integrals, evaluations: evaluations, stepSizes: stepSizes)
  }

  private func combination(_ weights: [Double], of rates: [Tensor]) -> Tensor {
    let terms = zip(weights, rates).filter { $0.0 != 0 }.map { $0.0 * $0.1 }
    return terms.dropFirst().reduce(terms[0], +)
  }

  private func combination(_ weights: [Double], of integrands: [[Double]], at i: Int) -> Double {
    var sum = 0.0
    for (weight, values) in zip(weights, integrands) { sum += weight * values[i] }
    return sum
  }

  /// The root mean square of each example's errors, in units of the allowed error.
  private func normalizedErrors(_ error: Tensor, from y: Tensor, to next: Tensor) -> [Double] {
    let size = y.abs().replacing(where: next.abs() .> y.abs(), with: next.abs())
    let squares = (error / (size * relativeTolerance + absoluteTolerance)).square()
    let sums: [Double] = squares.sumPerExampleInPairs().elements()
    let elements = max(Double(error.elementCount) / Double(error.size(0)), 1)
    return sums.map { ($0 / elements).squareRoot() }
  }
}
