public import ArgumentParser
import CommandLineSupport
public import ScoreKit

/// A set of command-line tools: those of ScoreKit with models, processes, objectives, samplers and options of a program's
/// own.
///
/// ```swift
/// enum Mine: ToolSet {
///   static let name = "my"
///   static let catalog = Catalog(name: name, [ConvolutionalScore.self])
/// }
///
/// @main enum MyTrain {
///   static func main() { TrainCommand<Mine>.main() }
/// }
/// ```
/// `my-train` then has every option of `score-train`, and `--model conv` besides. `SampleCommand`, `EvaluateCommand` and
/// `ExportCommand` make `my-sample`, `my-evaluate` and `my-export`.
public protocol ToolSet: SendableMetatype {
  /// Options of its own for training.
  associatedtype TrainOptions: RunArguments = NoArguments
  /// Options of its own for sampling.
  associatedtype SampleOptions: SamplerArguments = NoArguments
  /// The first part of the tools' names: `my` for `my-train`.
  static var name: String { get }
  /// The version that `--version` prints; by default that of ScoreKit.
  static var version: String { get }
  /// What the tools know besides the built-in models.
  static var catalog: Catalog { get }
  /// The samplers by their names, the default first; by default those of ScoreKit.
  static var samplers: [NamedSampler] { get }
}

extension ToolSet {
  /// The version of ScoreKit.
  public static var version: String { packageVersion }
  /// Nothing of its own.
  public static var catalog: Catalog { .builtIn }
  /// Those of ScoreKit.
  public static var samplers: [NamedSampler] { NamedSampler.builtIn }
}

/// Options of a program's own that change a training run.
public protocol RunArguments: ParsableArguments {
  /// Sets the options of a run to those that were given, and leaves the others as they are.
  ///
  /// A resumed run passes through here too, with the options that it began with.
  ///
  /// - Throws: an error whose description is one sentence.
  func apply(to configuration: inout RunConfiguration) throws
}

/// Options of a program's own that change a sampler.
public protocol SamplerArguments: ParsableArguments {
  /// The sampler with the settings that were given.
  ///
  /// - Throws: an error whose description is one sentence, such as for a setting that the sampler does not have.
  func applied(to sampler: any Sampler) throws -> any Sampler
}

/// No options.
public struct NoArguments: RunArguments, SamplerArguments {
  /// Makes no options.
  public init() {}
  /// Nothing changes.
  public func apply(to configuration: inout RunConfiguration) {}
  /// The sampler itself.
  public func applied(to sampler: any Sampler) -> any Sampler { sampler }
}

/// The tools of ScoreKit: `score-train` and the others.
public enum StandardTools: ToolSet {
  /// `score`.
  public static let name = "score"
}
