import Foundation
import TestSupport
import Testing
import Torch

@testable import Samplers

@Suite struct DormandPrinceTests {
  /// A rooted tree, which stands for an elementary differential of the field.
  private struct Tree {
    let branches: [Tree]
    var order: Int { 1 + branches.map(\.order).reduce(0, +) }
    /// γ: the exact solution has 1/γ where a method has ∑ b·Φ.
    var density: Int { order * branches.map(\.density).reduce(1, *) }

    /// Φ at each stage: for each branch the product with A·Φ(branch).
    func weights(_ stages: [[Double]]) -> [Double] {
      let factors = branches.map { branch in
        let inner = branch.weights(stages)
        return stages.map { row in zip(row, inner).map { $0 * $1 }.reduce(0, +) }
      }
      return stages.indices.map { i in factors.reduce(1) { $0 * $1[i] } }
    }

    /// All trees of an order.
    static func all(order: Int) -> [Tree] { forests(order: order - 1, largest: order - 1).map(Tree.init) }

    /// Collections of trees of a total order, each once: with trees no larger than `largest`, nor later than `last` in the
    /// list of those of that size.
    private static func forests(order: Int, largest: Int, last: Int = .max) -> [[Tree]] {
      if order == 0 { return [[]] }
      return stride(from: min(order, largest), to: 0, by: -1).flatMap { size in
        let trees = all(order: size)
        let end = size == largest ? min(last, trees.count - 1) : trees.count - 1
        return (0...end).flatMap { index in
          forests(order: order - size, largest: size, last: index).map { [trees[index]] + $0 }
        }
      }
    }
  }

  private static func sum(_ weights: [Double], _ tree: Tree) -> Double {
    zip(weights, tree.weights(DormandPrince.stages)).map { $0 * $1 }.reduce(0, +)
  }

  @Test func stagesAddUpToTheirNodes() {
    #expect(DormandPrince.stages.map(\.count) == [0, 1, 2, 3, 4, 5, 6] && DormandPrince.nodes.count == 7)
    for (row, node) in zip(DormandPrince.stages, DormandPrince.nodes) {
      expectClose(row.reduce(0, +), node, rtol: 0, atol: 1e-14)
    }
    // The last stage is the first of the next step.
    #expect(DormandPrince.nodes[6] == 1 && DormandPrince.weights == DormandPrince.stages[6] + [0])
  }

  /// Butcher's theorem: a method has order p if ∑ b·Φ(tree) = 1/γ(tree) for all rooted trees of up to p nodes.
  ///
  /// Hairer, Nørsett & Wanner (1993), *Solving ordinary differential equations I*, section II.2.
  @Test(arguments: [1, 2, 3, 4, 5]) func theOrderConditionsHold(order: Int) {
    let trees = Tree.all(order: order)
    #expect(trees.count == [1, 1, 2, 4, 9][order - 1])
    let lower = zip(DormandPrince.weights, DormandPrince.errorWeights).map { $0 - $1 }
    for tree in trees {
      #expect(tree.order == order)
      let expected = 1 / Double(tree.density)
      expectClose(Self.sum(DormandPrince.weights, tree), expected, rtol: 0, atol: 1e-14)
      if order < 5 { expectClose(Self.sum(lower, tree), expected, rtol: 0, atol: 1e-14) }
    }
    // The error would not be seen if the companion were as good.
    if order == 5 { #expect(trees.contains { abs(Self.sum(lower, $0) - 1 / Double($0.density)) > 1e-4 }) }
  }

  /// The second example's rate is a square wave of 10⁵ jumps.
  @Test func anExampleThatNeedsTooManyStepsIsNamed() {
    func solve() throws {
      _ = try DormandPrince(relativeTolerance: 1e-6, absoluteTolerance: 1e-6, stepLimit: 50).integrate(
        .zeros([3, 1], dtype: .float64), from: 0, to: 1, integralScale: 1, observe: nil
      ) { _, u, positions in
        let rates = zip(u, positions).map { $1 == 1 && Int($0 * 1e5) % 2 == 1 ? -1.0 : 1.0 }
        return (Tensor(rates).reshaped(u.count, 1), rates)
      }
    }
    let errors = (0..<2).map { _ in #expect(throws: SamplerError.self) { try solve() } }
    #expect(errors[0]?.description.contains("example 1 needs more than 50 steps") == true, "\(errors)")
    #expect(errors[0]?.description == errors[1]?.description)
  }

  /// y′ = cos(u)·y with the integral of y², from 0 to 2: the error falls with the tolerance, and the steps grow slowly.
  @Test func errorsFollowTheTolerance() throws {
    func solve(_ tolerance: Double) throws -> DormandPrince.Solution {
      try DormandPrince(relativeTolerance: tolerance, absoluteTolerance: tolerance, stepLimit: 1000).integrate(
        Tensor([1.0, -2.0], shape: [2, 1]), from: 0, to: 2, integralScale: 1, observe: nil
      ) { y, u, _ in
        let slopes = Tensor(u.map { cos($0) }).reshaped(y.size(0), 1)
        return (slopes * y, u.map { cos($0) })
      }
    }
    for (tolerance, evaluations) in [(1e-4, 60), (1e-7, 200), (1e-10, 700)] {
      let solution = try solve(tolerance)
      let factor = exp(sin(2.0))
      expectClose(solution.states.flattened(), Tensor([factor, -2 * factor]), rtol: 0, atol: 100 * tolerance)
      expectClose(Tensor(solution.integrals), Tensor([sin(2.0), sin(2.0)]), rtol: 0, atol: 100 * tolerance)
      #expect(solution.evaluations.allSatisfy { $0 < evaluations }, "\(solution.evaluations)")
    }
  }
}
