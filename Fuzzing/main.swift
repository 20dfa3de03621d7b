// Coverage-guided fuzzing of everything that reads bytes from outside, with libFuzzer and AddressSanitizer; see
// scripts/fuzz. The environment variable FUZZ_READER says which reader gets the inputs.
import Datasets
import Foundation
import Imaging
import ScoreKit
import ScoreModels
import Torch

@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// A reader of bytes: it may throw, and must do nothing worse.
enum Reader: String, CaseIterable {
  case idx, cifar, npy, zip, png, safetensors, network, scheduler, configuration, checkpoint, pipeline

  static let chosen = ProcessInfo.processInfo.environment["FUZZ_READER"].flatMap(Reader.init(rawValue:))

  func read(_ data: Data) throws {
    switch self {
    case .idx, .npy, .zip: try use(Dataset(content: data, path: "input"))
    case .cifar: try use(Dataset(content: data, path: "input.bin"))
    case .png: _ = try Image(pngData: data)
    case .safetensors: _ = try Safetensors(data: data)
    case .network: _ = try JSONDecoder().decode(UNet2D.Configuration.self, from: data)
    case .scheduler: _ = try DiffusersPipeline.process(scheduler: data)
    case .configuration:
      if let model = try? JSONDecoder().decode(RunRecord.self, from: data) { try model.run.validate() }
      _ = try JSONDecoder().decode(RunConfiguration.self, from: data).validate()
    case .checkpoint, .pipeline: try FolderReader.read(data, as: self)
    }
  }

  /// Streams some examples of the data.
  private func use(_ dataset: Dataset) throws {
    _ = try dataset.batch(Tensor([0, dataset.count - 1]))
    _ = dataset.summary
  }
}

guard let reader = Reader.chosen else {
  FileHandle.standardError.write(
    Data(
      "error: FUZZ_READER names no reader; take one of \(Reader.allCases.map(\.rawValue).joined(separator: ", "))\n"
        .utf8))
  exit(64)
}
// Seeds of whole folders are written by the program itself, which can make models.
if let seeds = ProcessInfo.processInfo.environment["FUZZ_SEEDS"] {
  try FolderReader.writeSeeds(of: reader, to: seeds)
  exit(0)
}
var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(
  withUnsafeMutablePointer(to: &arguments) { arguments in
    runFuzzer(&count, arguments) { bytes, length in
      try? Reader.chosen?.read(bytes.map { Data(bytes: $0, count: length) } ?? Data())
      return 0
    }
  })
