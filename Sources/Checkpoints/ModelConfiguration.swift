public import Files
public import ScoreModels
import Torch

/// The configuration of a score model, as checkpoints store it.
public struct ModelConfiguration: Codable, Hashable, Sendable {
  /// The process whose scores the model knows.
  public var process: ProcessConfiguration
  /// The shape of an example: `[features]` or `[channels, height, width]`.
  public var shape: [Int]
  /// The number of classes; 0 without labels.
  public var classCount: Int
  /// σ_d, the standard deviation of the data.
  public var sigmaData: Double
  /// Whether the score is the gradient of an energy.
  public var isEnergy: Bool
  /// The form of the energy, if `isEnergy`; `nil`, as in files of early versions, means `product`.
  public var energyForm: EnergyForm?
  /// Whether the model also learns how uncertain it is at each noise level, as an `UncertainScore`.
  public var learnsUncertainty: Bool?
  /// What the network predicts; by default the noise under `ddpm`, and the output of `Parameterization.edm` otherwise.
  public var prediction: Prediction?
  /// The factor of log σ/4 in the input of an EDM network; 10 by default.
  public var noiseScale: Double?
  /// The bound of denoised values when samples are drawn, as `clip_sample_range` of diffusers; `nil` for none.
  public var denoisedLimit: Double?
  /// The sizes of a multilayer perceptron, if it is one.
  public var mlp: MLP.Configuration?
  /// The sizes of a U-Net, if it is one.
  public var unet: UNet2D.Configuration?
  /// The name and configuration of a model of a program's own, if it is one.
  public var own: NamedConfiguration?

  /// What the network is called: `mlp`, `unet`, or the name of a model of a program's own.
  public var network: String { own?.name ?? (unet == nil ? "mlp" : "unet") }

  /// Makes the configuration of a multilayer perceptron.
  public init(
    mlp: MLP.Configuration, process: ProcessConfiguration, sigmaData: Double, isEnergy: Bool = false
  ) {
    self.init(process, shape: mlp.shape, classCount: mlp.classCount, sigmaData: sigmaData, isEnergy: isEnergy)
    self.mlp = mlp
  }

  /// Makes the configuration of a U-Net for images of a shape `[channels, height, width]`.
  public init(
    unet: UNet2D.Configuration, shape: [Int], process: ProcessConfiguration, sigmaData: Double, isEnergy: Bool = false
  ) {
    self.init(
      process, shape: shape, classCount: max(0, (unet.numClassEmbeds ?? 1) - 1), sigmaData: sigmaData,
      isEnergy: isEnergy)
    self.unet = unet
  }

  /// Makes the configuration of a model of a program's own.
  public init(
    own: NamedConfiguration, shape: [Int], classCount: Int, process: ProcessConfiguration, sigmaData: Double
  ) {
    self.init(process, shape: shape, classCount: classCount, sigmaData: sigmaData, isEnergy: false)
    self.own = own
  }

  private init(
    _ process: ProcessConfiguration, shape: [Int], classCount: Int, sigmaData: Double, isEnergy: Bool
  ) {
    self.process = process
    self.shape = shape
    self.classCount = classCount
    self.sigmaData = sigmaData
    self.isEnergy = isEnergy
    energyForm = isEnergy ? .shiftedProduct : nil
  }

  /// Checks the shape and the deviation of examples.
  func validateExamples() throws(ModelConfigurationError) {
    let elements = shape.reduce(1.0) { $0 * Double($1) }
    guard (1...16).contains(shape.count), shape.allSatisfy({ $0 > 0 }), elements <= 268_435_456 else {
      let shape = shape.count <= 16 ? "shape \(shape)" : "\(shape.count) dimensions"
      throw ModelConfigurationError("examples of \(shape) cannot be modelled")
    }
    let range = ProcessConfiguration.levelRange
    guard range.contains(sigmaData) else {
      throw ModelConfigurationError(
        "data of deviation \(sigmaData) cannot be modelled in single precision, which serves from 1e-12 to 1e12")
    }
    if let denoisedLimit, !range.contains(denoisedLimit) {
      throw ModelConfigurationError("denoised values need a positive limit up to 1e12, not \(denoisedLimit)")
    }
    if let noiseScale, abs(noiseScale) > range.upperBound {
      throw ModelConfigurationError("networks are told noise levels times a factor up to 1e12, not \(noiseScale)")
    }
  }

  /// What a network predicts, by diffusers' names.
  public enum Prediction: String, Codable, Hashable, Sendable, CaseIterable {
    /// The output of `Parameterization.edm`.
    case edm
    /// The noise ε.
    case noise = "epsilon"
    /// The velocity s·ε − sσ·x₀.
    case velocity = "v_prediction"
    /// The data x₀.
    case denoised = "sample"
  }
}

/// A configuration that describes no model.
public struct ModelConfigurationError: Failure, Equatable {
  /// A configuration that describes no model.
  public var kind: FailureKind { .data }
  /// The reason in one sentence.
  public let description: String

  /// Makes an error from its sentence.
  public init(_ description: String) { self.description = description }
}
