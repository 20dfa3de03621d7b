import Foundation
import ScoreKit
import TestSupport
import Testing

/// What all training data keep to: in one tensor, in memory and streamed, whole and in parts.
@Suite struct TrainingDataLawTests {
  private static let all: [Named<@Sendable () throws -> any TrainingData>] = [
    Named("a tensor", { try TensorData(normal([7, 2]).to(.float32), labels: Tensor([0, 1, 2, 0, 1, 2, 0])) }),
    Named("digits", { try DatasetSource("digits").load() }),
    Named("points", { try DatasetSource("moons").load() }),
    Named("a part", { try DatasetSource("digits").load().unlabeledPart(Tensor([5, 900, 17])) }),
  ]

  @Test func allTrainingDataAreTried() throws {
    try expectEveryConformer(of: "TrainingData", among: Self.all.map { try $0.value() })
  }

  @Test(arguments: all) func dataKeepTheirLaws(_ data: Named<@Sendable () throws -> any TrainingData>) throws {
    try expectTrainingDataLaws(of: try data.value())
  }

  @Test func streamedDataKeepTheirLaws() throws {
    try temporaryFolder { folder in
      let path = "\(folder)/pictures"
      // IDX: unsigned bytes in 3 dimensions, 6 pictures of 2×3.
      let header: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 3]
      try Data(header + (0..<36).map { UInt8($0 * 7) }).write(to: URL(fileURLWithPath: path))
      let data = try DatasetSource(path).load(loading: .stream)
      try expectTrainingDataLaws(of: data)
      try expectTrainingDataLaws(of: data.unlabeledPart(Tensor([4, 1])))
    }
  }
}
