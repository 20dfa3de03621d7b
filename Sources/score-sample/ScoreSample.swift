import ArgumentParser
import CommandLineSupport
import Foundation
import ScoreKit

@main
struct ScoreSample: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score-sample",
    abstract: "Draws samples from a model that score-train has trained and writes them as one PNG.",
    discussion: """
      Example: score-sample runs/digits --out digits.png

      The same seeds give the same bytes at any batch size and count: sample i depends on seed i alone.
      """)

  @Argument(help: ArgumentHelp("The folder of a run, or one of its checkpoints.", valueName: "run"))
  var source: String

  @Option(
    help: ArgumentHelp("The picture to write: a grid of images, or a scatter plot of points.", valueName: "file.png"))
  var out: String

  @OptionGroup(title: "Sampler") var sampler: SamplerOptions
  @OptionGroup(title: "Samples") var samples: SampleOptions

  @Flag(help: "Use the last weights instead of their moving average.")
  var rawWeights = false

  @Option(help: ArgumentHelp("Also write the first 8 samples at 8 times along the way.", valueName: "file.png"))
  var trajectory: String?

  @Option(help: "How images below 64 pixels are magnified. (default: smooth up to 16 pixels, squares above)")
  var magnify: Magnification?

  @Option(help: ArgumentHelp("Also write the samples as a float32 array.", valueName: "file.npy"))
  var npy: String?

  @Option(help: ArgumentHelp("auto, cpu, cuda, cuda:N or mps.", valueName: "name"))
  var device = Device.automatic

  @Option(help: ArgumentHelp("The number of threads on the processor.", valueName: "n"))
  var threads: Int?

  @Option(help: "How progress is shown.")
  var progress = ProgressStyle.auto

  static func main() { runTool() }

  func validate() throws {
    if device != Device.automatic, Device(device) == nil {
      throw ValidationError("--device needs auto, cpu, cuda, cuda:N or mps, not \(device)")
    }
    if let threads, !(1...256).contains(threads) {
      throw ValidationError("--threads needs a whole number from 1 to 256, not \(threads)")
    }
  }

  func run() throws {
    InterruptSignal.install()
    Engine.keepFreedMemory()
    let device = try Device.prepared(device)
    if let threads { Engine.threadCount = threads }
    let saved = try SavedModel(contentsOf: source, useAverage: !rawWeights, device: device)
    let configuration = saved.record.model
    let request = SampleRequest(
      sampler: sampler.makeSampler(), seeds: samples.seeds, batchSize: samples.batchSize,
      labels: try samples.labels(classCount: configuration.classCount), guidance: samples.guidance)
    if samples.guidance != 1 && configuration.classCount == 0 {
      throw RunError(
        .usage, "--guidance needs a model with classes, and \(source) was trained without --class-conditional")
    }

    let progress = CommandLineSupport.Progress("sampling", total: samples.seeds.count, style: progress)
    var recorder = trajectory.map { _ in TrajectoryRecorder(sampleCount: min(8, samples.seeds.count), columns: 8) }
    let drawn = try saved.model.samples(request, process: saved.process, shape: configuration.shape) { range, state in
      if InterruptSignal.wasReceived {
        throw Interrupted("stopped before the samples were finished; nothing was written")
      }
      recorder?.record(range, state)
      let share = Double(state.step) / Double(max(state.stepCount, 1))
      progress.update(
        range.lowerBound + Int(Double(range.count) * share), "step \(state.step)/\(state.stepCount)")
    }
    progress.finish()

    try Image.picture(of: drawn, columns: samples.columns, magnification: magnify).write(toPNG: out)
    if let trajectory, let recorder {
      let states = recorder.states(endingWith: drawn)
      if configuration.shape.count == 3 {
        try Image.picture(of: states, columns: 8, magnification: magnify).write(toPNG: trajectory)
      } else {
        throw RunError(.usage, "--trajectory draws images, and this model makes points")
      }
    }
    if let npy { try NPYFile.write(drawn.to(.float32), to: npy) }
    print(out)
  }
}

/// Keeps the first samples at equally spaced steps.
struct TrajectoryRecorder {
  let sampleCount: Int
  let columns: Int
  private var columnStates: [Tensor] = []

  init(sampleCount: Int, columns: Int) {
    self.sampleCount = sampleCount
    self.columns = columns
  }

  mutating func record(_ range: Range<Int>, _ state: SamplerState) {
    guard range.lowerBound == 0 else { return }
    // The last column is the result; the others are spread over the steps before it.
    let wanted = (0..<(columns - 1)).contains { $0 * state.stepCount / (columns - 1) == state.step }
    if wanted, columnStates.count < columns - 1 {
      columnStates.append(state.x[0..<min(sampleCount, range.count)].to(.cpu))
    }
  }

  /// The states, one row for each sample: `[samples · columns, …]`.
  func states(endingWith result: Tensor) -> Tensor {
    let count = columnStates.map { $0.size(0) }.min() ?? sampleCount
    let all = (columnStates + [result]).map { $0[0..<count] }
    return .concatenate((0..<count).flatMap { sample in all.map { $0[sample..<(sample + 1)] } })
  }
}
