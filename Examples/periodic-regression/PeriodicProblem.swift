import Foundation
import ScoreKit

/// Learning the sine from one period, where the network is known to be periodic elsewhere too.
///
/// 500 points of [−π, π] have values; f(x + 2π) = f(x) shall hold at 2,000 points of N(−2π, 4²).
struct PeriodicProblem {
  static let period = 2 * Double.pi
  /// The inputs with known values, `[points, 1]`.
  let x: Tensor
  /// Their sines.
  let y: Tensor
  /// The points of the constraint, `[points, 1]`.
  let collocation: Tensor
  private let end: Tensor

  /// Draws the points of the constraint.
  init(points: Int = 500, collocationPoints: Int = 2000, using generator: inout RandomGenerator) {
    x = Tensor.linspace(-Double.pi, Double.pi, count: points).expandingDimension(at: 1)
    y = x.sin()
    collocation = generator.normal([collocationPoints, 1]) * 4 - Self.period
    end = collocation + Self.period
  }

  /// f(x + 2π) − f(x) = 0 at the points of the constraint.
  func constraint(on network: Perceptron) -> OutputEquality {
    .periodicity(of: network, at: collocation, period: Self.period) { $0($1) }
  }

  /// Half of the mean squared error where the values are known.
  func loss(of network: Perceptron) -> Tensor { (network(x) - y).square().mean() * 0.5 }

  /// The root mean square of f(x + 2π) − f(x) at the points of the constraint.
  func violation(of network: Perceptron) -> Double {
    withoutGradients { (network(end) - network(collocation)).rootMeanSquare }
  }

  /// The root mean squared error against the sine on [−3π, 3π].
  func error(of network: Perceptron) -> Double {
    withoutGradients { (network(Self.wide) - Self.wide.sin()).rootMeanSquare }
  }

  /// 1,000 points of [−3π, 3π].
  static var wide: Tensor {
    Tensor.linspace(-1.5 * period, 1.5 * period, count: 1000).expandingDimension(at: 1)
  }
}

extension Tensor {
  fileprivate var rootMeanSquare: Double { square().mean().item().squareRoot() }
}
