public import Files
package import Foundation
public import ScoreModels
internal import Torch

/// A network with its scheduler as diffusers saves them: the folder of a `DDPMPipeline`, or of a `UNet2DModel` alone.
///
/// ```
/// model_index.json                      the classes of the parts
/// unet/config.json, diffusion_pytorch_model.safetensors
/// scheduler/scheduler_config.json       the process, and what the network predicts
/// ```
/// Nothing in the folder is executed, and pickled weights are not read. The scheduler gives the process, the prediction
/// and the limit of denoised values. Its algorithm and steps are not used: these are chosen when samples are drawn.
public struct DiffusersPipeline {
  /// Why a folder cannot be read as a model, or a model cannot be written as a folder.
  public struct FolderError: Failure, Equatable {
    /// A folder whose content is wrong.
    public var kind: FailureKind { .data }
    /// One sentence with the path.
    public let sentence: Sentence
    /// The sentence, with options named as in `config.json`.
    public var description: String { sentence.description }

    init(description sentence: Sentence) { self.sentence = sentence }
  }

  /// The model that the folder describes.
  public let configuration: ModelConfiguration
  /// The model with its weights.
  public let model: any ScoreModel

  private static let indexFile = "model_index.json"
  private static let schedulerFile = "scheduler/scheduler_config.json"
  private static let configurationFile = "config.json"

  /// Whether a folder is one of diffusers': it has an index, or a `config.json` that names a class.
  ///
  /// - Throws: `FileError` if the folder cannot be examined.
  public static func recognizes(_ folder: String) throws -> Bool {
    if try FilePath.exists("\(folder)/\(indexFile)") { return true }
    let configuration = "\(folder)/\(configurationFile)"
    guard try FilePath.exists(configuration) else { return false }
    return JSONFields(try AtomicFile.read(configuration, limit: InputFile.descriptionLimit))?.contains("_class_name")
      == true
  }

  /// Reads a folder.
  ///
  /// A `UNet2DModel` without a scheduler is assumed to predict the noise, with the default process of `DDPMScheduler`.
  /// The configurations are compared with the weights before memory for the network is allocated.
  ///
  /// - Throws: `FileError`, `FolderError` or `UNet2D.FolderError`.
  public init(contentsOf folder: String) throws {
    let isPipeline = try FilePath.exists("\(folder)/\(Self.indexFile)")
    var scheduler = DiffusersScheduler()
    if isPipeline {
      try Self.read("\(folder)/\(Self.indexFile)") { index throws(JSONFields.FieldError) in
        guard try index.texts("unet")?.last == "UNet2DModel" else {
          throw JSONFields.FieldError(
            description: "it describes a pipeline whose unet is no UNet2DModel, which is all that is read")
        }
      }
      scheduler = try Self.read("\(folder)/\(Self.schedulerFile)", DiffusersScheduler.init)
    } else {
      try Self.read("\(folder)/\(Self.configurationFile)") { configuration throws(JSONFields.FieldError) in
        let name = try configuration.text("_class_name") ?? "no class"
        guard name == "UNet2DModel" else {
          throw JSONFields.FieldError(description: "a network of the class \(name) is not read, only a UNet2DModel")
        }
      }
    }
    let network = try UNet2D(contentsOf: isPipeline ? "\(folder)/unet" : folder)
    let unet = network.configuration
    guard let size = unet.sampleSize else {
      throw FolderError(
        description: "the network in \(folder) has no sample_size in its config.json; add the side of its images")
    }
    guard unet.inChannels == 1 || unet.inChannels == 3, unet.outChannels == unet.inChannels else {
      throw FolderError(
        description:
          "the network in \(folder) maps \(unet.inChannels) to \(unet.outChannels) channels, and images have 1 or 3")
    }
    var configuration = ModelConfiguration(
      unet: unet, shape: [unet.inChannels, size[0], size[size.count - 1]], process: scheduler.process,
      sigmaData: scheduler.sigmaData)
    configuration.prediction = scheduler.prediction
    configuration.denoisedLimit = scheduler.limit
    if scheduler.process.kind == .edm { configuration.noiseScale = 1 }
    do {
      try configuration.validate(.builtIn)
      model = try configuration.score(network)
    } catch {
      throw FolderError(description: "\(folder) describes no model: \(error)")
    }
    self.configuration = configuration
  }

  /// Writes a trained model so that `DDPMPipeline.from_pretrained` reads it.
  ///
  /// - Throws: `FolderError` for a model that diffusers has no form for, `FileError`.
  public static func write(_ model: any ScoreModel, configuration: ModelConfiguration, to folder: String) throws {
    func refuse(_ reason: Sentence) -> FolderError { FolderError(description: "diffusers has no form for \(reason)") }
    guard configuration.unet != nil else { throw refuse("a multilayer perceptron; train with \(option: "model") unet") }
    guard !configuration.isEnergy else {
      throw refuse("a score that is the gradient of an energy; train without \(option: "conservative") energy")
    }
    guard configuration.process.kind == .ddpm else {
      throw refuse(
        "networks of the process \(configuration.process.kind.rawValue); train with \(option: "process") ddpm")
    }
    let base = (model as? UncertainScore)?.base ?? model
    guard let network = (base as? NetworkScore<UNet2D>)?.network else { throw refuse("this model") }
    try AtomicFile.createFolder("\(folder)/scheduler")
    try network.write(to: "\(folder)/unet", sampleSize: Array(configuration.shape.dropFirst()))
    let scheduler = DiffusersScheduler(configuration)
    try write(scheduler.json, to: "\(folder)/\(schedulerFile)")
    // The index is written last, so that a folder with an index is complete.
    let index: [String: Any] = [
      "_class_name": "DDPMPipeline", "_diffusers_version": "0.42.1", "scheduler": ["diffusers", "DDPMScheduler"],
      "unet": ["diffusers", "UNet2DModel"],
    ]
    try write(index, to: "\(folder)/\(indexFile)")
  }

  /// The process of a `scheduler_config.json`.
  package static func process(scheduler data: Data) throws -> any DiffusionProcess {
    guard let fields = JSONFields(data) else { throw FolderError(description: "the scheduler is not a JSON object") }
    do {
      return try DiffusersScheduler(fields).process.makeProcess()
    } catch {
      throw FolderError(description: "the scheduler: \(error)")
    }
  }

  private static func write(_ json: [String: Any], to path: String) throws {
    let data = try JSONSerialization.data(withJSONObject: json, options: [.prettyPrinted, .sortedKeys])
    try AtomicFile.write(data + Data("\n".utf8), to: path)
  }

  /// Applies a closure to the fields of a file; errors of the closure become sentences with the path.
  @discardableResult
  private static func read<Value>(
    _ path: String, _ body: (JSONFields) throws(JSONFields.FieldError) -> Value
  ) throws -> Value {
    guard let fields = JSONFields(try AtomicFile.read(path, limit: InputFile.descriptionLimit)) else {
      throw FolderError(description: "\(path) is not a JSON object")
    }
    do throws(JSONFields.FieldError) {
      return try body(fields)
    } catch {
      throw FolderError(description: "\(path): \(error)")
    }
  }
}
