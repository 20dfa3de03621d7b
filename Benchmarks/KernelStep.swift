import Foundation
import ScoreKit

/// Work in which hand-written kernels take part, of which a process of its own does as much as it is told to.
enum KernelStep: String, CaseIterable {
  case trainMLP = "train-mlp"
  case trainSmallUNet = "train-unet-8x8"
  case trainMediumUNet = "train-unet-28x28"
  case trainLargeMLP = "train-mlp-50m"
  /// Training with the gradient of an energy as score: second derivatives.
  case energyMLP = "energy-mlp-8x8"
  case energySmallUNet = "energy-unet-8x8"
  case energyMediumUNet = "energy-unet-28x28"
  /// Training with a penalty on the Jacobian's asymmetry: third derivatives.
  case penaltyMLP = "penalty-mlp-8x8"
  /// Training with updates projected on a symmetric Jacobian by 8 iterations of LSMR.
  case projection = "projection-symmetry-32"
  /// 16 pictures by 7 evaluations of the network.
  case sampling = "sample-unet-28x28"
  /// 50 iterations of LSMR.
  case denseSolve = "lsmr-dense-2000x1000"
  /// 20 iterations of LSMR.
  case diagonalSolve = "lsmr-diagonal-5m"

  /// Does the work as often as standard input says, and says how long that took: the protocol of peers/peer.py.
  func serve() throws {
    let work = try makeWork()
    func say(_ line: String) {
      print(line)
      fflush(nil)
    }
    say("ready 0")
    while let line = readLine() {
      let words = line.split(separator: " ")
      guard words.count == 2, let count = Int(words[1]) else { return say("error \(line) is no command") }
      TimeKeeping.current = words[0] == "run" ? .wall : .processor
      say("seconds \(try TimeKeeping.current.seconds { for _ in 0..<count { try work() } })")
    }
  }

  private func makeWork() throws -> () throws -> Void {
    switch self {
    case .trainMLP: try training(.mlp)
    case .trainSmallUNet: try training(.small)
    case .trainMediumUNet: try training(.medium)
    case .trainLargeMLP: try training(.large)
    case .energyMLP: try training(.vectorEnergy)
    case .energySmallUNet: try training(.smallEnergy)
    case .energyMediumUNet: try training(.mediumEnergy)
    case .penaltyMLP: try training(.vectors, objective: AsymmetryPenalty(BenchmarkNetwork.objective, weight: 100))
    case .projection: try projectedTraining()
    case .sampling: sampling(.medium)
    case .denseSolve: denseSolve()
    case .diagonalSolve: diagonalSolve()
    }
  }

  private func training(
    _ network: BenchmarkNetwork, objective: any ScoreObjective = BenchmarkNetwork.objective
  ) throws -> () throws -> Void {
    let trainer = try network.makeTrainer(network.makeModel(), objective: objective)
    return { try trainer.advance() }
  }

  private func projectedTraining() throws -> () throws -> Void {
    let network = BenchmarkNetwork.vectors
    let model = network.makeModel()
    let projection = SymmetryProjection(pointCount: 32, metric: .identity)
    let trainer = try network.makeTrainer(
      model, optimizer: projection.optimizer(of: model, on: network.makeData()), learningRate: 1e-3)
    return { try trainer.advance() }
  }

  private func sampling(_ network: BenchmarkNetwork) -> () throws -> Void {
    let model = network.makeModel()
    return {
      _ = try HeunSampler(steps: 4).sample(
        from: model, process: BenchmarkNetwork.process, shape: network.exampleShape, seeds: Array(0..<16))
    }
  }

  private func denseSolve() -> () throws -> Void {
    var generator = RandomGenerator(seed: 0, purpose: .data)
    let matrix = MatrixOperator(generator.normal([2000, 1000], dtype: .float64))
    return solve(matrix, generator.normal([2000], dtype: .float64), iterations: 50)
  }

  private func diagonalSolve() -> () throws -> Void {
    let count = 5_000_000
    var generator = RandomGenerator(seed: 0, purpose: .data)
    let diagonal = generator.uniform([count]) + 0.1
    let matrix = FunctionOperator(
      rows: count, columns: count, parameters: [diagonal], productCost: Double(count), adjoint: { y, d in d[0] * y }
    ) { x, d in d[0] * x }
    return solve(matrix, generator.normal([count]), iterations: 20)
  }

  private func solve(_ matrix: any LinearOperator, _ b: Tensor, iterations: Int) -> () throws -> Void {
    let solver = LSMR(atol: 0, btol: 0, conditionLimit: 0, iterationLimit: iterations)
    return { _ = try solver.solve(matrix, b) }
  }
}
