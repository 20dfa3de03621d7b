import ScoreTraining
import TestSupport
import Testing
import Torch

@Suite struct OptimizerTests {
  /// All kinds; the projected ones stay where two of the coordinates are equal, as they are at the minimum.
  private static var optimizers: [any Optimizer] {
    let equal = AffineConstraint(Tensor([[1, -1, 0]]).to(.float64), equals: Tensor([0.0]))
    return [
      SGD(learningRate: 0.1), SGD(learningRate: 0.05, momentum: 0.9), Adam(learningRate: 0.05),
      Adam(learningRate: 0.05, beta1: 0.5, beta2: 0.9),
      NullSpaceProjected(SGD(learningRate: 0.1), constraint: equal),
      NullSpaceProjected(Adam(learningRate: 0.05), constraint: equal, warmStart: true),
    ]
  }

  @Test func everyOptimizerIsTried() throws {
    try expectEveryConformer(of: "Optimizer", among: Self.optimizers)
  }

  @Test(arguments: optimizers.indices) func optimizersKeepTheirLaws(_ index: Int) throws {
    try expectOptimizerLaws(of: Self.optimizers[index])
  }

  @Test func adamAgreesWithItsDefinition() throws {
    // Kingma & Ba (2015), algorithm 1, in plain numbers.
    var adam = Adam(learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.01)
    var (x, m, v) = (2.0, 0.0, 0.0)
    var tensor = Tensor(x, dtype: .float64)
    for t in 1...7 {
      let g = 2 * x + Double(t)
      m = 0.9 * m + 0.1 * g
      v = 0.99 * v + 0.01 * g * g
      let (mHat, vHat) = (m / (1 - pow(0.9, t)), v / (1 - pow(0.99, t)))
      let update = -0.1 * (mHat / (vHat.squareRoot() + 1e-6) + 0.01 * x)
      let found = adam.updates(for: [Tensor(g, dtype: .float64)], at: [tensor])[0]
      expectClose(found, Tensor(update, dtype: .float64), rtol: 1e-12, atol: 0)
      x += update
      tensor = tensor + found
    }
  }

  private func pow(_ base: Double, _ exponent: Int) -> Double { (0..<exponent).reduce(1) { value, _ in value * base } }

  @Test func firstStepOfAdamHasTheSizeOfTheLearningRate() {
    var adam = Adam(learningRate: 0.01)
    let update = adam.updates(for: [Tensor([-5, 1e-3, 200] as [Double])], at: [.zeros([3], dtype: .float64)])[0]
    expectClose(update, Tensor([0.01, -0.01, -0.01] as [Double]), rtol: 1e-4, atol: 0)
  }

  @Test func stateOfAnotherOptimizerIsRefused() {
    var adam = Adam()
    #expect(throws: OptimizerStateError.self) { try adam.restore([:], for: []) }
    #expect(throws: OptimizerStateError.self) {
      try adam.restore(["step": Tensor([1]), "exp_avg.0": Tensor([1 as Float])], for: [Tensor([1 as Float])])
    }
  }
}

@Suite struct LearningRateScheduleTests {
  @Test func warmUpGrowsInAStraightLine() {
    let schedule = LearningRateSchedule(peak: 2, warmupSteps: 4, steps: 10)
    #expect((1...6).map { schedule.rate(at: $0) } == [0.5, 1, 1.5, 2, 2, 2])
  }

  @Test(arguments: [LearningRateSchedule.Decay.cosine, .linear])
  func decayEndsAtZeroAndPassesHalfInTheMiddle(_ decay: LearningRateSchedule.Decay) {
    let schedule = LearningRateSchedule(peak: 2, decay: decay, steps: 100)
    #expect(schedule.rate(at: 1) == 2)
    #expect(abs(schedule.rate(at: 51) - 1) < 1e-12)
    #expect(schedule.rate(at: 100) > 0)
    #expect(abs(schedule.rate(at: 101)) < 1e-12)
    #expect(abs(schedule.rate(at: 200)) < 1e-12)
  }
}

@Suite struct ExponentialMovingAverageTests {
  @Test func decayWarmsUpToItsLimit() {
    var average = ExponentialMovingAverage(decay: 0.5, value: .zeros([1]))
    var decays: [Double] = []
    for _ in 0..<12 {
      decays.append(average.currentDecay)
      average.update(.ones([1]))
    }
    #expect(decays[0] == 0.1)
    #expect(decays[1] == 2.0 / 11)
    #expect(decays[11] == 0.5)
  }

  @Test func averageIsTheWeightedMean() {
    var average = ExponentialMovingAverage(decay: 0.9, value: Tensor([2.0] as [Double]), updateCount: 1000)
    average.update(Tensor([4.0] as [Double]))
    expectClose(average.value, Tensor([2.2] as [Double]), rtol: 1e-14, atol: 0)
  }

  @Test func zeroDecayKeepsTheLastWeights() {
    var average = ExponentialMovingAverage(decay: 0, value: .zeros([1]))
    average.update(Tensor([7 as Float]))
    expectIdentical(average.value, Tensor([7 as Float]))
  }
}
