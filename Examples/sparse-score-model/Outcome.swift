import ScoreKit

/// What came of a training.
struct Outcome {
  let name: String
  let parameterCount: Int
  var losses: [Double] = []
  /// The part of the weights that were 0 after each step.
  var sparsities: [Double] = []
  /// In seconds.
  var stepTimes: [Double] = []
  /// Of the averaged weights.
  var heldOutLoss = Double.nan
  var zeros = ZeroCount([:])
  var averageZeros = ZeroCount([:])
  /// The bytes that were resident at most during training; `nil` where the system does not tell.
  var peakMemory: Int?
  /// Drawn with the averaged weights.
  var samples = Tensor.zeros([0])

  init(name: String, parameterCount: Int) {
    self.name = name
    self.parameterCount = parameterCount
  }

  /// The mean loss of the last tenth of the steps.
  var finalLoss: Double { mean(losses.suffix(max(1, losses.count / 10))) }

  /// The time of half of the steps is shorter.
  var medianStepTime: Double { stepTimes.sorted()[stepTimes.count / 2] }

  var meanStepTime: Double { mean(stepTimes[...]) }
}

func mean(_ values: ArraySlice<Double>) -> Double { values.reduce(0, +) / Double(values.count) }

/// How many of a model's numbers are exactly 0.
struct ZeroCount: Equatable {
  /// The elements of matrices and kernels, and the zeros among them.
  var weights = (count: 0, zeros: 0)
  /// All elements, and the zeros among them.
  var parameters = (count: 0, zeros: 0)

  init(_ state: [String: Tensor]) {
    for value in state.values {
      let zeros = Int((value .== 0).sum().item())
      parameters = (parameters.count + value.elementCount, parameters.zeros + zeros)
      if value.rank >= 2 { weights = (weights.count + value.elementCount, weights.zeros + zeros) }
    }
  }

  static func == (first: ZeroCount, second: ZeroCount) -> Bool {
    first.weights == second.weights && first.parameters == second.parameters
  }
}
