public import Files
public import Torch

/// Something of a program's own that runs know by a name, with a configuration that their files hold.
///
/// A type conforms to one of the protocols that refine this one, such as `ConfigurableScoreModel`, and stands in a
/// `Catalog`. Training runs, checkpoints and the command-line tools then treat it like a built-in one.
public protocol Configurable: SendableMetatype {
  /// The numbers and choices that describe one of them; files hold it as JSON.
  associatedtype Configuration: Codable & Hashable & Sendable
  /// The name in files and on command lines, such as `conv`: letters, digits and dashes.
  static var name: String { get }
  /// The configuration that holds where a run says nothing else.
  static var defaultConfiguration: Configuration { get }
}

/// What a model is made for.
public struct ModelContext: Sendable {
  /// The shape of an example: `[features]` or `[channels, height, width]`.
  public let exampleShape: [Int]
  /// The number of classes that the model is told; 0 for none.
  public let classCount: Int
  /// σ_d, the standard deviation of the data.
  public let sigmaData: Double
  /// The process whose scores the model learns.
  public let process: any DiffusionProcess

  /// Collects what is known.
  public init(exampleShape: [Int], classCount: Int = 0, sigmaData: Double, process: any DiffusionProcess) {
    self.exampleShape = exampleShape
    self.classCount = classCount
    self.sigmaData = sigmaData
    self.process = process
  }
}

/// A score model of a program's own that has runs: it is trained, saved, resumed, evaluated and sampled from by name.
///
/// ```swift
/// struct ConvolutionalScore: ConfigurableScoreModel {
///   struct Configuration: Codable, Hashable { var channels = 32 }
///   static let name = "conv"
///   static let defaultConfiguration = Configuration()
///   init(_ configuration: Configuration, for context: ModelContext, using generator: inout RandomGenerator) throws { … }
///   func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor { … }
/// }
/// ```
public protocol ConfigurableScoreModel: ScoreModel, Configurable {
  /// Makes the model with initial parameters.
  ///
  /// - Parameters:
  ///   - configuration: its configuration.
  ///   - context: what it is made for.
  ///   - generator: the source of all random numbers, so that the same seed gives the same parameters.
  /// - Throws: an error whose description is one sentence, if there is no such model for these examples.
  init(_ configuration: Configuration, for context: ModelContext, using generator: inout RandomGenerator) throws
  /// Factors of the learning rate by names of parameters or parts, as in `Trainer.Settings`: 0 freezes a part. `nil`, the default,
  /// trains all parameters alike.
  ///
  /// Take them from the configuration, and checkpoints keep them for a resumed run.
  var learningRateFactors: [String: Double]? { get }
}

extension ConfigurableScoreModel {
  /// All parameters are trained alike.
  public var learningRateFactors: [String: Double]? { nil }
}

/// A diffusion process of a program's own that runs know by name.
public protocol ConfigurableProcess: DiffusionProcess, Configurable {
  /// Makes the process.
  ///
  /// - Throws: an error whose description is one sentence, if there is no such process.
  init(_ configuration: Configuration) throws
}

/// A configuration of something of a program's own that cannot be used.
public struct ConfigurableError: Failure, Equatable {
  /// A configuration that describes nothing.
  public var kind: FailureKind { .data }
  /// One sentence.
  public let sentence: Sentence
  /// The sentence.
  public var description: String { sentence.description }

  /// Makes an error.
  public init(_ sentence: Sentence) { self.sentence = sentence }
}

extension Configurable {
  /// The configuration that JSON describes; members that are left out have their defaults.
  ///
  /// - Throws: `ConfigurableError` for JSON that is no object, an unknown member, or a member of another type.
  public static func configuration(from options: JSONValue?) throws(ConfigurableError) -> Configuration {
    guard let options else { return defaultConfiguration }
    guard let given = options.members else {
      throw ConfigurableError("the options of \(name) must be an object, not \(options)")
    }
    let known: [String: JSONValue]
    let result: Configuration
    do {
      known = try JSONValue(encoding: defaultConfiguration).members ?? [:]
      result = try JSONValue.object(known.merging(given) { $1 }).decoded()
    } catch let DecodingError.typeMismatch(type, context) {
      throw ConfigurableError("the option \(member(context)) of \(name) has no value of type \(type)")
    } catch let DecodingError.valueNotFound(type, context) {
      throw ConfigurableError("the option \(member(context)) of \(name) is null and needs a value of type \(type)")
    } catch DecodingError.dataCorrupted(let context) {
      throw ConfigurableError("the option \(member(context)) of \(name) is wrong: \(context.debugDescription)")
    } catch {
      throw ConfigurableError("the options of \(name) cannot be read: \(error)")
    }
    // An optional that is `nil` is not written, so the result is looked at too.
    let members = (try? JSONValue(encoding: result).members) ?? known
    let all = Set(known.keys).union(members.keys)
    if let unknown = given.keys.sorted().first(where: { !all.contains($0) && given[$0] != .null }) {
      throw ConfigurableError(
        all.isEmpty
          ? "\(name) has no options, and \(unknown) is given"
          : "\(name) has the options \(all.sorted().joined(separator: ", ")), not \(unknown)")
    }
    return result
  }

  private static func member(_ context: DecodingError.Context) -> String {
    context.codingPath.map(\.stringValue).joined(separator: ".")
  }
}
