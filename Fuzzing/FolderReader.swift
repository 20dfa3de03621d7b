import Foundation
import ScoreKit
import ScoreModels
import Torch

/// Reads whole folders: checkpoints, and pipelines of diffusers.
enum FolderReader {
  /// In the memory where the script says so; one for the process, emptied for each input.
  private static let folder =
    "\(FileManager.default.temporaryDirectory.path)/scorekit-fuzz-\(ProcessInfo.processInfo.processIdentifier)"

  /// Writes the packed folder, loads the model in it and evaluates that once.
  static func read(_ data: Data, as reader: Reader) throws {
    let input = PackedFolder(data, bases: reader == .pipeline ? pipelines : checkpoints)
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try input.write(to: folder)
    _ = try? Checkpoint<RunRecord>(contentsOf: folder)
    let saved = try SavedModel(contentsOf: folder, useAverage: !input.options.contains(.lastWeights))
    // Large models are none of the reader's business once they are loaded, and would only take time.
    let shape = saved.record.model.shape
    guard shape.reduce(1, *) <= 4096, saved.model.parameterCount <= 1 << 20 else { return }
    let condition = saved.record.model.condition(seeds: [0, 1])
    let times = Tensor([0.1, 0.9]).to(.float32)
    let score = saved.samplingModel.score(Tensor.zeros([2] + shape), at: times, condition: condition)
    precondition(score.shape == [2] + shape, "the score of \(shape) has the shape \(score.shape)")
  }

  /// Writes packed folders as seeds of a corpus, and reads each: whole ones, and ones of which a file is described.
  static func writeSeeds(of reader: Reader, to path: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let bases = reader == .pipeline ? pipelines : checkpoints
    for (number, base) in bases.enumerated() {
      var seeds = ["whole": base.packed(.init([], base: bases.count), only: Set(PackedFolder.names))]
      for options in [[], .mended, [.mended, .lastWeights]] as [PackedFolder.Options] {
        for file in base.files.keys {
          let name = "\(file.replacing("/", with: "-"))-\(options.rawValue)"
          seeds[name] = base.packed(.init(options, base: number), only: [file])
        }
      }
      for (name, packed) in seeds {
        try read(packed, as: reader)
        try packed.write(to: URL(fileURLWithPath: "\(path)/\(number)-\(name)"))
      }
    }
    try FileManager.default.removeItem(atPath: folder)
  }

  private static let checkpoints = bases(of: .checkpoint)
  private static let pipelines = bases(of: .pipeline)

  /// Small valid folders.
  private static func bases(of reader: Reader) -> [PackedFolder] {
    models.filter { $0.isDiffusers == (reader == .pipeline) }.flatMap { _, isDiffusers, configuration in
      do {
        let model = try configuration.makeModel(seed: 1)
        try? FileManager.default.removeItem(atPath: folder)
        if isDiffusers {
          try DiffusersPipeline.write(model, configuration: configuration, to: folder)
          return [PackedFolder(folder: folder), PackedFolder(folder: "\(folder)/unet")]
        }
        let state = model.state()
        try Checkpoint(
          step: 5, configuration: RunRecord(run: RunConfiguration(), model: configuration, data: "0"), model: state,
          average: state, optimizer: state
        ).write(to: folder)
        return [PackedFolder(folder: folder)]
      } catch {
        fatalError("the seeds cannot be made: \(error)")
      }
    }
  }

  private static var models: [(name: String, isDiffusers: Bool, configuration: ModelConfiguration)] {
    var plain = UNet2D.Configuration()
    (plain.inChannels, plain.outChannels, plain.blockOutChannels) = (1, 1, [4])
    (plain.downBlockTypes, plain.upBlockTypes, plain.layersPerBlock) = ([.plain], [.plain], 1)
    (plain.midBlockType, plain.normNumGroups, plain.sampleSize) = (nil, 2, [4, 4])
    var classes = plain
    (classes.midBlockType, classes.numClassEmbeds, classes.attentionHeadDim) = (.attention, 3, 2)
    let points = MLP.Configuration(shape: [2], width: 4, blocks: 1)
    let labelled = MLP.Configuration(shape: [2], width: 4, blocks: 2, classCount: 2)
    func images(_ unet: UNet2D.Configuration, _ kind: ProcessConfiguration.Kind) -> ModelConfiguration {
      ModelConfiguration(unet: unet, shape: [1, 4, 4], process: ProcessConfiguration(kind), sigmaData: 0.5)
    }
    return [
      ("points", false, ModelConfiguration(mlp: points, process: ProcessConfiguration(.edm), sigmaData: 1)),
      (
        "energy", false,
        ModelConfiguration(mlp: labelled, process: ProcessConfiguration(.vp), sigmaData: 1, isEnergy: true)
      ),
      ("images", false, images(plain, .ddpm)),
      ("plain", true, images(plain, .ddpm)),
      ("classes", true, images(classes, .ddpm)),
    ]
  }
}
