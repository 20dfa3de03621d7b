public import Checkpoints
public import Datasets
internal import Files
import Foundation
internal import ScoreModels
internal import Torch

extension RunConfiguration {
  /// Checks the options that are set.
  ///
  /// - Throws: `RunError`, which names the option, its value and what is allowed.
  public func validate() throws(RunError) {
    try check("width", width, in: 2...65536)
    try check("blocks", blocks, in: 1...100)
    try check("steps", steps, in: 1...1_000_000_000)
    try check("batch-size", batchSize, in: 1...1_000_000)
    try check("warmup", warmup, in: 0...1_000_000_000)
    try check("threads", threads, in: 1...256)
    try check("checkpoint-every", checkpointEvery, in: 1...1_000_000_000)
    try check("sample-every", sampleEvery, in: 0...1_000_000_000)
    if let channels {
      guard (1...8).contains(channels.count), channels.allSatisfy({ (4...4096).contains($0) && $0 % 4 == 0 }) else {
        throw RunError(
          .usage,
          "--channels needs 1 to 8 multiples of 4 such as 32,64,64, not \(channels.map(String.init).joined(separator: ","))"
        )
      }
    }
    try check("learning-rate", learningRate, "a positive number") { $0 > 0 }
    try check("penalty-weight", penaltyWeight, "0 or more") { $0 >= 0 }
    try check("projection-every", projectionEvery, in: 1...1_000_000_000)
    try check("sparsity", sparsity, "at least 0 and below 1") { (0..<1).contains($0) }
    try check("weight-decay", weightDecay, "0 or more") { $0 >= 0 }
    try check("gradient-clip", gradientClip, "a positive number") { $0 > 0 }
    try check("shift", shift, in: 0...1024)
    try check("ema", ema, "at least 0 and below 1") { (0..<1).contains($0) }
    if data == "" { throw RunError(.usage, "--data is empty: name a built-in data set or a path") }
    if let labels, labels.isEmpty || DatasetSource.builtInNames.contains(data ?? "") {
      throw RunError(
        .usage, "--labels names the labels of IDX files and .npy arrays, which \(data ?? "the data set") is not")
    }
    if device != Device.automatic, Device(device) == nil { throw Device.unknown(device) }
  }

  private func check(_ name: String, _ value: Int?, in range: ClosedRange<Int>) throws(RunError) {
    guard let value, !range.contains(value) else { return }
    throw RunError(
      .usage, "--\(name) needs a whole number from \(range.lowerBound) to \(range.upperBound), not \(value)")
  }

  private func check(
    _ name: String, _ value: Double?, _ wanted: String, _ isAllowed: (Double) -> Bool
  ) throws(RunError) {
    guard let value, !(value.isFinite && isAllowed(value)) else { return }
    throw RunError(.usage, "--\(name) needs \(wanted), not \(value)")
  }

  /// The configuration with all open options chosen to suit the data, and the configuration of the model.
  ///
  /// - Parameters:
  ///   - dataset: the data.
  ///   - sigmaData: σ_d, if it is known from an earlier run; by default the standard deviation of the data.
  /// - Throws: `RunError` for options that do not suit the data.
  public func resolved(for dataset: Dataset, sigmaData: Double? = nil) throws(RunError) -> (
    configuration: RunConfiguration, model: ModelConfiguration
  ) {
    try validate()
    var result = self
    result.makePathsAbsolute()
    result.weighting = weighting ?? defaultWeighting
    result.loading = dataset.isStreamed ? .stream : .memory
    if result.model == .auto { result.model = dataset.isImages ? .unet : .mlp }
    if result.model == .unet && !dataset.isImages {
      throw RunError(.usage, "--model unet needs images, and \(data ?? dataset.name) holds points; use --model mlp")
    }
    if result.model == .unet && width != nil {
      throw RunError(.usage, "--width is the width of an MLP; a U-Net takes --channels")
    }
    if result.model == .mlp && channels != nil {
      throw RunError(.usage, "--channels are the levels of a U-Net; an MLP takes --width")
    }
    if !dataset.isImages && (flip != .none || shift > 0) {
      throw RunError(.usage, "--flip and --shift change images, and \(data ?? dataset.name) holds points")
    }
    if let side = dataset.exampleShape.dropFirst().min(), shift >= side, shift > 0 {
      throw RunError(.usage, "--shift \(shift) moves images of \(side) pixels a side out of sight; take a smaller one")
    }
    if weighting == .uncertainty && objective != .denoising {
      throw RunError(.usage, "--weighting uncertainty belongs to --objective denoising, not to \(objective.rawValue)")
    }
    let dimensions = dataset.exampleShape.reduce(1, *)
    if objective == .implicit && dimensions > 64 {
      throw RunError(
        .usage,
        "--objective implicit takes a backward pass for each of the \(dimensions) numbers of an example, more than 64; "
          + "take --objective sliced")
    }
    if conservative == .projection && sparsity > 0 {
      throw RunError(
        .usage, "--sparsity and --conservative projection are both projections of an update; take one, or a penalty")
    }
    for (name, isGiven, way) in [
      ("penalty-weight", penaltyWeight != nil, Conservative.penalty),
      ("projection-every", projectionEvery != nil, .projection),
    ] where isGiven && conservative != way {
      throw RunError(.usage, "--\(name) belongs to --conservative \(way.rawValue), not to \(conservative.rawValue)")
    }
    let classCount = classConditional ? dataset.classCount : 0
    if classConditional && classCount == 0 {
      throw RunError(
        .usage,
        "--class-conditional needs labels, and \(data ?? dataset.name) has none; IDX files and .npy arrays take them with --labels"
      )
    }
    let shape = dataset.exampleShape
    let isSmall = shape.reduce(1, *) <= 256
    let pixels = shape.dropFirst().reduce(1, *)
    result.batchSize = batchSize ?? (result.model == .mlp ? 512 : isSmall ? 128 : min(64, max(4, 65536 / pixels)))
    result.steps = steps ?? (result.model == .mlp ? 5000 : isSmall ? 1500 : 10_000)
    result.learningRate = learningRate ?? (isSmall ? 2e-3 : 1e-3)
    result.ema = ema ?? 0.995
    let length = result.steps ?? 1
    result.warmup = warmup ?? min(500, length / 20)
    result.threads = threads ?? Engine.threadCount
    result.checkpointEvery = checkpointEvery ?? max(1, length / 10)
    result.sampleEvery = sampleEvery ?? max(1, length / 10)
    switch conservative {
    case .penalty: result.penaltyWeight = penaltyWeight ?? 100
    case .projection: result.projectionEvery = projectionEvery ?? max(1, length / 12)
    case .off, .energy: break
    }
    let process = ProcessConfiguration(process)
    let deviation: Double
    do throws(DataError) {
      if let sigmaData { deviation = sigmaData } else { deviation = try dataset.standardDeviation }
    } catch {
      throw RunError(.data, error.description)
    }
    guard deviation > 0, deviation.isFinite else {
      throw RunError(.data, "all values in \(data ?? dataset.name) are the same: there is no distribution to learn")
    }
    let isEnergy = conservative == .energy
    var model: ModelConfiguration
    if result.model == .mlp {
      result.width = width ?? 128
      result.blocks = blocks ?? 3
      let mlp = MLP.Configuration(
        shape: shape, width: result.width ?? 0, blocks: result.blocks ?? 0, classCount: classCount)
      model = ModelConfiguration(mlp: mlp, process: process, sigmaData: deviation, isEnergy: isEnergy)
    } else {
      result.channels = channels ?? (isSmall ? [32, 64] : Self.levels(for: max(shape[1], shape[2])))
      result.blocks = blocks ?? (isSmall ? 1 : 2)
      let unet = UNet2D.Configuration(
        channels: result.channels ?? [], layersPerBlock: result.blocks ?? 0, inputChannels: shape[0],
        classCount: classCount)
      model = ModelConfiguration(
        unet: unet, shape: shape, process: process, sigmaData: deviation, isEnergy: isEnergy)
    }
    if weighting == .uncertainty { model.learnsUncertainty = true }
    return (result, model)
  }

  /// The channels of the levels: as many levels as reduce an image to 16 pixels, where attention is cheap.
  private static func levels(for side: Int) -> [Int] {
    var channels = [32, 64, 64]
    while side >> (channels.count - 1) > 16, channels.count < 8 { channels.append(128) }
    return channels
  }

  /// Writes paths from the root on, so that a run can be resumed from another folder.
  public mutating func makePathsAbsolute() {
    func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
    if let data, !data.isEmpty, !DatasetSource.builtInNames.contains(data) { self.data = absolute(data) }
    if let labels, !labels.isEmpty { self.labels = absolute(labels) }
  }
}
