import ArgumentParser
public import ScoreKit
public import ScoreTools

/// The tools `my-train`, `my-sample` and `my-evaluate`.
public enum Mine: ToolSet {
  public static let name = "my"
  public static let version = "0.1.0"
  public static let catalog = Catalog(
    name: name, [ConvolutionalScore.self, CosineProcess.self, PseudoHuber.self, Rings.self])
  public static let samplers = NamedSampler.builtIn + [NamedSampler("midpoint", MidpointSampler())]

  /// Options of my-train that score-train does not have.
  public struct TrainOptions: RunArguments {
    @Option(help: ArgumentHelp("The channels of the model conv. (default: 32)", valueName: "n"))
    var convChannels: Int?

    public init() {}

    public func apply(to configuration: inout RunConfiguration) throws {
      if let convChannels { try configuration.use(ConvolutionalScore.self) { $0.channels = convChannels } }
    }
  }

  /// Options of my-sample that score-sample does not have.
  public struct SampleOptions: SamplerArguments {
    @Option(help: ArgumentHelp("Where midpoint takes its slope, above 0 and up to 1. (default: 0.5)", valueName: "x"))
    var position: Double?

    public init() {}

    public func validate() throws {
      if let position, !(position > 0 && position <= 1) {
        throw ValidationError("--position needs a number above 0 and up to 1, not \(position)")
      }
    }

    public func applied(to sampler: any Sampler) throws -> any Sampler {
      guard let position else { return sampler }
      guard var midpoint = sampler as? MidpointSampler else {
        throw RunError(.usage, "--position belongs to the sampler midpoint")
      }
      midpoint.position = position
      return midpoint
    }
  }
}
