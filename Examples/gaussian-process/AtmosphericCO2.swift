import Foundation
import ScoreKit

/// Monthly means of the CO₂ concentration at Mauna Loa, 1958 to 2001 (Keeling & Whorf 2004).
struct AtmosphericCO2 {
  /// Years, at the middle of each month.
  let times: [Double]
  /// Parts per million by volume.
  let concentrations: [Double]

  /// Reads the bundled data.
  init() throws {
    guard let url = Bundle.module.url(forResource: "co2", withExtension: "csv") else {
      throw ExampleError("co2.csv is not beside the program; build it with `swift build`")
    }
    let rows = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").dropFirst().map { line in
      let fields = line.split(separator: ",").compactMap { Double($0) }
      guard fields.count == 3 else { throw ExampleError("co2.csv has the line “\(line)” instead of year,month,co2") }
      return fields
    }
    times = rows.map { $0[0] + ($0[1] - 0.5) / 12 }
    concentrations = rows.map { $0[2] }
  }

  /// The positions of the months from one year up to but not including another.
  func months(from start: Double = 0, to end: Double) -> [Int] {
    times.indices.filter { times[$0] >= start && times[$0] < end }
  }
}

/// Why the example cannot run: one sentence.
struct ExampleError: Failure {
  var kind: FailureKind { .internal }
  let description: String

  init(_ description: String) { self.description = description }
}
