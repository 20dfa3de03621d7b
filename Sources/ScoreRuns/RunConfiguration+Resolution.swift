internal import Checkpoints
internal import Datasets
internal import Files
import Foundation
internal import ScoreModels
internal import Torch

extension RunConfiguration {
  /// Checks the options that are set.
  ///
  /// - Throws: `RunError`, which names the option, its value and what is allowed.
  public func validate() throws(RunError) {
    for option in Self.options { try option.check(self) }
    if data == "" { throw RunError(.usage, "\(option: "data") is empty: name a built-in data set or a path") }
    if let labels, labels.isEmpty || DatasetSource.builtInNames.contains(data ?? "") {
      throw RunError(
        .usage, "\(option: "labels") names the labels of IDX files and .npy arrays, which \(data ?? "the data set") is not")
    }
    if device != Device.automatic, Device(device) == nil { throw Device.unknown(device) }
  }

  /// Writes paths from the root on, so that a run can be resumed from another folder.
  public mutating func makePathsAbsolute() {
    func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
    if let data, !data.isEmpty, !DatasetSource.builtInNames.contains(data) { self.data = absolute(data) }
    if let labels, !labels.isEmpty { self.labels = absolute(labels) }
  }
}
