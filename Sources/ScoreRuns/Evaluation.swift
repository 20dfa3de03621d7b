public import Checkpoints
internal import Files
public import ScoreMetrics
public import Foundation

/// What a model does on examples, as in `RUN/evaluation.json` and from `score-evaluate --json`: at each noise level its loss
/// and the asymmetry of its Jacobian, and its log likelihood.
public struct Evaluation: Codable, Hashable, Sendable {
  /// The model that was evaluated.
  public struct Model: Codable, Hashable, Sendable {
    /// The number of training steps behind the weights.
    public var step: Int
    /// Whether the weights are the moving average rather than the last ones.
    public var isAverage: Bool
    /// The network: `mlp` or `unet`.
    public var network: String
    /// The number of its parameters.
    public var parameterCount: Int
    /// The diffusion process.
    public var process: ProcessConfiguration.Kind
    /// How the score is made conservative.
    public var conservative: RunConfiguration.Conservative
    /// The number of classes that it knows; 0 for none.
    public var classCount: Int

    enum CodingKeys: String, CodingKey {
      case step, network, process, conservative
      case classCount = "classes"
      case isAverage = "average"
      case parameterCount = "parameters"
    }
  }

  /// The examples that it was evaluated on.
  public struct Examples: Codable, Hashable, Sendable {
    /// A built-in name or a path.
    public var source: String
    /// The number of examples, chosen at random.
    public var count: Int
    /// The number of examples that they were chosen from.
    public var total: Int
    /// Whether they are those that the model was trained on.
    public var isTrainingData: Bool
    /// Whether the model was told the class of each example; one that knows classes was else taken without.
    public var isLabelled: Bool

    enum CodingKeys: String, CodingKey {
      case source, count, total
      case isTrainingData = "seen-in-training"
      case isLabelled = "labelled"
    }
  }

  /// What was measured at one noise level.
  public struct Level: Codable, Hashable, Sendable {
    /// The noise level σ.
    public var sigma: Double
    /// (1/σ² + 1/σ_d²)·‖D(xₜ) − x₀‖²/d, the loss that is trained: normal data of variance σ_d² would have 1.
    public var loss: Estimate
    /// Asym, E ½‖J − Jᵀ‖²_F for the Jacobian J of the score.
    public var asym: Estimate
    /// NAsym, ¼E‖J − Jᵀ‖²_F / E‖J‖²_F.
    public var nasym: Estimate
    /// Whether Jacobians were formed entirely, rather than estimated by probes.
    public var isExact: Bool

    enum CodingKeys: String, CodingKey {
      case sigma, loss, asym, nasym
      case isExact = "exact"
    }
  }

  /// The log likelihood by the probability-flow ODE.
  public struct Likelihood: Codable, Hashable, Sendable {
    /// log p of an example, in nats; for images of dequantised pixels in units of [−1, 1].
    public var nats: Estimate
    /// For images: bits for each pixel and channel, by `Pixels.bitsPerDimension`.
    public var bitsPerDimension: Estimate?
    /// The noise level whose density it is.
    public var sigmaMin: Double
    /// The number of probes of the divergence; `nil` where it was exact.
    public var probeCount: Int?
    /// The mean distance of the log densities of the first 64 examples, in nats, from those of a tenfold smaller tolerance.
    public var integrationError: Double
    /// The mean number of model evaluations for an example.
    public var evaluations: Double

    enum CodingKeys: String, CodingKey {
      case nats, evaluations
      case bitsPerDimension = "bits-per-dimension"
      case sigmaMin = "sigma-min"
      case probeCount = "probes"
      case integrationError = "integration-error"
    }
  }

  /// The model.
  public var model: Model
  /// The examples.
  public var data: Examples
  /// The seed of the choice of examples, their noise and the probes.
  public var seed: UInt64
  /// The noise levels.
  public var levels: [Level]
  /// The log likelihood, where it was asked for.
  public var likelihood: Likelihood?
  /// How samples of the model compare with the data, where it was asked for.
  public var samples: SampleQuality?

  enum CodingKeys: String, CodingKey {
    case model, data, seed, likelihood, samples
    case levels = "noise-levels"
  }

  /// Reads a JSON file.
  ///
  /// - Throws: `FileError`, or `RunError` for a file that is no evaluation.
  public init(contentsOf path: String) throws {
    let data = try AtomicFile.read(path, limit: InputFile.descriptionLimit)
    do {
      self = try JSONDecoder().decode(Self.self, from: data)
    } catch {
      throw RunError(.data, "\(path) is not an evaluation of a model; delete it")
    }
  }

  /// The file's content: a JSON object.
  public func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }

  init(model: Model, data: Examples, seed: UInt64, levels: [Level], likelihood: Likelihood?) {
    self.model = model
    self.data = data
    self.seed = seed
    self.levels = levels
    self.likelihood = likelihood
  }
}
