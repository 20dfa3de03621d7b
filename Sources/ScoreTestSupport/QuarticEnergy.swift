package import ScoreModels
package import Torch

/// An energy without a network, E = Σ (y²/(2 + 2σ²) + y⁴/(8 + 8σ⁴) − c·y/10) for y = x/s and a label c.
package struct QuarticEnergy: EnergyModel {
  package let process: any DiffusionProcess

  package init(process: any DiffusionProcess) { self.process = process }

  private func terms(_ x: Tensor, _ t: Tensor, _ condition: Tensor?) -> (y: Tensor, a: Tensor, b: Tensor, c: Tensor) {
    let square = process.sigma(t).square().broadcastable(toRank: x.rank)
    let label = condition.map { $0.to(.float64).broadcastable(toRank: x.rank) / 10 } ?? .zeros(like: square)
    return (
      x / process.scale(t).broadcastable(toRank: x.rank), (square + 1).reciprocal(),
      (square.square() + 1).reciprocal(), label
    )
  }

  package func energy(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let (y, a, b, c) = terms(x, t, condition)
    return (0.5 * a * y.square() + 0.125 * b * y.square().square() - c * y).sumPerExample()
  }

  package func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let (y, a, b, c) = terms(x, t, condition)
    return (c - a * y - 0.5 * b * y * y.square()) / process.scale(t).broadcastable(toRank: x.rank)
  }
}
