public import Checkpoints
public import Datasets
public import Files
public import Foundation
public import ScoreModels
public import ScoreTraining
internal import Torch

/// The options of a training run, as in `RUN/config.json`: the names are those of the command line.
///
/// Options that are `nil` are chosen to suit the data by `resolved(for:)`; a run's `config.json` holds none.
public struct RunConfiguration: Hashable, Sendable {
  /// The network of a model.
  public enum Model: Codable, Hashable, Sendable, CaseIterable, RawRepresentable {
    /// A U-Net for images, an MLP for points.
    case auto
    /// A multilayer perceptron.
    case mlp
    /// A U-Net.
    case unet
    /// A `ConfigurableScoreModel`, by its name.
    case own(String)

    /// The built-in networks.
    public static let allCases: [Model] = [.auto, .mlp, .unet]

    /// The network of a name; a name that is not built in is one of a program's own.
    public init(rawValue: String) { self = Self.allCases.first { $0.rawValue == rawValue } ?? .own(rawValue) }

    /// The name.
    public var rawValue: String {
      switch self {
      case .auto: "auto"
      case .mlp: "mlp"
      case .unet: "unet"
      case .own(let name): name
      }
    }
  }

  /// How the score is made conservative.
  public enum Conservative: String, Codable, Hashable, Sendable, CaseIterable {
    /// It is not.
    case off
    /// The asymmetry of its Jacobian is penalised.
    case penalty
    /// Updates are projected onto those that make its Jacobian symmetric.
    case projection
    /// It is the gradient of an energy.
    case energy
  }

  /// What training minimises.
  public enum Objective: Codable, Hashable, Sendable, CaseIterable, RawRepresentable {
    /// Denoising score matching.
    case denoising
    /// Sliced score matching.
    case sliced
    /// Implicit score matching.
    case implicit
    /// A `ConfigurableObjective`, by its name.
    case own(String)

    /// The built-in objectives.
    public static let allCases: [Objective] = [.denoising, .sliced, .implicit]

    /// The objective of a name; a name that is not built in is one of a program's own.
    public init(rawValue: String) { self = Self.allCases.first { $0.rawValue == rawValue } ?? .own(rawValue) }

    /// The name.
    public var rawValue: String {
      switch self {
      case .denoising: "denoising"
      case .sliced: "sliced"
      case .implicit: "implicit"
      case .own(let name): name
      }
    }
  }

  /// How noise levels are drawn and weighed against each other.
  public enum Weighting: String, Codable, Hashable, Sendable, CaseIterable {
    /// All noise levels begin with a loss of 1.
    case edm
    /// The loss of DDPM.
    case inverseVariance = "inverse-variance"
    /// A bound on the likelihood.
    case likelihood
    /// The loss of DDPM, with limited weights at small noise levels.
    case minSNR = "min-snr"
    /// The weights follow from a learned estimate of the loss at each noise level.
    case uncertainty
  }

  /// How images are mirrored at random.
  public enum Flip: String, Codable, Hashable, Sendable, CaseIterable {
    /// Not at all.
    case none
    /// Left to right.
    case horizontal
    /// Upside down.
    case vertical
    /// Both ways.
    case both
  }

  /// A built-in data set, one of the program's own, or the path of one.
  public var data: String?
  /// The configuration of data of the program's own.
  public var dataOptions: JSONValue?
  /// The path of IDX labels.
  public var labels: String?
  /// Whether examples are kept in memory or streamed.
  public var loading: Dataset.Loading = .automatic
  /// The network.
  public var model: Model = .auto
  /// The configuration of a model of the program's own.
  public var modelOptions: JSONValue?
  /// The hidden width of an MLP.
  public var width: Int?
  /// The channels of the levels of a U-Net.
  public var channels: [Int]?
  /// The residual blocks of an MLP, or of each level of a U-Net.
  public var blocks: Int?
  /// The diffusion process.
  public var process: ProcessConfiguration.Kind = .edm
  /// The configuration of a process of the program's own.
  public var processOptions: JSONValue?
  /// The smallest noise level of the processes `edm` and `ve`.
  public var sigmaMin: Double?
  /// The largest noise level of the processes `edm` and `ve`.
  public var sigmaMax: Double?
  /// P_mean, the mean of log σ in training under `edm` or a process of the program's own.
  public var noiseMean: Double?
  /// P_std, the standard deviation of log σ in training.
  public var noiseDeviation: Double?
  /// What training minimises.
  public var objective: Objective = .denoising
  /// The configuration of an objective of the program's own.
  public var objectiveOptions: JSONValue?
  /// The name of a constraint of the program's own that each step of training satisfies as well as possible.
  public var constraint: String?
  /// The configuration of that constraint.
  public var constraintOptions: JSONValue?
  /// How noise levels are drawn and weighed.
  public var weighting: Weighting?
  /// How images are mirrored at random.
  public var flip: Flip = .none
  /// The largest distance in pixels by which images are moved at random.
  public var shift: Int = 0
  /// How the score is made conservative.
  public var conservative: Conservative = .off
  /// The weight of the penalty on asymmetry.
  public var penaltyWeight: Double?
  /// The steps from one projection of an update to the next.
  public var projectionEvery: Int?
  /// The fraction of the weights that training makes 0.
  public var sparsity: Double = 0
  /// The number of training steps.
  public var steps: Int?
  /// The number of examples in a step.
  public var batchSize: Int?
  /// The learning rate after the warm-up.
  public var learningRate: Double?
  /// The steps over which the learning rate grows.
  public var warmup: Int?
  /// How the learning rate falls after the warm-up.
  public var decay: LearningRateSchedule.Decay = .cosine
  /// The factor of decoupled weight decay.
  public var weightDecay: Double = 0
  /// The norm that gradients are clipped to.
  public var gradientClip: Double = 1
  /// The decay of the moving average of the weights.
  public var ema: Double?
  /// Whether the model learns the score of each class.
  public var classConditional: Bool = false
  /// The seed of everything random.
  public var seed: UInt64 = 0
  /// Where the computation runs.
  public var device: String = Device.automatic
  /// The number of threads on the processor.
  public var threads: Int?
  /// The steps between checkpoints.
  public var checkpointEvery: Int?
  /// The steps between sample grids; 0 for none.
  public var sampleEvery: Int?
  /// Whether events for TensorBoard are written.
  public var tensorboard: Bool = false

  /// Makes a configuration of defaults.
  public init() {}
}

extension RunConfiguration: Codable {
  /// All options with their names and the values that are allowed; each property above is one.
  static let options: [RunOption] = [
    RunOption("data", \.data), RunOption("data-options", \.dataOptions), RunOption("labels", \.labels),
    RunOption("loading", \.loading), RunOption("model", \.model), RunOption("model-options", \.modelOptions),
    RunOption("width", \.width, in: 2...65536),
    RunOption("channels", \.channels, "1 to 8 multiples of 4 such as 32,64,64") { channels in
      (1...8).contains(channels.count) && channels.allSatisfy { (4...4096).contains($0) && $0 % 4 == 0 }
    },
    RunOption("blocks", \.blocks, in: 1...100), RunOption("process", \.process),
    RunOption("process-options", \.processOptions),
    RunOption("sigma-min", \.sigmaMin, "a positive number") { $0 > 0 },
    RunOption("sigma-max", \.sigmaMax, "a positive number") { $0 > 0 },
    RunOption("noise-mean", \.noiseMean, "a number from -20 to 20") { (-20...20).contains($0) },
    RunOption("noise-deviation", \.noiseDeviation, "a positive number up to 20") { $0 > 0 && $0 <= 20 },
    RunOption("objective", \.objective),
    RunOption("objective-options", \.objectiveOptions), RunOption("constraint", \.constraint),
    RunOption("constraint-options", \.constraintOptions), RunOption("weighting", \.weighting),
    RunOption("flip", \.flip),
    RunOption("shift", \.shift, in: 0...1024), RunOption("conservative", \.conservative),
    RunOption("penalty-weight", \.penaltyWeight, "0 or more") { $0 >= 0 },
    RunOption("projection-every", \.projectionEvery, in: 1...1_000_000_000),
    RunOption("sparsity", \.sparsity, "at least 0 and below 1") { (0..<1).contains($0) },
    RunOption("steps", \.steps, in: 1...1_000_000_000),
    RunOption("batch-size", \.batchSize, in: 1...1_000_000),
    RunOption("learning-rate", \.learningRate, "a positive number") { $0 > 0 },
    RunOption("warmup", \.warmup, in: 0...1_000_000_000), RunOption("decay", \.decay),
    RunOption("weight-decay", \.weightDecay, "0 or more") { $0 >= 0 },
    RunOption("gradient-clip", \.gradientClip, "a positive number") { $0 > 0 },
    RunOption("ema", \.ema, "at least 0 and below 1") { (0..<1).contains($0) },
    RunOption("class-conditional", \.classConditional), RunOption("seed", \.seed), RunOption("device", \.device),
    RunOption("threads", \.threads, in: 1...256),
    RunOption("checkpoint-every", \.checkpointEvery, in: 1...1_000_000_000),
    RunOption("sample-every", \.sampleEvery, in: 0...1_000_000_000), RunOption("tensorboard", \.tensorboard),
  ]

  /// Reads a configuration; an option that the file leaves out has its default.
  ///
  /// - Throws: `RunOption.TypeError` for a value of another type, `DecodingError` for what is no object.
  public init(from decoder: any Decoder) throws {
    self.init()
    let container = try decoder.container(keyedBy: JSONKey.self)
    for option in Self.options { try option.read(&self, container) }
  }

  /// Writes the options that are set.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: JSONKey.self)
    for option in Self.options { try option.write(self, &container) }
  }
}

extension RunConfiguration {
  // MARK: Files

  /// Reads a JSON file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - catalog: what the program adds to the built-in models.
  /// - Throws: `FileError`, or `RunError` for a file that is not JSON, has an unknown option or a value that is not allowed.
  public init(contentsOf path: String, catalog: Catalog = .builtIn) throws {
    self.init()
    try apply(contentsOf: path, catalog: catalog)
  }

  /// Sets the options that a JSON file contains; the others stay.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - catalog: what the program adds to the built-in models.
  ///   - acceptsPipes: whether it may be a pipe, such as a shell's `<(command)`.
  /// - Throws: as `init(contentsOf:catalog:)`.
  public mutating func apply(
    contentsOf path: String, catalog: Catalog = .builtIn, acceptsPipes: Bool = false
  ) throws {
    let data = try InputFile(path, acceptsPipes: acceptsPipes).contents(limit: InputFile.descriptionLimit)
    guard let json = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
      throw RunError(.data, "\(path) is not a JSON object of options")
    }
    let known = Self.options.map(\.name).sorted()
    if let key = json.keys.sorted().first(where: { !known.contains($0) }) {
      throw RunError(
        .data, "\(path) has the unknown option \"\(key)\"; the options are \(known.joined(separator: ", "))")
    }
    let result: RunConfiguration
    do {
      let own = try JSONSerialization.jsonObject(with: encoded()) as? [String: Any] ?? [:]
      let merged = try JSONSerialization.data(withJSONObject: own.merging(json) { $1 })
      result = try JSONDecoder().decode(Self.self, from: merged)
    } catch let error as RunOption.TypeError {
      throw RunError(.data, "\(path): the option \"\(error.name)\" has no value of type \(error.type)")
    } catch {
      throw RunError(.data, "\(path) holds a value that cannot be read")
    }
    do {
      try result.validate(catalog)
    } catch {
      throw RunError(.data, "\(path): \(error.sentence)")
    }
    self = result
  }

  /// The file's content: all options that are set.
  public func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }
}

extension RunConfiguration {
  /// The options that may change when a run is resumed: its length, its device and threads, and its reports.
  public static let changeableOnResume: Set<String> = [
    "steps", "device", "threads", "checkpoint-every", "sample-every", "tensorboard",
  ]

  /// The name of the first option that differs, apart from those named.
  public func difference(from other: RunConfiguration, except names: Set<String>) -> String? {
    Self.options.filter { !names.contains($0.name) && !$0.isEqual(self, other) }.map(\.name).min()
  }
}
