public import ArgumentParser
public import ScoreKit

/// The options for the device and the threads of a tool.
public struct DeviceOptions: ParsableArguments {
  /// The name of the device, if it was given.
  @Option(help: ArgumentHelp("auto, cpu, cuda, cuda:N or mps. (default: auto)", valueName: "name"))
  public var device: String?

  /// The number of threads, if it was given.
  @Option(help: ArgumentHelp("The number of threads on the processor. (default: one for each core)", valueName: "n"))
  public var threads: Int?

  /// Makes options without values.
  public init() {}

  /// Checks the options by the rules of `RunConfiguration`.
  public func validate() throws {
    var options = RunConfiguration()
    apply(to: &options)
    do { try options.validate() } catch { throw ValidationError(error.toolSentence) }
  }

  /// Sets the options of a run to those that were given.
  public func apply(to configuration: inout RunConfiguration) {
    if let device { configuration.device = device }
    if let threads { configuration.threads = threads }
  }

  /// Sets the number of threads and returns the device, ready for use; called before the first tensor is made.
  ///
  /// - Throws: `Device.Unavailable`, `Engine.ThreadsUnavailable`.
  public func prepare() throws -> Device {
    let device = try Device.prepared(device ?? Device.automatic)
    try Engine.startThreads(threads)
    return device
  }
}
