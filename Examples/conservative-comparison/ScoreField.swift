import ScoreKit

/// A score of points of the plane at one noise level, and how far it is from being a gradient.
struct ScoreField {
  /// The noise level, at which the data's structure shows and the network was trained everywhere in the picture.
  static let sigma = 0.5
  private static let cells = 80
  private static let arrowsPerSide = 16

  let range: ClosedRange<Double>
  /// ∂s₂/∂x₁ − ∂s₁/∂x₂ at the centres of the cells of a square, the lowest row first.
  let curl: [Double]
  /// s at the starts of arrows.
  let scores: [(point: (x: Double, y: Double), score: (x: Double, y: Double))]

  /// Over a square that holds the data and most of their noise.
  init(of model: any ScoreModel, around data: Dataset) throws {
    var extent = 0.0
    for start in stride(from: 0, to: data.count, by: 65_536) {
      let part = Tensor.range(Double(start), to: Double(min(start + 65_536, data.count)), dtype: .int64)
      extent = max(extent, try data.elements(at: part).abs().max().item())
    }
    extent += Self.sigma
    range = -extent...extent
    let grid = Self.points(range, Self.cells)
    let (x, score) = Self.evaluate(model, at: grid)
    // The derivatives of one component of the score.
    func derivatives(_ component: Int) throws -> Tensor {
      let seed = Tensor(component == 0 ? [1.0, 0] : [0, 1]).to(.float32).expanded(to: score.shape)
      return try gradients(of: score, withRespectTo: [x], seed: seed, retainGraph: component == 0)[0]
    }
    let (first, second) = (try derivatives(0), try derivatives(1))
    curl = (second.selecting(0, along: 1) - first.selecting(1, along: 1)).elements()
    let coarse = Self.points(range, Self.arrowsPerSide)
    let values = Self.evaluate(model, at: coarse).score.detached().elements(as: Double.self)
    scores = coarse.indices.map { (coarse[$0], (values[2 * $0], values[2 * $0 + 1])) }
  }

  private static func points(_ range: ClosedRange<Double>, _ count: Int) -> [(x: Double, y: Double)] {
    let centers = FieldPlot.cellCenters(of: range, count: count)
    return centers.flatMap { y in centers.map { (x: $0, y: y) } }
  }

  private static func evaluate(
    _ model: any ScoreModel, at points: [(x: Double, y: Double)]
  ) -> (x: Tensor, score: Tensor) {
    let x = Tensor(points.flatMap { [Float($0.x), Float($0.y)] }, shape: [points.count, 2]).variable()
    let score = withGradients {
      model.score(x, at: .full([points.count], EDMProcess().time(sigma: sigma)), condition: nil)
    }
    return (x, score)
  }

  /// Colours for the curl, up to a limit, and arrows of the score, of which the longest does not reach its neighbour.
  func plot(title: String, limit: Double) -> FieldPlot {
    let longest = scores.map { ($0.score.x * $0.score.x + $0.score.y * $0.score.y).squareRoot() }.max() ?? 0
    let scale = (range.upperBound - range.lowerBound) / Double(Self.arrowsPerSide) / max(longest, 1e-300)
    let arrows = scores.map { point, score in
      FieldPlot.Arrow(from: point, to: (point.x + scale * score.x, point.y + scale * score.y))
    }
    var plot = FieldPlot(values: curl, range: range, limit: limit, arrows: arrows, title: title)
    (plot.xLabel, plot.yLabel, plot.valueLabel) = ("x₁", "x₂", "curl ∂s₂/∂x₁ − ∂s₁/∂x₂")
    return plot
  }
}
