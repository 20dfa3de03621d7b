import Foundation

/// The nodes and weights of Gauss–Legendre quadrature on [0, 1]: exact for polynomials of degree 2n − 1.
///
/// The nodes are the roots of the Legendre polynomial Pₙ, by Newton's iteration from Tricomi's approximation: Davis &
/// Rabinowitz (1984), *Methods of numerical integration*, section 2.7.
struct GaussLegendre {
  let nodes: [Double]
  let weights: [Double]

  init(count n: Int) {
    var (nodes, weights): ([Double], [Double]) = ([], [])
    for index in 0..<n {
      var z = cos(Double.pi * (Double(index) + 0.75) / (Double(n) + 0.5))
      var slope = 0.0
      // The iteration converges quadratically from a good start: eight steps are more than enough.
      for _ in 0..<8 {
        // Bonnet's recursion: k·Pₖ = (2k − 1)·z·Pₖ₋₁ − (k − 1)·Pₖ₋₂.
        var (value, previous) = (1.0, 0.0)
        for k in 1...n {
          let degree = Double(k)
          (value, previous) = (((2 * degree - 1) * z * value - (degree - 1) * previous) / degree, value)
        }
        slope = Double(n) * (z * value - previous) / (z * z - 1)
        z -= value / slope
      }
      nodes.append((1 - z) / 2)
      weights.append(1 / ((1 - z * z) * slope * slope))
    }
    self.nodes = nodes
    self.weights = weights
  }
}
