internal import Checkpoints
internal import Files
internal import ScoreModels

extension RunConfiguration {
  /// Whether the noise levels of the process are options of the run.
  var hasNoiseRange: Bool { process == .edm || process == .ve }

  /// The process with its constants.
  ///
  /// - Throws: `RunError` for noise levels that the process cannot have; `ModelConfigurationError` and `ConfigurableError`.
  func makeProcessConfiguration(_ catalog: Catalog) throws -> ProcessConfiguration {
    var result = try ProcessConfiguration(process, options: processOptions, catalog: catalog)
    for (name, isGiven) in [("sigma-min", sigmaMin != nil), ("sigma-max", sigmaMax != nil)]
    where isGiven && !hasNoiseRange {
      throw RunError(
        .usage,
        "\(option: name) is a noise level of the processes edm and ve; the process \(process.rawValue) has its own")
    }
    if hasNoiseRange {
      (result.minimum, result.maximum) = (sigmaMin ?? result.minimum, sigmaMax ?? result.maximum)
      guard result.minimum < result.maximum else {
        throw RunError(
          .usage,
          "\(option: "sigma-min") \(result.minimum) is not below \(option: "sigma-max") \(result.maximum); the noise grows from one to the other"
        )
      }
    }
    for (name, isGiven) in [("noise-mean", noiseMean != nil), ("noise-deviation", noiseDeviation != nil)]
    where isGiven {
      if weighting == .likelihood {
        throw RunError(
          .usage,
          "\(option: name) and \(option: "weighting") likelihood exclude each other, which draws all orders of magnitude alike"
        )
      }
      if case .own = process { continue }
      if process != .edm {
        throw RunError(
          .usage,
          "\(option: name) belongs to \(option: "process") edm; with \(process.rawValue), times are drawn uniformly")
      }
    }
    _ = try result.makeProcess(catalog)
    return result
  }
}
