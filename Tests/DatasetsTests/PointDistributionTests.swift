import Datasets
import Testing
import Torch

@Suite struct PointDistributionTests {
  @Test(arguments: PointDistribution.allCases)
  func pointsAreAFunctionOfTheSeed(kind: PointDistribution) throws {
    let data = Dataset.points(kind, count: 500, seed: 3)
    #expect(data.examples.shape == [500, 2] && data.examples.dtype == .float32 && data.name == kind.rawValue)
    #expect(data.examples.floats == Dataset.points(kind, count: 500, seed: 3).examples.floats)
    #expect(data.examples.floats != Dataset.points(kind, count: 500, seed: 4).examples.floats)
    #expect(Dataset.points(kind).count == 20_000)
  }

  @Test(arguments: [
    (PointDistribution.moons, [1.77, 1.01], 2), (.checkerboard, [2.31, 2.31], 0), (.swissRoll, [1.71, 1.83], 0),
    (.spirals, [1.57, 1.57], 2), (.eightGaussians, [1.79, 1.79], 8),
  ])
  func spreadIsAsDocumented(kind: PointDistribution, deviations: [Double], classes: Int) {
    let data = Dataset.points(kind)
    let found = data.examples.to(.float64).variance(0).sqrt().elements(as: Double.self)
    for (value, expected) in zip(found, deviations) { #expect(abs(value - expected) < 0.1) }
    #expect(data.classCount == classes)
    #expect(data.examples.abs().max().item() < 5)
  }

  @Test func labelsNameTheComponent() throws {
    let data = Dataset.points(.eightGaussians, count: 4_000)
    let labels = try #require(data.labels).elements(as: Int.self)
    let points = data.examples.floats
    let centers = (0..<8).map { mode in Tensor(Double(mode) * .pi / 4, dtype: .float64) }
      .map { (x: 2.5 * $0.cos().item(), y: 2.5 * $0.sin().item()) }
    for (index, label) in labels.enumerated() {
      let (dx, dy) = (Double(points[2 * index]) - centers[label].x, Double(points[2 * index + 1]) - centers[label].y)
      #expect(dx * dx + dy * dy < 2.25)
    }
    #expect(Set(labels).count == 8)
  }

  @Test func onlyEvenSquaresOfTheBoardAreFilled() {
    let points = Dataset.points(.checkerboard, count: 4_000).examples.floats
    var squares = Set<[Int]>()
    for index in 0..<4_000 {
      let square = [points[2 * index], points[2 * index + 1]].map { Int((($0 + 4) / 2).rounded(.down)) }
      // A coordinate just below 4 may round to it.
      #expect((square[0] + square[1]) % 2 == 0 || square.contains(4))
      squares.insert(square)
    }
    #expect(squares.count >= 8)
  }

  @Test func moonsAreMirrorImages() throws {
    let data = Dataset.points(.moons, count: 8_000)
    let labels = try #require(data.labels).elements(as: Int.self)
    let points = data.examples.floats
    // The upper moon opens downwards: around (−1, −½) its points have distance 2.
    for (index, label) in labels.enumerated() {
      let sign: Float = label == 0 ? 1 : -1
      let (x, y) = (sign * points[2 * index] + 1, sign * points[2 * index + 1] + 0.5)
      #expect(abs((x * x + y * y).squareRoot() - 2) < 1.2)
    }
  }
}
