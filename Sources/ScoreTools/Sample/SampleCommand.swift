public import ArgumentParser
import CommandLineSupport
import Foundation
import ScoreKit

/// `score-sample`, or the tool of another `ToolSet` that draws samples.
public struct SampleCommand<Tools: ToolSet>: ParsableCommand {
  /// The name and the description.
  public static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "\(Tools.name)-sample",
      abstract: "Draws samples from a model that \(Tools.name)-train has trained and writes them as one PNG.",
      discussion: """
        Example: \(Tools.name)-sample runs/digits --out digits.png

        The same seeds give the same bytes at any batch size and count: sample i depends on seed i alone.
        """,
      version: "\(Tools.name)-sample \(Tools.version)")
  }

  @Argument(
    help: ArgumentHelp("The folder of a run, or one of its checkpoints.", valueName: "run"), completion: .directory)
  var source: String

  @Option(
    help: ArgumentHelp(
      "The picture to write: a grid of images, or a scatter plot of points; with the extension .npy an array instead.",
      valueName: "file.png"), completion: .file(extensions: ["png", "npy"]))
  var out: String

  @OptionGroup(title: "Sampler") var sampler: SamplerOptions<Tools>
  @OptionGroup(title: "Samples") var samples: SampleOptions
  @OptionGroup(title: "Known parts") var known: ObservationOptions<Tools>

  @Flag(help: "Use the last weights instead of their moving average.")
  var rawWeights = false

  @Option(
    help: ArgumentHelp(
      "Also write the way from noise in up to 8 steps: of the first 8 images, or of all points.", valueName: "file.png"),
    completion: .file(extensions: ["png"]))
  var trajectory: String?

  @Option(
    help: ArgumentHelp(
      "Also write the way from noise as an animated PNG of up to 60 steps: of the first 100 images, or of all points.",
      valueName: "file.png"), completion: .file(extensions: ["png"]))
  var animation: String?

  @Option(help: "How images below 64 pixels are magnified. (default: smooth up to 16 pixels, squares above)")
  var magnify: Magnification?

  @Option(
    help: ArgumentHelp("Also write the samples as a float32 array.", valueName: "file.npy"),
    completion: .file(extensions: ["npy"]))
  var npy: String?

  @Option(
    help: ArgumentHelp(
      "The standard normal noise to begin with, in place of that of the seeds: an array of the samples' shape.",
      valueName: "file.npy"), completion: .file(extensions: ["npy"]))
  var noise: String?

  @OptionGroup var placement: DeviceOptions

  @Option(help: "How progress is shown.")
  var progress = ProgressStyle.auto

  @OptionGroup(title: "Options of \(Tools.name)-sample") var own: Tools.SampleOptions

  /// Makes a command without options.
  public init() {}

  /// Runs the tool and ends the process.
  public static func main() { runTool() }

  /// Checks the options.
  public func validate() throws {
    for (name, path) in [
      ("the run", source), ("--out", out), ("--trajectory", trajectory), ("--animation", animation), ("--npy", npy),
      ("--noise", noise),
    ]
    where path == "" {
      throw ValidationError("\(name) has an empty path")
    }
  }

  /// Draws samples and writes them.
  public func run() throws {
    Engine.keepFreedMemory()
    let device = try placement.prepare()
    let saved = try SavedModel(contentsOf: source, useAverage: !rawWeights, device: device, catalog: Tools.catalog)
    let configuration = saved.record.model
    let given = try noise.map { try NPYFile.read($0) }
    if let given, given.shape != [samples.seeds.count] + configuration.shape {
      throw RunError(
        .data,
        "the noise in \(noise ?? "") has the shape \(given.shape), and the samples \([samples.seeds.count] + configuration.shape)"
      )
    }
    let knownParts = try known.knownParts(seeds: samples.seeds, shape: configuration.shape)
    let condition = try samples.condition(of: configuration, continuing: knownParts)
    try configuration.validate(guidance: samples.guidance, of: source)
    try checkDestinations(shape: configuration.shape)

    let progress = CommandLineSupport.Progress("sampling", total: samples.seeds.count, style: progress)
    let (count, isImages) = (samples.seeds.count, configuration.shape.count == 3)
    func recorder(_ path: String?, samples: Int, states: Int) -> TrajectoryRecorder {
      TrajectoryRecorder(
        sampleCount: path == nil ? 0 : min(isImages ? samples : 10_000, count), stateCount: states,
        process: saved.process, model: configuration)
    }
    var strip = recorder(trajectory, samples: 8, states: 7)
    var film = recorder(animation, samples: 100, states: 59)
    var acceptance = AcceptanceRecorder()
    try InterruptSignal.deferred {
      let drawn = try own.applied(to: sampler.makeSampler()).sample(
        from: saved.samplingModel.guided(weight: samples.guidance), process: saved.process, shape: configuration.shape,
        seeds: samples.seeds, batchSize: samples.batchSize, condition: condition, observation: knownParts?.observation,
        noise: given?.expandingDimension(at: 0)
      ) { state in
        if InterruptSignal.wasReceived {
          throw Interrupted("stopped before the samples were finished; nothing was written")
        }
        strip.record(state)
        film.record(state)
        acceptance.record(state)
        let share = Double(state.step) / Double(max(state.stepCount, 1))
        let counts = "step \(state.step)/\(state.stepCount)"
        progress.update(
          state.samples.lowerBound + Int(Double(state.samples.count) * share),
          [counts, acceptance.latest].compactMap { $0 }.joined(separator: "  "))
      }
      progress.finish()
      if let summary = acceptance.summary { progress.note(summary) }

      if let npy { try NPYFile.write(drawn.to(.float32), to: npy) }
      if isArray {
        try NPYFile.write(drawn.to(.float32), to: out)
      } else {
        try picture(of: drawn, known: knownParts, over: saved.trainingPoints(Tools.catalog)).write(toPNG: out)
      }
      if let trajectory {
        try strip.picture(endingWith: drawn, magnification: magnify).write(toPNG: trajectory)
      }
      if let animation {
        try film.animation(endingWith: drawn, columns: samples.columns, magnification: magnify).write(to: animation)
      }
    }
    if !StandardStreams.isOutput(out) { print(out) }
  }

  /// The samples; where a part of them was known, beside what was kept; where they are points, over the data.
  private func picture(of drawn: Tensor, known: KnownParts?, over data: Tensor?) throws -> Image {
    func grid(_ images: Tensor) throws -> Image {
      try Image.picture(of: images, columns: samples.columns, magnification: magnify, over: data)
    }
    let picture = try grid(drawn)
    guard let known else { return picture }
    let pairs = [("kept", try grid(known.kept.to(.float32))), ("drawn", picture)]
    return .panels(pairs, columns: 2 * picture.width > 3 * picture.height ? 1 : 2)
  }

  /// Whether the samples are written as an array and not as a picture.
  private var isArray: Bool { out.lowercased().hasSuffix(".npy") }

  /// Checks, before samples are drawn, that the results can be drawn and written.
  private func checkDestinations(shape: [Int]) throws {
    if shape.count != 3 {
      for (name, isGiven) in [
        ("columns", samples.columns != nil), ("magnify", magnify != nil),
      ]
      where isGiven {
        throw RunError(.usage, "--\(name) is about grids of images, and this model makes points")
      }
      if shape != [2] && !isArray {
        throw RunError(
          .usage,
          "points of \(shape[0]) numbers cannot be drawn, only images and points of the plane; write an array with "
            + "--out FILE.npy")
      }
    }
    if shape.count != 3 && shape != [2] && (trajectory != nil || animation != nil) {
      throw RunError(
        .usage, "--trajectory and --animation draw images and points of the plane, and this model makes others")
    }
    for path in [out, trajectory, animation, npy].compactMap({ $0 }) {
      if try path.hasSuffix("/") || FilePath.isFolder(path) {
        throw RunError(.usage, "\(path) is a folder; name a file to write")
      }
      if access(FilePath.folder(of: path), W_OK) != 0 { throw FileError("write", path: path) }
    }
  }
}
