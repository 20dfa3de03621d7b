public import Checkpoints
internal import Files
public import Foundation
public import ScoreMetrics

/// The evaluation of a model on examples: its loss and the asymmetry of its Jacobian at each noise level, and its log
/// likelihood.
public struct Evaluation: Codable, Hashable, Sendable {
  /// The model that was evaluated.
  public struct Model: Codable, Hashable, Sendable {
    /// The number of training steps that led to the weights.
    public var step: Int
    /// Whether the weights are the moving average instead of the last weights.
    public var isAverage: Bool
    /// The network: `mlp`, `unet`, or the name of a model of a program's own.
    public var network: String
    /// The number of its parameters.
    public var parameterCount: Int
    /// The diffusion process.
    public var process: ProcessConfiguration.Kind
    /// How the score is made conservative.
    public var conservative: RunConfiguration.Conservative
    /// The number of classes of a conditional model; 0 for none.
    public var classCount: Int

    enum CodingKeys: String, CodingKey {
      case step, network, process, conservative
      case classCount = "classes"
      case isAverage = "average"
      case parameterCount = "parameters"
    }
  }

  /// The examples on which the model was evaluated.
  public struct Examples: Codable, Hashable, Sendable {
    /// A built-in name or a path.
    public var source: String
    /// The number of examples, chosen at random.
    public var count: Int
    /// The number of examples from which they were chosen.
    public var total: Int
    /// Whether they belong to the data that the model was trained on.
    public var isTrainingData: Bool
    /// Whether the model received the class of each example; otherwise it was evaluated without classes, even if it
    /// knows them.
    public var isLabelled: Bool

    enum CodingKeys: String, CodingKey {
      case source, count, total
      case isTrainingData = "seen-in-training"
      case isLabelled = "labelled"
    }
  }

  /// The measurements at one noise level.
  public struct Level: Codable, Hashable, Sendable {
    /// The noise level σ.
    public var sigma: Double
    /// (1/σ² + 1/σ_d²)·‖D(xₜ) − x₀‖²/d, the training loss; for normal data of variance σ_d² the best value is 1.
    public var loss: Estimate
    /// Asym, E ½‖J − Jᵀ‖²_F for the Jacobian J of the score.
    public var asym: Estimate
    /// NAsym, ¼E‖J − Jᵀ‖²_F / E‖J‖²_F.
    public var nasym: Estimate
    /// Whether whole Jacobians were formed; otherwise probes were used.
    public var isExact: Bool

    enum CodingKeys: String, CodingKey {
      case sigma, loss, asym, nasym
      case isExact = "exact"
    }
  }

  /// The log likelihood by the probability-flow ODE.
  public struct Likelihood: Codable, Hashable, Sendable {
    /// log p of an example, in nats; for images it is the density of dequantised pixels in units of [−1, 1].
    public var nats: Estimate
    /// For images: bits for each pixel and channel, by `Pixels.bitsPerDimension`.
    public var bitsPerDimension: Estimate?
    /// The noise level σ_min at which the density is taken.
    public var sigmaMin: Double
    /// The number of probes of the divergence; `nil` if the divergence was exact.
    public var probeCount: Int?
    /// The mean absolute change of the log densities of the first 64 examples, in nats, if the tolerance is ten times
    /// smaller.
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
  /// The log likelihood, if it was requested.
  public var likelihood: Likelihood?
  /// The comparison of samples with the data, if it was requested.
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
