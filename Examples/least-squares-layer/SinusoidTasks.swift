import ScoreKit

/// Points of one function in each row: x and y `[tasks, points]`.
struct Examples {
  let x: Tensor
  let y: Tensor
}

/// Functions to learn from a few points each: y = A·sin(x − φ) on [−5, 5], with A uniform on [0.1, 5] and φ on [0, π].
///
/// C. Finn, P. Abbeel & S. Levine (2017), *Model-agnostic meta-learning for fast adaptation of deep networks*, arXiv
/// 1703.03400, section 5.1.
struct SinusoidTasks {
  /// A and φ, `[tasks, 1]`.
  let amplitude: Tensor
  let phase: Tensor

  /// Draws functions.
  init(count: Int, using generator: inout RandomGenerator) {
    amplitude = generator.uniform([count, 1]) * 4.9 + 0.1
    phase = generator.uniform([count, 1]) * Double.pi
  }

  /// The number of functions.
  var count: Int { amplitude.elementCount }

  /// The functions at x `[tasks, points]`.
  func examples(at x: Tensor) -> Examples { Examples(x: x, y: amplitude * (x - phase).sin()) }

  /// Points drawn at random, other ones for each function.
  func examples(perTask points: Int, using generator: inout RandomGenerator) -> Examples {
    examples(at: generator.uniform([count, points]) * 10 - 5)
  }

  /// Points at equal distances, the same for all functions.
  func evenExamples(perTask points: Int) -> Examples {
    examples(at: Tensor.linspace(-5, 5, count: points).expanded(to: [count, points]))
  }
}
