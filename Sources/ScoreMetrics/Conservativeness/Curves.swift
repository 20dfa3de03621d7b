import Foundation
public import Torch

/// Curves in the space of examples, each with the nodes and weights of a rule for line integrals along it.
///
/// A line integral ∫ s·dx becomes Σₖ ⟨s(xₖ), dxₖ⟩ with nodes xₖ and weighted tangents dxₖ. All are kept in `float64` on
/// the processor.
public struct Curves {
  /// xₖ for each curve, `[curves, nodes, …]`.
  public let nodes: Tensor
  /// The tangents times the weights of the rule, dxₖ, of the same shape.
  public let steps: Tensor
  /// Where the curves begin, `[curves, …]`.
  public let start: Tensor
  /// Where the curves end; equal to `start` for closed curves.
  public let end: Tensor
  /// Whether the curves are closed.
  public let isClosed: Bool

  /// The number of curves.
  public var count: Int { nodes.size(0) }

  /// Straight segments between pairs of points `[curves, …]`, by Gauss–Legendre quadrature with `nodeCount` nodes.
  ///
  /// - Throws: `ConservativenessError` if the shapes differ or there is no node.
  public static func segments(
    from start: Tensor, to end: Tensor, nodeCount: Int = 32
  ) throws(ConservativenessError) -> Curves {
    try require(
      start.shape == end.shape && start.rank > 1,
      "segments begin and end at points of one shape [count, …], not \(start.shape) and \(end.shape)")
    return try polylines(through: .stack([start, end], along: 1), nodesPerEdge: nodeCount)
  }

  /// Open curves of straight edges through `[curves, vertices, …]`, by Gauss–Legendre quadrature on each edge.
  ///
  /// - Throws: `ConservativenessError` for less than two vertices or no node.
  public static func polylines(
    through vertices: Tensor, nodesPerEdge: Int = 8
  ) throws(ConservativenessError) -> Curves {
    try edges(through: vertices, nodesPerEdge: nodesPerEdge, isClosed: false)
  }

  /// Polygons with vertices `[curves, vertices, …]`, the last one joined to the first, by Gauss–Legendre quadrature on
  /// each edge.
  ///
  /// - Throws: `ConservativenessError` for less than two vertices or no node.
  public static func polygons(
    through vertices: Tensor, nodesPerEdge: Int = 8
  ) throws(ConservativenessError) -> Curves {
    try edges(through: vertices, nodesPerEdge: nodesPerEdge, isClosed: true)
  }

  /// Circles c + r·(cos φ·u + sin φ·v), in the direction from u to v, by the trapezoidal rule at equally spaced angles.
  ///
  /// u and v are made orthonormal first, so random directions can be given. The rule's error decreases exponentially
  /// with the number of nodes for smooth scores (Trefethen & Weideman 2014, *The exponentially convergent trapezoidal
  /// rule*).
  ///
  /// - Parameters:
  ///   - centers: c `[curves, …]`.
  ///   - first: directions, of the same shape.
  ///   - second: directions of the same shape, not parallel to the first ones.
  ///   - radius: r.
  ///   - nodeCount: the number of nodes, at least 3.
  /// - Throws: `ConservativenessError` for shapes that differ, directions that span no plane, a radius that is not positive
  ///   and finite, and less than 3 nodes.
  public static func circles(
    around centers: Tensor, from first: Tensor, towards second: Tensor, radius: Double, nodeCount: Int = 64
  ) throws(ConservativenessError) -> Curves {
    try require(
      centers.rank > 1 && centers.elementCount > 0 && first.shape == centers.shape && second.shape == centers.shape,
      "circles have centers and directions of one shape [count, …], not \(centers.shape), \(first.shape) and "
        + "\(second.shape)")
    try require(radius > 0 && radius.isFinite, "a circle's radius is positive and finite, not \(radius)")
    try require(nodeCount >= 3, "a circle needs at least 3 nodes, not \(nodeCount)")
    let (c, u, w) = (rows(centers), rows(first), rows(second))
    func length(_ x: Tensor) -> Tensor { x.square().sum(1, keepingDimensions: true).sqrt() }
    let unit = u / length(u)
    // Twice, since one projection leaves rounding errors in the plane of almost parallel directions.
    var v = w / length(w)
    for _ in 0..<2 { v -= unit * (unit * v).sum(1, keepingDimensions: true) }
    try require(
      (length(v) .> 1e-8).all() && unit.allFinite,
      "a circle's two directions are parallel or zero, so they span no plane")
    v = v / length(v)
    let angles = (0..<nodeCount).map { 2 * Double.pi * Double($0) / Double(nodeCount) }
    let nodes = angles.map { c + radius * (unit * cos($0) + v * sin($0)) }
    let arc = 2 * Double.pi * radius / Double(nodeCount)
    let steps = angles.map { arc * (v * cos($0) - unit * sin($0)) }
    let shape = Array(centers.shape.dropFirst())
    return Curves(nodes: nodes, steps: steps, start: nodes[0], end: nodes[0], isClosed: true, shape: shape)
  }

  private static func edges(
    through vertices: Tensor, nodesPerEdge: Int, isClosed: Bool
  ) throws(ConservativenessError) -> Curves {
    try require(
      vertices.rank > 2 && vertices.elementCount > 0 && vertices.size(1) > 1,
      "curves of edges go through vertices of shape [curves, vertices, …], at least two, not \(vertices.shape)")
    try require(nodesPerEdge > 0, "an edge needs at least 1 node, not \(nodesPerEdge)")
    let rule = GaussLegendre(count: nodesPerEdge)
    let count = vertices.size(1)
    let corners = (0..<count).map { rows(vertices.selecting($0, along: 1)) }
    var (nodes, steps): ([Tensor], [Tensor]) = ([], [])
    for edge in 0..<(isClosed ? count : count - 1) {
      let (from, to) = (corners[edge], corners[(edge + 1) % count])
      for (node, weight) in zip(rule.nodes, rule.weights) {
        nodes.append(from.lerp(to, weight: node))
        steps.append((to - from) * weight)
      }
    }
    return Curves(
      nodes: nodes, steps: steps, start: corners[0], end: isClosed ? corners[0] : corners[count - 1],
      isClosed: isClosed, shape: Array(vertices.shape.dropFirst(2)))
  }

  /// Examples as rows of double precision.
  private static func rows(_ x: Tensor) -> Tensor { x.detached().to(.cpu).to(.float64).flattened(from: 1) }

  private init(nodes: [Tensor], steps: [Tensor], start: Tensor, end: Tensor, isClosed: Bool, shape: [Int]) {
    let count = start.size(0)
    self.nodes = Tensor.stack(nodes, along: 1).reshaped([count, nodes.count] + shape)
    self.steps = Tensor.stack(steps, along: 1).reshaped([count, steps.count] + shape)
    self.start = start.reshaped([count] + shape)
    self.end = end.reshaped([count] + shape)
    self.isClosed = isClosed
  }
}
