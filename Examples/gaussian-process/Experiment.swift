import Foundation
import ScoreKit

/// Tuning on the years before 1987 and judging on the years after.
struct Experiment {
  let data = Result { try AtmosphericCO2() }
  static let testStart = 1987.0
  /// Where the test blocks begin.
  static let testBlocks = stride(from: testStart, to: 2001, by: blockLength).map { $0 }
  /// Where the held-out blocks begin: predicted each from all before.
  static let origins = stride(from: 1965, to: testStart, by: blockLength).map { $0 }
  /// Years.
  static let blockLength = 2.0

  /// The mean of the concentrations before the test years, which the process is about.
  private func offset(_ data: AtmosphericCO2) -> Double {
    let past = data.months(to: Self.testStart).map { data.concentrations[$0] }
    return past.reduce(0, +) / Double(past.count)
  }

  /// Judged predictions.
  struct Scores {
    let rootMeanSquare: Double
    let negativeLogDensity: Double
    /// The part of the observations within the 95 % band.
    let coverage: Double
  }

  private func values(_ data: AtmosphericCO2, _ months: [Int]) -> Tensor {
    Tensor(months.map { data.concentrations[$0] - offset(data) })
  }

  private func features(_ data: AtmosphericCO2, _ months: [Int]) -> Tensor {
    Features.matrix(at: months.map { data.times[$0] })
  }

  /// A process of the months before a year.
  private func process(_ data: AtmosphericCO2, before year: Double) -> GaussianProcess {
    let months = data.months(to: year)
    return GaussianProcess(features: features(data, months), values: values(data, months))
  }

  /// −log p of the data before the test years, for each of them.
  func marginalObjective() throws -> (Tensor) throws -> Tensor {
    let process = process(try data.get(), before: Self.testStart)
    return { try process.negativeLogMarginalLikelihood($0) / Double(process.values.elementCount) }
  }

  /// The mean negative log predictive density of the held-out blocks.
  func predictiveObjective(solver: any LeastSquaresSolver) throws -> (Tensor) throws -> Tensor {
    let data = try data.get()
    let blocks = Self.origins.map { origin in
      let months = data.months(from: origin, to: origin + Self.blockLength)
      return (process(data, before: origin), features(data, months), values(data, months))
    }
    return { logarithms in
      try blocks.map { process, points, values in
        let prediction = try process.predict(points, logarithms, solver: solver)
        return negativeLogDensity(of: values - prediction.mean, prediction.variance)
      }.reduce(Tensor(0, dtype: .float64), +) / Double(blocks.count)
    }
  }

  /// Minimises an objective of the logarithms of the hyperparameters by Adam.
  func minimize(
    _ objective: (Tensor) throws -> Tensor, steps: Int, report: (Int, Double) -> Void
  ) throws -> Tensor {
    var optimizer = Adam(learningRate: 0.1)
    var logarithms = Features.initial
    for step in 0..<steps {
      optimizer.learningRate = 0.1 * 0.5 * (1 + cos(Double.pi * Double(step) / Double(steps)))
      let variable = logarithms.variable()
      let loss = try objective(variable)
      report(step, loss.item())
      let gradient = try gradients(of: loss, withRespectTo: [variable])
      logarithms += optimizer.updates(for: gradient, at: [logarithms])[0]
    }
    return logarithms
  }

  /// Predictions of the test years, in blocks as in tuning: each from all years before it.
  func judge(_ logarithms: Tensor, solver: any LeastSquaresSolver) throws -> Scores {
    let data = try data.get()
    var (errors, variances): ([Tensor], [Tensor]) = ([], [])
    for start in Self.testBlocks {
      let months = data.months(from: start, to: start + Self.blockLength)
      let prediction = try process(data, before: start).predict(features(data, months), logarithms, solver: solver)
      errors.append(values(data, months) - prediction.mean)
      variances.append(prediction.variance)
    }
    let (error, variance) = (Tensor.concatenate(errors), Tensor.concatenate(variances))
    let inside = (error.abs() .< variance.sqrt() * 1.96).to(.float64)
    return Scores(
      rootMeanSquare: error.square().mean().item().squareRoot(),
      negativeLogDensity: negativeLogDensity(of: error, variance).item(), coverage: inside.mean().item())
  }

  /// The fit with its band, for all months from a year on.
  func picture(_ logarithms: Tensor, solver: any LeastSquaresSolver, title: String) throws -> Image {
    let data = try data.get()
    let times = stride(from: 1978.0, to: 2002.0, by: 1.0 / 24).map { $0 }
    let prediction = try process(data, before: Self.testStart)
      .predict(Features.matrix(at: times), logarithms, solver: solver)
    let means: [Double] = (prediction.mean + offset(data)).elements()
    let widths: [Double] = (prediction.variance.sqrt() * 1.96).elements()
    func points(_ months: [Int]) -> [(x: Double, y: Double)] {
      months.map { (data.times[$0], data.concentrations[$0]) }
    }
    return LineChart(
      title: title, xLabel: "year", series: [.init("mean and 95 % band", points: Array(zip(times, means)))],
      bands: [.init(points: times.indices.map { (times[$0], means[$0] - widths[$0], means[$0] + widths[$0]) })],
      marks: [
        .init("observed", points: points(data.months(from: 1978, to: Self.testStart))),
        .init("not seen", points: points(data.months(from: Self.testStart, to: 3000))),
      ], width: 1200, height: 640
    ).image()
  }
}
