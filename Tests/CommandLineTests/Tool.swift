import Foundation
import TestSupport

/// One of the built command-line tools.
typealias Tool = Program

extension Program {
  static let train = Program.built("score-train")
  static let sample = Program.built("score-sample")
  static let export = Program.built("score-export")
  static let evaluate = Program.built("score-evaluate")
}

/// The options of a run on the digits that takes a second.
func tinyRun(_ out: String, steps: Int = 8, checkpointEvery: Int = 4) -> [String] {
  [
    "--data", "digits", "--out", out, "--steps", "\(steps)", "--checkpoint-every", "\(checkpointEvery)",
    "--sample-every", "0", "--batch-size", "8", "--channels", "8,8", "--blocks", "1", "--threads", "1", "--device",
    "cpu",
    "--progress", "none",
  ]
}

func contents(_ path: String) -> Data? { FileManager.default.contents(atPath: path) }
