internal import Files
internal import Foundation
internal import Torch

/// Distributions of points in the plane for trying out score models.
///
/// All points lie roughly in [−4, 4]². Below, u and v are uniform on [0, 1) and n is a vector of two standard normal
/// numbers; every formula is evaluated with independent draws for each point.
public enum PointDistribution: String, CaseIterable, Sendable {
  /// Two half circles that reach into each other; the label is the half circle.
  ///
  /// With θ = πu: 2·(cos θ − ½, sin θ − ¼) or 2·(½ − cos θ, ¼ − sin θ), plus 0.2·n. Standard deviations 1.8 and 1.0.
  case moons
  /// The dark squares of a board of 4 × 4 squares of side 2; no labels.
  ///
  /// (2·(i + u) − 4, 2·(j + v) − 4) for a random pair i, j of 0 … 3 with an even sum. Standard deviation 2.3.
  case checkerboard
  /// A spiral of one and a half turns; no labels.
  ///
  /// With t = 1.5π(1 + 2u): (t·cos t, t·sin t)/4 + 0.1·n. Standard deviations 1.7 and 1.8.
  case swissRoll = "swiss-roll"
  /// Two spiral arms of one and a half turns around each other; the label is the arm.
  ///
  /// With t = 3π√u: ±(−t·cos t, t·sin t)/3 + 0.1·n. Standard deviation 1.6.
  case spirals
  /// Eight normal distributions on a circle; the label is the distribution.
  ///
  /// 2.5·(cos(kπ/4), sin(kπ/4)) + 0.25·n for a random k of 0 … 7. Standard deviation 1.8.
  case eightGaussians = "eight-gaussians"

  /// Points in `float32` of shape `[count, 2]`, and their labels.
  func draw(_ count: Int, seed: UInt64) -> (points: Tensor, labels: Tensor?) {
    var generator = RandomGenerator(seed: seed, purpose: .data)
    func uniform() -> Tensor { generator.uniform([count], dtype: .float64) }
    func whole(below bound: Int) -> Tensor { generator.integers(below: bound, [count]) }
    func noise(_ deviation: Double) -> Tensor { generator.normal([count, 2], dtype: .float64) * deviation }
    func points(_ x: Tensor, _ y: Tensor) -> Tensor { Tensor.stack([x, y], along: 1) }

    let result: Tensor
    var labels: Tensor?
    switch self {
    case .moons:
      let (moon, angle) = (whole(below: 2), uniform() * Double.pi)
      let sign = (1 - 2 * moon.to(.float64)).reshaped(count, 1)
      result = 2 * sign * points(angle.cos() - 0.5, angle.sin() - 0.25) + noise(0.2)
      labels = moon
    case .checkerboard:
      let (column, half) = (whole(below: 4).to(.float64), whole(below: 2).to(.float64))
      let row = 2 * half + (column - 2 * (column / 2).floor())
      result = points(2 * (column + uniform()) - 4, 2 * (row + uniform()) - 4)
    case .swissRoll:
      let t = 1.5 * Double.pi * (1 + 2 * uniform())
      result = points(t * t.cos(), t * t.sin()) / 4 + noise(0.1)
    case .spirals:
      let (arm, t) = (whole(below: 2), 3 * Double.pi * uniform().sqrt())
      let sign = (1 - 2 * arm.to(.float64)).reshaped(count, 1)
      result = sign * points(-t * t.cos(), t * t.sin()) / 3 + noise(0.1)
      labels = arm
    case .eightGaussians:
      let mode = whole(below: 8)
      let angle = mode.to(.float64) * (Double.pi / 4)
      result = 2.5 * points(angle.cos(), angle.sin()) + noise(0.25)
      labels = mode
    }
    return (result.to(.float32), labels)
  }
}

extension Dataset {
  /// Points drawn from a distribution of the plane: a function of (kind, count, seed).
  ///
  /// - Precondition: `count` is positive.
  public static func points(_ kind: PointDistribution, count: Int = 20_000, seed: UInt64 = 0) -> Dataset {
    demand(count > 0, "the number of points must be positive, not \(count)")
    let drawn = kind.draw(count, seed: seed)
    do throws(DataError) {
      return try Dataset(name: kind.rawValue, examples: drawn.points, labels: drawn.labels)
    } catch {
      endProgram(error.description)
    }
  }
}
