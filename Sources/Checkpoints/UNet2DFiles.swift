public import Files
import Foundation
public import ScoreModels
internal import Torch

extension UNet2D {
  /// Why a folder does not hold a network.
  public struct FolderError: Failure, Equatable {
    /// A folder whose content is wrong.
    public var kind: FailureKind { .data }
    /// One sentence with the path.
    public let description: String
  }

  private static let configurationFile = "config.json"
  private static let weightsFile = "diffusion_pytorch_model.safetensors"

  /// Reads a network that diffusers, or `write(to:)`, saved in a folder: `config.json` and
  /// `diffusion_pytorch_model.safetensors`.
  ///
  /// Weights in half precision are converted to `float32`. Attention under the names of early versions of diffusers
  /// (`query`, `key`, `value`, `proj_attn`) is understood. No code in the folder is run, and pickled weights are not
  /// read. The configuration is compared with the weights before memory for the network is allocated.
  ///
  /// - Throws: `FileError` for a file that cannot be read and `FolderError` for one whose content is wrong, with its path.
  public init(contentsOf folder: String) throws {
    let path = "\(folder)/\(Self.configurationFile)"
    let configuration: Configuration
    let json = try AtomicFile.read(path, limit: InputFile.descriptionLimit)
    do {
      configuration = try JSONDecoder().decode(Configuration.self, from: json)
    } catch let error as ConfigurationError {
      throw FolderError(description: "\(path): \(error)")
    } catch {
      throw FolderError(description: "\(path) is not valid JSON")
    }
    try self.init(configuration, weights: "\(folder)/\(Self.weightsFile)", folder: folder)
  }

  private init(_ configuration: Configuration, weights path: String, folder: String) throws {
    let file: Safetensors
    do {
      file = try Safetensors(contentsOf: path)
    } catch let error as FileError {
      let pickle = "\(folder)/diffusion_pytorch_model.bin"
      guard error.isMissing, try FilePath.exists(pickle) else { throw error }
      throw FolderError(
        description: "\(pickle) holds pickled weights, which are not read: save the model with safe_serialization=True")
    } catch {
      throw FolderError(description: "\(path): \(error)")
    }
    do {
      guard configuration.minimumTensorCount <= file.tensors.count else {
        throw ConfigurationError(
          "the configuration describes a network of \(configuration.minimumTensorCount) tensors or more, and the weights hold \(file.tensors.count): they belong to another model"
        )
      }
      self = withoutElements {
        var generator = RandomGenerator(seed: 0, purpose: .initialization)
        return UNet2D(configuration, using: &generator)
      }
      try load(Dictionary(file.tensors.map { (Self.currentName($0.key), $0.value) }) { first, _ in first })
    } catch {
      throw FolderError(description: "\(path): \(error)")
    }
  }

  /// Saves the network so that diffusers' `UNet2DModel.from_pretrained` and `init(contentsOf:)` load it from the folder.
  ///
  /// - Parameter sampleSize: the height and width to write in place of the configuration's own.
  /// - Throws: `FileError`.
  public func write(to folder: String, sampleSize: [Int]? = nil) throws {
    var configuration = configuration
    if let sampleSize { configuration.sampleSize = sampleSize }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try AtomicFile.createFolder(folder)
    try Safetensors(state(), metadata: ["format": "pt"]).write(to: "\(folder)/\(Self.weightsFile)")
    try AtomicFile.write(
      try encoder.encode(ExportedConfiguration(configuration: configuration)),
      to: "\(folder)/\(Self.configurationFile)")
  }

  private struct ExportedConfiguration: Encodable {
    let configuration: Configuration

    func encode(to encoder: any Encoder) throws {
      try configuration.encode(to: encoder)
      var container = encoder.container(keyedBy: JSONKey.self)
      try container.encode("UNet2DModel", forKey: JSONKey(stringValue: "_class_name"))
    }
  }

  /// The current name of a parameter; before version 0.15 diffusers had other names for attention.
  private static func currentName(_ name: String) -> String {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 4, parts[parts.count - 4] == "attentions" else { return name }
    let renamed = ["query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"]
    let index = parts.count - 2
    parts[index] = renamed[parts[index]] ?? parts[index]
    return parts.joined(separator: ".")
  }
}
