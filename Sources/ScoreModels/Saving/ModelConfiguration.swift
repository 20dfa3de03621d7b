import Torch

/// What is needed to build one of the built-in score models, as it is kept in checkpoints.
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
  /// The form of the energy, if it is one; files from before there was a choice have none, which stands for `product`.
  public var energyForm: EnergyForm?
  /// Whether the model also learns how uncertain it is at each noise level, as an `UncertainScore`.
  public var learnsUncertainty: Bool?
  /// What the network predicts; by default the noise under `ddpm`, and the output of `Parameterization.edm` otherwise.
  public var prediction: Prediction?
  /// The factor of log σ/4 that an EDM network is told; 10 by default.
  public var noiseScale: Double?
  /// The bound of denoised values when samples are drawn, as `clip_sample_range` of diffusers; `nil` for none.
  public var denoisedLimit: Double?
  /// The sizes of a multilayer perceptron, if it is one.
  public var mlp: MLP.Configuration?
  /// The sizes of a U-Net, if it is one.
  public var unet: UNet2D.Configuration?

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

  /// Builds the model with initial weights drawn from a seed.
  ///
  /// - Throws: `ModelConfigurationError` if the configuration, which may come from a file, describes no model.
  public func makeModel(seed: UInt64) throws -> any ScoreModel {
    var generator = RandomGenerator(seed: seed, purpose: .initialization)
    try validateExamples()
    if let mlp {
      try mlp.validate()
      guard mlp.shape == shape, mlp.classCount == classCount else {
        throw ModelConfigurationError(
          "an MLP for examples of shape \(mlp.shape) in \(mlp.classCount) classes does not model \(shape) in \(classCount)"
        )
      }
      return try score(MLP(mlp, using: &generator))
    }
    if let unet {
      try unet.validate()
      guard shape.count == 3, shape[0] == unet.inChannels, max(0, (unet.numClassEmbeds ?? 1) - 1) == classCount else {
        throw ModelConfigurationError(
          "a U-Net of \(unet.inChannels) channels does not model examples of shape \(shape) in \(classCount) classes")
      }
      return try score(UNet2D(unet, using: &generator))
    }
    throw ModelConfigurationError("the configuration names neither an MLP nor a U-Net")
  }

  /// Checks the shape and the deviation of examples.
  func validateExamples() throws(ModelConfigurationError) {
    let elements = shape.reduce(1.0) { $0 * Double($1) }
    guard !shape.isEmpty, shape.allSatisfy({ $0 > 0 }), elements <= 268_435_456, sigmaData > 0, sigmaData.isFinite
    else {
      throw ModelConfigurationError("examples of shape \(shape) with deviation \(sigmaData) cannot be modelled")
    }
    guard denoisedLimit ?? 1 > 0, (noiseScale ?? 1).isFinite else {
      throw ModelConfigurationError(
        "denoised values need a positive limit and the noise level a finite factor, not \(denoisedLimit ?? 0) and \(noiseScale ?? 0)"
      )
    }
  }

  /// What a network predicts, by diffusers' names.
  public enum Prediction: String, Codable, Hashable, Sendable, CaseIterable {
    /// The output of `Parameterization.edm`.
    case edm
    /// ε.
    case noise = "epsilon"
    /// s·ε − sσ·x₀.
    case velocity = "v_prediction"
    /// x₀.
    case denoised = "sample"
  }

  private var parameterization: Parameterization {
    switch prediction ?? (process.kind == .ddpm ? .noise : .edm) {
    case .edm: .edm(sigmaData: sigmaData, noiseScale: noiseScale ?? 10)
    case .noise: .noise(timeScale: 1)
    case .velocity: .velocity(timeScale: 1)
    case .denoised: .denoised(timeScale: 1)
    }
  }

  /// The model that a network makes.
  ///
  /// - Throws: `ModelConfigurationError`.
  func score(_ network: some ScoreNetwork) throws -> any ScoreModel {
    let process = try process.makeProcess()
    let model: any ScoreModel
    if isEnergy {
      let energy = EnergyNetwork(network, form: energyForm ?? .product)
      model = NetworkScore(energy, process: process, parameterization: parameterization)
    } else {
      model = NetworkScore(network, process: process, parameterization: parameterization)
    }
    return learnsUncertainty == true ? UncertainScore(model) : model
  }
}

/// One of the built-in processes with its constants.
public struct ProcessConfiguration: Codable, Hashable, Sendable {
  /// The names of the processes on the command line and in files.
  public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
    /// `EDMProcess`.
    case edm
    /// `VarianceExploding`.
    case ve
    /// `VariancePreserving`.
    case vp
    /// `SubVariancePreserving`.
    case subVP = "sub-vp"
    /// `DiscreteVariancePreserving`.
    case ddpm
  }

  /// Which process it is.
  public var kind: Kind
  /// σ_min of EDM and VE, β_min of VP, sub-VP and DDPM.
  public var minimum: Double
  /// σ_max of EDM and VE, β_max of VP, sub-VP and DDPM.
  public var maximum: Double
  /// How the rates of DDPM grow; linearly by default.
  public var betaSchedule: DiscreteVariancePreserving.BetaSchedule?
  /// The number of steps of DDPM; 1,000 by default.
  public var stepCount: Int?

  /// Makes a configuration with the constants of the literature.
  public init(_ kind: Kind) {
    self.kind = kind
    (minimum, maximum) =
      switch kind {
      case .edm: (0.002, 80)
      case .ve: (0.01, 50)
      case .vp, .subVP: (0.1, 20)
      case .ddpm: (1e-4, 0.02)
      }
  }

  /// Builds the process.
  ///
  /// - Throws: `ModelConfigurationError` unless 0 < minimum < maximum.
  public func makeProcess() throws -> any DiffusionProcess {
    guard minimum > 0, minimum < maximum, maximum.isFinite else {
      throw ModelConfigurationError(
        "the process \(kind.rawValue) needs 0 < minimum < maximum, not \(minimum) and \(maximum)")
    }
    let stepCount = stepCount ?? 1000
    // Below 1e-7 a rate vanishes beside 1 in single precision.
    guard kind != .ddpm || minimum >= 1e-7 && maximum <= 0.999 && (2...1_000_000).contains(stepCount) else {
      throw ModelConfigurationError(
        "the process ddpm needs rates from 1e-7 to 0.999 and 2 to 1000000 steps, not \(minimum), \(maximum) and \(stepCount)"
      )
    }
    return switch kind {
    case .ddpm:
      DiscreteVariancePreserving(betaSchedule ?? .linear, steps: stepCount, betaMin: minimum, betaMax: maximum)
    case .edm: EDMProcess(sigmaMin: minimum, sigmaMax: maximum)
    case .ve: VarianceExploding(sigmaMin: minimum, sigmaMax: maximum)
    case .vp: VariancePreserving(betaMin: minimum, betaMax: maximum)
    case .subVP: SubVariancePreserving(betaMin: minimum, betaMax: maximum)
    }
  }
}

/// A configuration that describes no model.
public struct ModelConfigurationError: Error, Equatable, CustomStringConvertible {
  /// One sentence.
  public let description: String

  /// Makes an error.
  public init(_ description: String) { self.description = description }
}

extension MLP.Configuration {
  /// Checks the sizes.
  ///
  /// - Throws: `ModelConfigurationError`.
  public func validate() throws(ModelConfigurationError) {
    let features = shape.reduce(1.0) { $0 * Double($1) }
    let parameters = Double(width) * (2 * features + 3 * Double(blocks) * Double(width))
    guard shape.allSatisfy({ $0 > 0 }), width >= 2, blocks >= 1, (0...1_000_000).contains(classCount), parameters < 4e9
    else {
      throw ModelConfigurationError(
        "an MLP of width \(width) with \(blocks) blocks for examples of shape \(shape) cannot be built")
    }
  }
}
