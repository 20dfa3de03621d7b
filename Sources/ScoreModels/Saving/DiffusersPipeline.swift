internal import FileSupport
package import Foundation
internal import Torch

/// A network with its scheduler as diffusers keeps them: the folder of a `DDPMPipeline`, or of a `UNet2DModel` alone.
///
/// ```
/// model_index.json                      the classes of the parts
/// unet/config.json, diffusion_pytorch_model.safetensors
/// scheduler/scheduler_config.json       the process, and what the network predicts
/// ```
/// Nothing in the folder is executed, and pickled weights are not read. Of the scheduler the process, the prediction and the
/// limit of denoised values are taken; the algorithm and its steps are chosen when samples are drawn.
public struct DiffusersPipeline {
  /// The folder does not hold what can be used here.
  public struct FolderError: Error, CustomStringConvertible, Equatable {
    /// One sentence with the path.
    public let description: String
  }

  /// The model that the folder describes.
  public let configuration: ModelConfiguration
  /// The model with its weights.
  public let model: any ScoreModel

  private static let indexFile = "model_index.json"
  private static let schedulerFile = "scheduler/scheduler_config.json"

  /// Whether a folder looks like one of diffusers'.
  public static func recognizes(_ folder: String) -> Bool {
    if FileManager.default.fileExists(atPath: "\(folder)/\(indexFile)") { return true }
    guard let data = try? AtomicFile.read("\(folder)/config.json"),
      let json = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
    else { return false }
    return json["_class_name"] as? String == "UNet2DModel"
  }

  /// Reads a folder.
  ///
  /// A `UNet2DModel` alone is taken to predict the noise of the process that `DDPMScheduler` has by default.
  ///
  /// - Throws: `FileError`, `FolderError`, `UNet2D.FolderError` or `ModelConfigurationError`.
  public init(contentsOf folder: String) throws {
    let isPipeline = FileManager.default.fileExists(atPath: "\(folder)/\(Self.indexFile)")
    if isPipeline {
      let index = try Self.object("\(folder)/\(Self.indexFile)")
      guard (index["unet"] as? [Any])?.last as? String == "UNet2DModel" else {
        throw FolderError(
          description:
            "\(folder)/\(Self.indexFile) describes a pipeline whose unet is no UNet2DModel, which is all that is read")
      }
    }
    let network = try UNet2D(contentsOf: isPipeline ? "\(folder)/unet" : folder)
    let unet = network.configuration
    guard let size = unet.sampleSize, (1...2).contains(size.count) else {
      throw FolderError(
        description: "the network in \(folder) has no sample_size in its config.json; add the side of its images")
    }
    guard unet.inChannels == 1 || unet.inChannels == 3, unet.outChannels == unet.inChannels else {
      throw FolderError(
        description:
          "the network in \(folder) maps \(unet.inChannels) to \(unet.outChannels) channels, and images have 1 or 3")
    }
    var scheduler = Scheduler()
    if isPipeline { scheduler = try Scheduler(Self.object("\(folder)/\(Self.schedulerFile)"), path: folder) }
    var configuration = ModelConfiguration(
      unet: unet, shape: [unet.inChannels, size[0], size[size.count - 1]], process: scheduler.process,
      sigmaData: scheduler.sigmaData)
    configuration.prediction = scheduler.prediction
    configuration.denoisedLimit = scheduler.limit
    if scheduler.process.kind == .edm { configuration.noiseScale = 1 }
    try configuration.validateExamples()
    self.configuration = configuration
    model = try configuration.score(network)
  }

  /// Writes a trained model so that `DDPMPipeline.from_pretrained` reads it.
  ///
  /// - Throws: `FolderError` for a model that diffusers has no form for, `FileError`.
  public static func write(_ model: any ScoreModel, configuration: ModelConfiguration, to folder: String) throws {
    func refuse(_ reason: String) -> FolderError { FolderError(description: "diffusers has no form for \(reason)") }
    guard configuration.unet != nil else { throw refuse("a multilayer perceptron; train with --model unet") }
    guard !configuration.isEnergy else {
      throw refuse("a score that is the gradient of an energy; train without --conservative energy")
    }
    guard configuration.process.kind == .ddpm else {
      throw refuse("networks of the process \(configuration.process.kind.rawValue); train with --process ddpm")
    }
    let base = (model as? UncertainScore)?.base ?? model
    guard let network = (base as? NetworkScore<UNet2D>)?.network else { throw refuse("this model") }
    try AtomicFile.createFolder("\(folder)/scheduler")
    try network.write(to: "\(folder)/unet", sampleSize: Array(configuration.shape.dropFirst()))
    let scheduler = Scheduler(configuration)
    try write(scheduler.json, to: "\(folder)/\(schedulerFile)")
    // Last, so that a folder with an index is complete.
    let index: [String: Any] = [
      "_class_name": "DDPMPipeline", "_diffusers_version": "0.42.1", "scheduler": ["diffusers", "DDPMScheduler"],
      "unet": ["diffusers", "UNet2DModel"],
    ]
    try write(index, to: "\(folder)/\(indexFile)")
  }

  /// The process of a `scheduler_config.json`.
  package static func process(scheduler data: Data) throws -> any DiffusionProcess {
    guard let json = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
      throw FolderError(description: "the scheduler is not a JSON object")
    }
    return try Scheduler(json, path: "").process.makeProcess()
  }

  private static func write(_ json: [String: Any], to path: String) throws {
    let data = try JSONSerialization.data(withJSONObject: json, options: [.prettyPrinted, .sortedKeys])
    try AtomicFile.write(data + Data("\n".utf8), to: path)
  }

  private static func object(_ path: String) throws -> [String: Any] {
    let data = try AtomicFile.read(path)
    guard let json = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
      throw FolderError(description: "\(path) is not a JSON object")
    }
    return json
  }

  /// What is taken from `scheduler_config.json`.
  private struct Scheduler {
    var process = ProcessConfiguration(.ddpm)
    var prediction = ModelConfiguration.Prediction.noise
    var limit: Double?
    /// Where nothing else is known, that of images.
    var sigmaData = 0.5

    /// The schedulers for networks of the process of DDPM, which differ in how they step through it.
    private static let discreteSchedulers: Set = [
      "DDPMScheduler", "DDPMParallelScheduler", "DDIMScheduler", "DDIMParallelScheduler", "PNDMScheduler",
      "LMSDiscreteScheduler", "EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler",
      "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "DPMSolverMultistepScheduler",
      "DPMSolverSinglestepScheduler", "DPMSolverSDEScheduler", "DEISMultistepScheduler", "UniPCMultistepScheduler",
      "RePaintScheduler",
    ]

    init() {}

    init(_ configuration: ModelConfiguration) {
      process = configuration.process
      prediction = configuration.prediction ?? .noise
      limit = configuration.denoisedLimit
    }

    init(_ json: [String: Any], path: String) throws {
      let name = json["_class_name"] as? String ?? "no class"
      func refuse(_ reason: String) -> FolderError {
        FolderError(description: "\(path)/\(schedulerFile): \(reason)")
      }
      func number(_ key: String, _ standard: Double) -> Double { json[key] as? Double ?? standard }
      let predicted = json["prediction_type"] as? String ?? "epsilon"
      if ["EDMEulerScheduler", "EDMDPMSolverMultistepScheduler"].contains(name) {
        guard predicted == "epsilon" else { throw refuse("the prediction_type \(predicted) is not read with \(name)") }
        process = ProcessConfiguration(.edm)
        (process.minimum, process.maximum) = (number("sigma_min", 0.002), number("sigma_max", 80))
        (prediction, sigmaData) = (.edm, number("sigma_data", 0.5))
        return
      }
      guard Self.discreteSchedulers.contains(name) else {
        throw refuse("a scheduler of the class \(name) is not read, only DDPMScheduler and those with the same process")
      }
      guard let prediction = ModelConfiguration.Prediction(rawValue: predicted), prediction != .edm else {
        throw refuse("the prediction_type \(predicted) is unknown; epsilon, v_prediction and sample are read")
      }
      let schedule = json["beta_schedule"] as? String ?? "linear"
      guard let betas = DiscreteVariancePreserving.BetaSchedule(rawValue: schedule) else {
        throw refuse("the beta_schedule \(schedule) is not read")
      }
      for (key, isSet) in [
        ("trained_betas", json["trained_betas"].map { !($0 is NSNull) } ?? false),
        ("thresholding", json["thresholding"] as? Bool ?? false),
        ("rescale_betas_zero_snr", json["rescale_betas_zero_snr"] as? Bool ?? false),
      ] where isSet {
        throw refuse("\(key) is not supported")
      }
      self.prediction = prediction
      process.betaSchedule = betas
      process.stepCount = json["num_train_timesteps"] as? Int
      (process.minimum, process.maximum) = (number("beta_start", 1e-4), number("beta_end", 0.02))
      let clips = json["clip_sample"] as? Bool ?? ["DDPM", "DDIM", "RePaint"].contains(where: name.hasPrefix)
      if clips { limit = number("clip_sample_range", 1) }
    }

    /// The configuration of a `DDPMScheduler`.
    var json: [String: Any] {
      [
        "_class_name": "DDPMScheduler", "_diffusers_version": "0.42.1",
        "num_train_timesteps": process.stepCount ?? 1000,
        "beta_start": process.minimum, "beta_end": process.maximum,
        "beta_schedule": (process.betaSchedule ?? .linear).rawValue, "prediction_type": prediction.rawValue,
        "clip_sample": limit != nil, "clip_sample_range": limit ?? 1, "variance_type": "fixed_small",
        "timestep_spacing": "leading", "steps_offset": 0, "thresholding": false, "rescale_betas_zero_snr": false,
      ]
    }
  }
}
