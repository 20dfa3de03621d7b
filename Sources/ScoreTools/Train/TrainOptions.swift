public import ArgumentParser
import CommandLineSupport
public import ScoreKit

extension Dataset.Loading: ExpressibleByArgument {}
extension RunConfiguration.Weighting: ExpressibleByArgument {}
extension RunConfiguration.Flip: ExpressibleByArgument {}
extension RunConfiguration.Conservative: ExpressibleByArgument {}
extension LearningRateSchedule.Decay: ExpressibleByArgument {}
extension RunConfiguration.Preset: ExpressibleByArgument {}

/// Sets a property where an option was given.
private func set<Value>(_ property: inout Value, _ option: Value?) {
  if let option { property = option }
}

private func set<Value>(_ property: inout Value?, _ option: Value?) {
  if let option { property = option }
}

/// Where data come from and where the run goes.
struct PlaceOptions<Tools: ToolSet>: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What to learn: \((DatasetSource.builtInNames + Tools.catalog.data.map { $0.name }).joined(separator: ", ")), or the path of an IDX file (.gz or not), a CIFAR-10 .bin file, a .npy or .npz array, or a folder or .zip of PNGs.",
      valueName: "source"), completion: .file())
  var data: String?

  @Option(
    help: ArgumentHelp("The labels that belong to an IDX file or to a .npy array: IDX or .npy.", valueName: "path"),
    completion: .file())
  var labels: String?

  @Option(
    help: """
      Where the examples of files are while they are used: in memory, or read batch by batch; auto streams what would take \
      more than a quarter of the memory. (default: auto)
      """)
  var loading: Dataset.Loading?

  @Option(
    help: ArgumentHelp("The folder of the run; --show-config needs none.", valueName: "run"), completion: .directory)
  var out: String?

  @Option(
    help:
      "Sizes of network and training for 8×8 digits, 28×28 grey images, 32×32 colour images or points, which the other options override."
  )
  var preset: RunConfiguration.Preset?

  @Option(
    help: ArgumentHelp("A JSON file of options, which those given here override.", valueName: "file.json"),
    completion: .file(extensions: ["json"]))
  var config: String?

  @Flag(help: "Print all options as JSON, those that suit the data too if there are any, and do not train.")
  var showConfig = false

  func apply(to configuration: inout RunConfiguration) {
    set(&configuration.data, data)
    set(&configuration.labels, labels)
    set(&configuration.loading, loading)
  }
}

/// What is trained.
struct ModelOptions<Tools: ToolSet>: ParsableArguments {
  @Option(help: "The network; auto takes a U-Net for images and an MLP for points. (default: auto)")
  var model: Choice<ModelNames<Tools>>?

  @Option(help: ArgumentHelp("The width of an MLP. (default: 128)", valueName: "n"))
  var width: Int?

  @Option(
    help: ArgumentHelp(
      "The channels of each level of a U-Net, such as 32,64,64. (default: 32,64 for images of up to 256 numbers; else 32,64,64, and 128 for each further level down to 16 pixels)",
      valueName: "list"),
    transform: {
      try List($0, "channels", of: "whole numbers separated by commas such as 32,64,64") { Int($0) }
    })
  var channels: List<Int>?

  @Option(
    help: ArgumentHelp(
      "The residual blocks of an MLP, or of each level of a U-Net. (default: 3 of an MLP; 1 for images of up to 256 numbers, else 2)",
      valueName: "n"))
  var blocks: Int?

  @Option(help: "The diffusion process. (default: edm)")
  var process: Choice<ProcessNames<Tools>>?

  @Option(
    help: ArgumentHelp(
      "The smallest noise level of the processes edm and ve. (default: 0.002 for edm, 0.01 for ve)", valueName: "x"))
  var sigmaMin: Double?

  @Option(
    help: ArgumentHelp(
      "The largest noise level of the processes edm and ve. (default: 80 for edm, 50 for ve)", valueName: "x"))
  var sigmaMax: Double?

  @Option(
    help: """
      How the score is made conservative: by a penalty on the asymmetry of its Jacobian, by projecting updates, or \
      exactly, as the gradient of an energy. (default: off)
      """)
  var conservative: RunConfiguration.Conservative?

  @Option(help: ArgumentHelp("The weight of the penalty of --conservative penalty. (default: 100)", valueName: "x"))
  var penaltyWeight: Double?

  @Option(
    help: ArgumentHelp(
      "The steps between the projections of --conservative projection. (default: a twelfth of the run)", valueName: "n")
  )
  var projectionEvery: Int?

  @Flag(help: "Learn the score of each class of labelled data.")
  var classConditional = false

  func apply(to configuration: inout RunConfiguration) {
    set(&configuration.model, model?.value)
    set(&configuration.width, width)
    set(&configuration.channels, channels?.elements)
    set(&configuration.blocks, blocks)
    set(&configuration.process, process?.value)
    set(&configuration.sigmaMin, sigmaMin)
    set(&configuration.sigmaMax, sigmaMax)
    set(&configuration.conservative, conservative)
    set(&configuration.penaltyWeight, penaltyWeight)
    set(&configuration.projectionEvery, projectionEvery)
    if classConditional { configuration.classConditional = true }
  }
}

/// How it is trained.
struct TrainingOptions<Tools: ToolSet>: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The number of training steps. (default: 5000 for points; 1500 for images of up to 256 numbers, else 10000)",
      valueName: "n"))
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "The number of examples in a step. (default: 512 for points; 128 for images of up to 256 numbers, else 4 to 64 by their size)",
      valueName: "n"))
  var batchSize: Int?

  @Option(
    help: ArgumentHelp(
      "The learning rate after the warm-up. (default: 0.002 for examples of up to 256 numbers, else 0.001)",
      valueName: "x"))
  var learningRate: Double?

  @Option(
    help: ArgumentHelp(
      "The steps over which the learning rate grows. (default: a twentieth of the run, at most 500)", valueName: "n"))
  var warmup: Int?

  @Option(help: "How the learning rate falls afterwards. (default: cosine)")
  var decay: LearningRateSchedule.Decay?

  @Option(help: ArgumentHelp("The factor of decoupled weight decay. (default: 0)", valueName: "x"))
  var weightDecay: Double?

  @Option(help: ArgumentHelp("The norm that gradients are clipped to. (default: 1)", valueName: "x"))
  var gradientClip: Double?

  @Option(help: ArgumentHelp("The decay of the moving average of the weights. (default: 0.995)", valueName: "x"))
  var ema: Double?

  @Option(help: ArgumentHelp("The seed of everything random. (default: 0)", valueName: "n"))
  var seed: UInt64?

  @Option(
    help: """
      What is minimised: the error of denoising, or the same in expectation without knowing the noise, by random projections \
      or exactly. (default: denoising)
      """)
  var objective: Choice<ObjectiveNames<Tools>>?

  @Option(
    help: ArgumentHelp(
      "The constraint that each step satisfies as well as possible.",
      visibility: Tools.catalog.constraints.isEmpty ? .hidden : .default))
  var constraint: Choice<ConstraintNames<Tools>>?

  @Option(
    help: """
      How noise levels are weighed: all with a loss of 1 at first, as DDPM does, as the likelihood does, as DDPM but limited \
      at little noise, or by a learned uncertainty. (default: edm; inverse-variance with --process ddpm)
      """)
  var weighting: RunConfiguration.Weighting?

  @Option(
    help: ArgumentHelp(
      "The mean of log σ in training, with --process edm or one of a program's own. (default: -1.2)", valueName: "x"))
  var noiseMean: Double?

  @Option(help: ArgumentHelp("The standard deviation of log σ in training. (default: 1.2)", valueName: "x"))
  var noiseDeviation: Double?

  @Option(help: "How images are mirrored at random. (default: none)")
  var flip: RunConfiguration.Flip?

  @Option(help: ArgumentHelp("The pixels by which images are moved at random, at most. (default: 0)", valueName: "n"))
  var shift: Int?

  @Option(
    help: ArgumentHelp(
      "The fraction of the weights that is driven to exactly 0, the smallest first. (default: 0)", valueName: "x"))
  var sparsity: Double?

  func apply(to configuration: inout RunConfiguration) {
    set(&configuration.sparsity, sparsity)
    set(&configuration.steps, steps)
    set(&configuration.batchSize, batchSize)
    set(&configuration.learningRate, learningRate)
    set(&configuration.warmup, warmup)
    set(&configuration.decay, decay)
    set(&configuration.weightDecay, weightDecay)
    set(&configuration.gradientClip, gradientClip)
    set(&configuration.ema, ema)
    set(&configuration.seed, seed)
    set(&configuration.objective, objective?.value)
    set(&configuration.constraint, constraint?.value)
    set(&configuration.weighting, weighting)
    set(&configuration.noiseMean, noiseMean)
    set(&configuration.noiseDeviation, noiseDeviation)
    set(&configuration.flip, flip)
    set(&configuration.shift, shift)
  }
}

/// Where it runs and what it shows.
struct RunningOptions: ParsableArguments {
  @OptionGroup var placement: DeviceOptions

  @Option(
    help: ArgumentHelp(
      "The steps between checkpoints, of which the newest three are kept. (default: a tenth of the run)", valueName: "n"
    ))
  var checkpointEvery: Int?

  @Option(
    help: ArgumentHelp(
      "The steps between pictures of samples; 0 for none. (default: a tenth of the run)", valueName: "n"))
  var sampleEvery: Int?

  @Flag(help: "Also write RUN/tensorboard, with losses, rates and pictures of samples for TensorBoard.")
  var tensorboard = false

  @Option(help: "How progress is shown.")
  var progress = ProgressStyle.auto

  @Flag(help: "Go on with the run from its newest checkpoint; start it if there is none and --data is given.")
  var resume = false

  func apply(to configuration: inout RunConfiguration) {
    placement.apply(to: &configuration)
    set(&configuration.checkpointEvery, checkpointEvery)
    set(&configuration.sampleEvery, sampleEvery)
    if tensorboard { configuration.tensorboard = true }
  }
}
