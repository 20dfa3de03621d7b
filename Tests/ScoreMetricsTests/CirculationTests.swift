import Foundation
import ScoreMetrics
import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct CirculationTests {
  /// ω·(−y, x) in the plane of the first two of three coordinates.
  static func rotation(_ omega: Double) -> FieldScore {
    .linear(omega * Tensor([0.0, -1, 0, 1, 0, 0, 0, 0, 0], shape: [3, 3]))
  }

  private static func circles(radius: Double, nodeCount: Int = 64) throws -> Curves {
    try .circles(
      around: normal([4, 3], seed: 1),
      from: Tensor([1.0, 0, 0] + [1, 0, 0] + [0, 1, 0] + [0, 0, 3], shape: [4, 3]),
      towards: Tensor([0.0, 1, 0] + [5, -2, 0] + [0, 2, 1] + [1, 0, 0], shape: [4, 3]), radius: radius,
      nodeCount: nodeCount)
  }

  /// By Stokes' theorem 2πr²·ω times the cosine between the circle's and the field's planes: planes xy, yx, yz and zx.
  @Test func aRotationTurnsByTheAreaOfTheCircle() throws {
    let values = try circulation(of: Self.rotation(3), around: Self.circles(radius: 0.5, nodeCount: 3), at: 1)
    let area = Double.pi * 0.25
    expectClose(Tensor(values.map(\.value)), Tensor([6 * area, -6 * area, 0, 0]), rtol: 1e-12, atol: 1e-12)
  }

  @Test func theNormalizedCirculationIsACosine() throws {
    let curves = try Curves.circles(
      around: Tensor([0.0, 0, 0], shape: [1, 3]), from: Tensor([1.0, 0, 0], shape: [1, 3]),
      towards: Tensor([0.0, 1, 0], shape: [1, 3]), radius: 2)
    expectClose(try circulation(of: Self.rotation(3), around: curves, at: 1)[0].normalized, 1, rtol: 1e-12)
    expectClose(try circulation(of: Self.rotation(-0.1), around: curves, at: 1)[0].normalized, -1, rtol: 1e-12)
    // At 45° to the circle everywhere.
    let spiral = FieldScore.linear(Tensor([1.0, -1, 0, 1, 1, 0, 0, 0, 1], shape: [3, 3]))
    expectClose(try circulation(of: spiral, around: curves, at: 1)[0].normalized, 0.5.squareRoot(), rtol: 1e-12)
    #expect(try circulation(of: FieldScore { $0 * 0 }, around: curves, at: 1)[0].normalized == 0)
  }

  @Test func gradientsDoNotTurn() throws {
    let quartic = FieldScore { -$0.square() * $0 - $0.sum(1, keepingDimensions: true).sin() }
    let mixture = Mixtures.mixture(EDMProcess())
    let normalDistribution = GaussianMixtureScore(
      weights: [1], means: Tensor([1.0, 2, 3], shape: [1, 3]), covariances: Tensor([2.0, 1, 0.1], shape: [1, 3]),
      process: EDMProcess())
    for model in [quartic, mixture, normalDistribution] as [any ScoreModel] {
      for result in try circulation(of: model, around: Self.circles(radius: 0.5), at: 0.8) {
        #expect(result.value.magnitude < 1e-9 && result.normalized.magnitude < 1e-9)
      }
    }
    let labels = Tensor([0, 1, 2, 0])
    for result in try circulation(of: mixture, around: Self.circles(radius: 0.5), at: 0.8, condition: labels) {
      #expect(result.normalized.magnitude < 1e-9)
    }
  }

  /// The flux of the curl of (−y³, x³, 0), 3(x² + y²), through a circle of radius r around 0 is 3πr⁴/2; and for a
  /// smooth field that is no polynomial the error falls faster than any power of the number of nodes.
  @Test func theTrapezoidalRuleIsSpectrallyAccurateOnCircles() throws {
    let cubic = FieldScore { x in
      let (a, b) = (x[.all, .range(0, 1)], x[.all, .range(1, 2)])
      return .concatenate([-(b * b * b), a * a * a, Tensor.zeros(like: a)], along: 1)
    }
    let (zero, u, v) = (
      Tensor([0.0, 0, 0], shape: [1, 3]), Tensor([1.0, 0, 0], shape: [1, 3]), Tensor([0.0, 1, 0], shape: [1, 3])
    )
    let circle = try Curves.circles(around: zero, from: u, towards: v, radius: 2, nodeCount: 8)
    expectClose(try circulation(of: cubic, around: circle, at: 1)[0].value, 1.5 * Double.pi * 16, rtol: 1e-12)
    let smooth = FieldScore { x in
      let (a, b) = (x[.all, .range(0, 1)], x[.all, .range(1, 2)])
      return .concatenate([(b * 2).sin().exp(), (a * 2).sin() * b.cos(), Tensor.zeros(like: a)], along: 1)
    }
    let errors = try [8, 16, 32, 256].map { count in
      try circulation(
        of: smooth, around: .circles(around: zero, from: u, towards: v, radius: 1, nodeCount: count), at: 1
      )[0].value
    }
    #expect((errors[1] - errors[3]).magnitude < 1e-2 * (errors[0] - errors[3]).magnitude)
    #expect((errors[2] - errors[3]).magnitude < 1e-4 * (errors[1] - errors[3]).magnitude + 1e-12)
    #expect(errors[3].magnitude > 0.1)
  }

  @Test func polygonsAreIntegratedEdgeByEdge() throws {
    // A square with sides 2 in the plane: 2ω times its area.
    let square = Tensor([-1.0, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0], shape: [1, 4, 3])
    let curves = try Curves.polygons(through: square, nodesPerEdge: 1)
    expectClose(try circulation(of: Self.rotation(1.5), around: curves, at: 1)[0].value, 12, rtol: 1e-13)
    // There and back again.
    let result = try circulation(of: Self.rotation(1.5), around: .polygons(through: square[.all, .range(0, 2)]), at: 1)
    #expect(result[0].value.magnitude < 1e-14)
  }

  @Test func imagesInSinglePrecisionAndAnyBatchSizeGiveTheSame() throws {
    var generator = RandomGenerator(seed: 5)
    let network = MLP(.init(shape: [1, 2, 3], width: 8, blocks: 1, classCount: 2), using: &generator).randomized()
    let model = MLPScore(network, process: EDMProcess(), parameterization: .edm(sigmaData: 0.5))
    let shape = [3, 1, 2, 3]
    let curves = try Curves.circles(
      around: normal(shape, seed: 1), from: normal(shape, seed: 2), towards: normal(shape, seed: 3), radius: 0.3)
    let labels = Tensor([0, 1, 2])
    let expected = try circulation(of: model, around: curves, at: 0.5, condition: labels)
    #expect(expected.allSatisfy { $0.normalized.magnitude > 1e-4 && $0.normalized.magnitude < 1 })
    let plain = try circulation(of: model, around: curves, at: 0.5)
    #expect(plain.map(\.value) != expected.map(\.value))
    for size in [7, 100] {
      let values = try circulation(of: model, around: curves, at: 0.5, condition: labels, batchSize: size)
      expectClose(Tensor(values.map(\.value)), Tensor(expected.map(\.value)), rtol: 1e-9, atol: 1e-9)
    }
    model.convert(to: .float32)
    let single = try circulation(of: model, around: curves, at: 0.5, condition: labels)
    expectClose(Tensor(single.map(\.value)), Tensor(expected.map(\.value)), rtol: 1e-3, atol: 1e-4)
    try expectNoLeaks { _ = try circulation(of: model, around: curves, at: 0.5) }
  }

  /// Stokes' theorem for a small circle: πr²·uᵀ(Jᵀ − J)v with the Jacobian at its center.
  @Test func aSmallCircleSeesTheAntisymmetricPartOfTheJacobian() throws {
    var generator = RandomGenerator(seed: 5)
    let network = MLP(.init(shape: [4], width: 8, blocks: 1), using: &generator).randomized()
    let model = MLPScore(network, process: EDMProcess(), parameterization: .edm(sigmaData: 0.5))
    let center = normal([1, 4])
    let identity = Tensor.identity(4, dtype: .float64)
    let (u, v) = (identity[0..<1], identity[2..<3])
    let j = jacobian(of: { model.score($0, at: Tensor([0.5])) }, at: center)
    let radius = 1e-3
    let curves = try Curves.circles(around: center, from: u, towards: v, radius: radius)
    let value = try circulation(of: model, around: curves, at: 0.5)[0].value
    let expected = Double.pi * radius * radius * (j[2, 0].item() - j[0, 2].item())
    expectClose(value, expected, rtol: 1e-5)
    #expect(expected.magnitude > 1e-9)
  }

  @Test func badArgumentsGetASentence() throws {
    let point = normal([1, 3])
    func expect(_ words: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) {
      let error = #expect(throws: ConservativenessError.self, sourceLocation: sourceLocation) { try body() }
      expectSentence(error, mentions: words, sourceLocation: sourceLocation)
    }
    let circles = try Self.circles(radius: 1)
    expect("parallel") { _ = try Curves.circles(around: point, from: point, towards: -2 * point, radius: 1) }
    expect("parallel") { _ = try Curves.circles(around: point, from: point * 0, towards: point, radius: 1) }
    expect("radius") { _ = try Curves.circles(around: point, from: point, towards: point + 1, radius: -1) }
    expect("3 nodes") {
      _ = try Curves.circles(around: point, from: point, towards: point + 1, radius: 1, nodeCount: 2)
    }
    expect("[1, 3], [1, 2]") { _ = try Curves.circles(around: point, from: normal([1, 2]), towards: point, radius: 1) }
    expect("[1, 3]") { _ = try Curves.polygons(through: point) }
    expect("closed") { _ = try circulation(of: Self.rotation(1), around: .segments(from: point, to: point + 1), at: 1) }
    expect("4 curves") { _ = try circulation(of: Self.rotation(1), around: circles, at: 1, condition: Tensor([1])) }
    expect("batch") { _ = try circulation(of: Self.rotation(1), around: circles, at: 1, batchSize: 0) }
    expect("time") { _ = try circulation(of: Self.rotation(1), around: circles, at: .nan) }
    expect("not finite") { _ = try circulation(of: FieldScore { $0.log() }, around: circles, at: 1) }
    expect("[12]") {
      _ = try circulation(of: FieldScore { $0.sum(1) }, around: Self.circles(radius: 1, nodeCount: 3), at: 1)
    }
  }
}
