import Foundation
import ScoreKit

/// Tuning on forecasts of the years before 1987 and judging on forecasts of the years after.
struct Experiment {
  static let testStart = 1987.0
  let data: AtmosphericCO2
  /// The length of a forecast.
  let years: Double
  let solver = LSMR(tolerance: 1e-7)
  /// The mean of the concentrations before the test years; the process is about what differs from it.
  private let offset: Double

  init(years: Double) throws {
    data = try AtmosphericCO2()
    self.years = years
    let past = data.months(to: Self.testStart).map { [data] in data.concentrations[$0] }
    offset = past.reduce(0, +) / Double(past.count)
  }

  /// What forecasts are worth.
  struct Scores {
    let rootMeanSquare: Double
    let negativeLogDensity: Double
    /// The part of the observations within the 95 % band.
    let coverage: Double
    let iterations: ClosedRange<Int>
  }

  private func values(_ months: [Int]) -> Tensor { Tensor(months.map { data.concentrations[$0] - offset }) }

  private func features(_ months: [Int]) -> Tensor { Features.matrix(at: months.map { data.times[$0] }) }

  /// A process of the months before a year.
  private func process(before year: Double) -> GaussianProcess {
    let months = data.months(to: year)
    return GaussianProcess(features: features(months), values: values(months))
  }

  /// Forecasts that begin in a range of years, each from all months before it.
  private func forecasts(
    from start: Double, to end: Double
  ) -> [(process: GaussianProcess, points: Tensor, values: Tensor)] {
    stride(from: start, to: end, by: years).map { origin in
      let months = data.months(from: origin, to: min(origin + years, end))
      return (process(before: origin), features(months), values(months))
    }
  }

  /// −log p of the data before the test years, for each of them.
  func marginalObjective() -> (Tensor) throws -> Tensor {
    let process = process(before: Self.testStart)
    return { try process.negativeLogMarginalLikelihood($0) / Double(process.values.elementCount) }
  }

  /// The mean negative log predictive density of the forecasts from 1965 to the test years.
  func predictiveObjective() -> (Tensor) throws -> Tensor {
    let forecasts = forecasts(from: 1965, to: Self.testStart)
    return { logarithms in
      try forecasts.map { process, points, values in
        let prediction = try process.predict(points, logarithms, solver: solver)
        return negativeLogDensity(of: values - prediction.mean, prediction.variance)
      }.reduce(Tensor(0, dtype: .float64), +) / Double(forecasts.count)
    }
  }

  /// Minimises an objective of the logarithms of the hyperparameters by Adam.
  static func minimize(
    _ objective: (Tensor) throws -> Tensor, steps: Int, report: (Int, Double) -> Void
  ) throws -> Tensor {
    var optimizer = Adam(learningRate: 0.1)
    var logarithms = Features.initial
    for step in 0..<steps {
      optimizer.learningRate = 0.1 * 0.5 * (1 + cos(Double.pi * Double(step) / Double(steps)))
      let variable = logarithms.variable()
      let loss = try objective(variable)
      report(step + 1, loss.item())
      let gradient = try gradients(of: loss, withRespectTo: [variable])
      logarithms += optimizer.updates(for: gradient, at: [logarithms])[0]
    }
    return logarithms
  }

  /// Judges the forecasts of the test years, which no objective has seen.
  func judge(_ logarithms: Tensor) throws -> Scores {
    let results = try forecasts(from: Self.testStart, to: 2002).map { process, points, values in
      (prediction: try process.predict(points, logarithms, solver: solver), values: values)
    }
    let error = Tensor.concatenate(results.map { $0.values - $0.prediction.mean })
    let variance = Tensor.concatenate(results.map(\.prediction.variance))
    let inside = (error.abs() .< variance.sqrt() * 1.96).to(.float64)
    let iterations = results.map(\.prediction.solution.iterations)
    return Scores(
      rootMeanSquare: error.square().mean().item().squareRoot(),
      negativeLogDensity: negativeLogDensity(of: error, variance).item(), coverage: inside.mean().item(),
      iterations: (iterations.min() ?? 0)...(iterations.max() ?? 0))
  }

  /// The fit and its band from 1978 on, given the months before the test years.
  func picture(_ logarithms: Tensor, title: String) throws -> Image {
    let times = stride(from: 1978.0, to: 2002.0, by: 1.0 / 24).map { $0 }
    let prediction = try process(before: Self.testStart)
      .predict(Features.matrix(at: times), logarithms, solver: solver)
    let means: [Double] = (prediction.mean + offset).elements()
    let widths: [Double] = (prediction.variance.sqrt() * 1.96).elements()
    func points(_ months: [Int]) -> [(x: Double, y: Double)] {
      months.map { (data.times[$0], data.concentrations[$0]) }
    }
    return LineChart(
      title: title, xLabel: "year", yLabel: "CO₂ in ppm",
      series: [.init("mean and 95 % band", points: Array(zip(times, means)))],
      bands: [.init(points: times.indices.map { (times[$0], means[$0] - widths[$0], means[$0] + widths[$0]) })],
      marks: [
        .init("observed", points: points(data.months(from: 1978, to: Self.testStart))),
        .init("not seen", points: points(data.months(from: Self.testStart, to: 3000))),
      ], width: 800, height: 430
    ).image()
  }
}
