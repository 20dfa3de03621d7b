internal import Files
public import ScoreModels
public import Torch

/// Trains a score model, one step at a time.
///
/// Every step is a function of the state before it, the seed and the number of the step. A trainer whose state was saved and
/// restored therefore continues bit for bit, on the same machine with the same number of threads. The trainer owns the model's
/// parameters while it is in use.
public final class Trainer {
  /// The settings of a run, which do not change while it lasts.
  public struct Settings: Codable, Hashable, Sendable {
    /// The seed of the data order, the times and the noise.
    public var seed: UInt64
    /// The number of examples in a step.
    public var batchSize: Int
    /// The learning rate of each step.
    public var schedule: LearningRateSchedule
    /// The largest norm of the gradient, 1 by default, to which larger gradients are scaled down; `nil` leaves them as they are.
    public var gradientClip: Double?
    /// The decay of the moving average of the weights, in 0 ..< 1, after its warm-up.
    public var averageDecay: Double
    /// The probability with which an example's label is replaced by `nullLabel`.
    ///
    /// Classifier-free guidance needs it (Ho & Salimans 2022, arXiv 2207.12598).
    public var labelDropout: Double
    /// The label that stands for "no label".
    public var nullLabel: Int?
    /// The random changes of images; `nil` leaves images as they are.
    public var augmentation: Augmentation?
    /// Factors of the learning rate by names of parameters or of parts of the model; `nil` trains all parameters alike.
    ///
    /// `["encoder": 0, "encoder.norm": 0.1]` freezes all parameters of `encoder` but those of its `norm`, which learn at a tenth of the
    /// rate. The longest name decides, the empty name stands for the whole model, and all other parameters have the factor 1. The
    /// factor multiplies an optimizer's update, weight decay included.
    ///
    /// Parameters with the factor 0 are frozen. They and their moving averages keep their bits. They have no gradient, which saves its
    /// cost, and do not count in the gradient's norm. Factors other than 1 do not go with a `ProjectingOptimizer`.
    public var learningRateFactors: [String: Double]?

    /// Makes settings.
    public init(
      seed: UInt64 = 0, batchSize: Int, schedule: LearningRateSchedule, gradientClip: Double? = 1,
      averageDecay: Double = 0.999, labelDropout: Double = 0, nullLabel: Int? = nil,
      augmentation: Augmentation? = nil, learningRateFactors: [String: Double]? = nil
    ) {
      self.seed = seed
      self.batchSize = batchSize
      self.schedule = schedule
      self.gradientClip = gradientClip
      self.averageDecay = averageDecay
      self.labelDropout = labelDropout
      self.nullLabel = nullLabel
      self.augmentation = augmentation
      self.learningRateFactors = learningRateFactors
    }
  }

  /// The measurements of one step.
  public struct Report: Codable, Hashable, Sendable {
    /// The number of the step, from 1.
    public let step: Int
    /// The loss before the update.
    public let loss: Double
    /// The norm of the gradient before clipping.
    public let gradientNorm: Double
    /// The learning rate of the step.
    public let learningRate: Double
    /// The decay of the moving average in this step.
    public let averageDecay: Double
    /// The report of the optimizer's projection; `nil` if the update was not projected.
    public let projection: ProjectionReport?
  }

  /// The model, whose parameters the trainer owns.
  public let model: any ScoreModel
  /// The process whose scores the model learns.
  public let process: any DiffusionProcess
  /// The loss that is minimised.
  public let objective: any ScoreObjective
  /// The settings.
  public let settings: Settings
  /// The number of steps taken.
  public private(set) var step = 0

  private let data: any TrainingData
  private let named: [NamedParameter]
  private let groups: LearningRateGroups?
  private let device: Device
  private var optimizer: any Optimizer
  private var order: DataOrder
  private var upcoming: (step: Int, positions: Tensor)?
  // All parameters in one vector; the model's parameters are views of it. Optimizer and average then need few, large operations.
  private var weights: Tensor
  private var average: ExponentialMovingAverage

  /// Prepares the training of a model, which starts from its present parameters.
  ///
  /// Data without examples and a batch size that is not positive are reported by `advance()`.
  ///
  /// - Precondition: the model has parameters, and `learningRateFactors` names some of them, freezes not all of them, and goes with
  ///   the optimizer.
  public init(
    _ model: any ScoreModel, process: any DiffusionProcess, data: any TrainingData, objective: any ScoreObjective,
    optimizer: any Optimizer = Adam(), settings: Settings
  ) {
    self.model = model
    self.process = process
    self.objective = objective
    self.settings = settings
    self.data = data
    self.optimizer = optimizer
    named = model.namedParameters()
    demand(!named.isEmpty, "\(type(of: model)) has no parameters, and cannot be trained")
    groups = LearningRateGroups(settings.learningRateFactors, of: named, in: model)
    demand(
      groups == nil || !(optimizer is any ProjectingOptimizer),
      "factors of the learning rate do not go with \(type(of: optimizer)), whose projections change all parameters")
    device = model.device
    order = DataOrder(seed: settings.seed, count: max(1, data.count))
    weights = withoutGradients { [named] in Tensor.flatten(named.map { $0.parameter.value.detached() }) }
    average = ExponentialMovingAverage(decay: settings.averageDecay, value: weights)
    assign(weights)
  }

  /// Takes one step.
  ///
  /// - Throws: `TrainingDataError` if there are no examples, the batch size is not positive, or a batch has labels and not one for each
  ///   example; `TrainingDiverged` if the loss, the gradient or the update is not finite; and the errors of the data, the objective and
  ///   the optimizer. In each case the weights and the step stay as they were.
  @discardableResult
  public func advance() throws -> Report {
    try checkData()
    let number = step + 1
    var generator = RandomGenerator(seed: settings.seed, purpose: .training, index: UInt64(number))
    let positions = positions(ofStep: number)
    var batch = try data.batch(at: positions).to(device)
    try check(batch)
    let next = self.positions(ofStep: number + 1)
    upcoming = (number + 1, next)
    data.prefetch(at: next)
    if let augmentation = settings.augmentation {
      batch.examples = augmentation(batch.examples, using: &generator)
    }
    batch.labels = batch.labels.map { dropLabels($0, using: &generator) }
    let loss = try objective.loss(of: model, on: batch, process: process, using: &generator)
    let lossValue = loss.item()
    guard lossValue.isFinite else { throw TrainingDiverged(step: number, what: "loss", value: lossValue) }

    var gradient = try gradient(of: loss)
    return try withoutGradients {
      let norm = gradient.square().sum().sqrt().item()
      guard norm.isFinite else { throw TrainingDiverged(step: number, what: "gradient's norm", value: norm) }
      if let clip = settings.gradientClip, norm > clip { gradient = gradient * (clip / norm) }
      optimizer.learningRate = settings.schedule.rate(at: number)
      var next = optimizer
      let update = try next.update(for: gradient, at: weights)
      let updated = groups?.updated(weights, by: update) ?? weights + update
      // A sum is finite only if all of its terms are: one reduction instead of a mask.
      guard updated.sum().item().isFinite || updated.allFinite else {
        throw TrainingDiverged(step: number, what: "sum of the weights", value: updated.sum().item())
      }
      let decay = average.currentDecay
      var averaged = average
      averaged.update(updated)
      if let adjusted = try next.adjustedAverage(averaged.value) { averaged.replace(by: adjusted) }
      if let groups { averaged.replace(by: groups.frozen(average.value, in: averaged.value)) }
      (optimizer, weights, average) = (next, updated, averaged)
      assign(weights)
      step = number
      return Report(
        step: number, loss: lossValue, gradientNorm: norm, learningRate: optimizer.learningRate, averageDecay: decay,
        projection: (optimizer as? any ProjectingOptimizer)?.projectionReport)
    }
  }

  /// Runs a closure while the model has the moving average of the weights, and gives it its last weights back afterwards.
  public func withAveragedWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
    assign(average.value)
    defer { assign(weights) }
    return try body()
  }

  // MARK: Saving

  /// Everything that a trainer needs to continue exactly.
  public struct State {
    /// The number of steps taken.
    public var step: Int
    /// The weights by name.
    public var model: [String: Tensor]
    /// The moving average of the weights by name.
    public var average: [String: Tensor]
    /// The state of the optimizer, by name.
    public var optimizer: [String: Tensor]

    /// Collects a state.
    public init(step: Int, model: [String: Tensor], average: [String: Tensor], optimizer: [String: Tensor]) {
      self.step = step
      self.model = model
      self.average = average
      self.optimizer = optimizer
    }
  }

  /// The present state, with its tensors on the processor.
  public var state: State {
    State(
      step: step, model: byName(weights), average: byName(average.value),
      optimizer: optimizer.state.mapValues { $0.to(.cpu) })
  }

  /// Continues from a saved state.
  ///
  /// - Throws: `StateMismatch` or `OptimizerStateError` if the state belongs to another model or optimizer, or is not finite; the
  ///   trainer is then as it was.
  public func restore(_ state: State) throws {
    demand(state.step >= 0, "a state is not of step \(state.step)")
    let weights = try flattened(state.model)
    let averaged = try flattened(state.average)
    var next = optimizer
    try next.restore(
      state.optimizer.mapValues { $0.elementCount == 1 && $0.dtype == .int64 ? $0 : $0.to(device) }, for: weights)
    optimizer = next
    self.weights = weights
    average = ExponentialMovingAverage(decay: settings.averageDecay, value: averaged, updateCount: state.step)
    step = state.step
    assign(weights)
  }

  /// The gradient of all parameters in one vector, with zeros for frozen ones.
  private func gradient(of loss: Tensor) throws -> Tensor {
    let values = named.map { $0.parameter.value }
    guard let groups else { return Tensor.flatten(try gradients(of: loss, withRespectTo: values)) }
    let trained = zip(values, groups.isTrained).filter(\.1).map(\.0)
    var found = try gradients(of: loss, withRespectTo: trained).makeIterator()
    return Tensor.flatten(zip(values, groups.isTrained).compactMap { $1 ? found.next() : .zeros(like: $0) })
  }

  private func checkData() throws(TrainingDataError) {
    if data.count < 1 { throw TrainingDataError(.data, "there are no examples to train on") }
    if settings.batchSize < 1 {
      throw TrainingDataError(.usage, "the batch size must be positive, not \(settings.batchSize)")
    }
  }

  private func check(_ batch: TrainingBatch) throws(TrainingDataError) {
    guard let labels = batch.labels, labels.shape.first != batch.examples.shape.first else { return }
    throw TrainingDataError(
      .data,
      "labels of shape \(labels.shape) do not fit examples of shape \(batch.examples.shape): each example has one label"
    )
  }

  /// The positions of a step's examples; those of the next step are kept, because an epoch's order takes time to find.
  private func positions(ofStep number: Int) -> Tensor {
    if let upcoming, upcoming.step == number { return upcoming.positions }
    return order.positions(from: (number - 1) * settings.batchSize, length: settings.batchSize)
  }

  private func byName(_ vector: Tensor) -> [String: Tensor] {
    let parts = vector.to(.cpu).unflattened(like: named.map { $0.parameter.value })
    return Dictionary(uniqueKeysWithValues: zip(named.map(\.name), parts))
  }

  private func flattened(_ state: [String: Tensor]) throws -> Tensor {
    try model.check(state)
    return .flatten(named.compactMap { state[$0.name] }).to(weights.dtype).to(device)
  }

  private func assign(_ vector: Tensor) {
    let parts = vector.unflattened(like: named.map { $0.parameter.value })
    for (entry, part) in zip(named, parts) { entry.parameter.value = part }
  }

  private func dropLabels(_ labels: Tensor, using generator: inout RandomGenerator) -> Tensor {
    guard settings.labelDropout > 0, let null = settings.nullLabel else { return labels }
    let isDropped = (generator.uniform(labels.shape) .< settings.labelDropout).to(labels.device)
    return labels.replacing(where: isDropped, with: .full(like: labels, Double(null)))
  }
}

/// A loss, gradient or update that is not finite.
public struct TrainingDiverged: Error, Equatable, CustomStringConvertible {
  /// The step that failed.
  public let step: Int
  /// The quantity that was not finite, such as "loss".
  public let what: String
  /// The value of that quantity.
  public let value: Double

  /// One sentence: what happened and what to do.
  public var description: String {
    "the \(what) became \(value.isNaN ? "not a number" : "\(value)") at step \(step), and the weights were left as they were: start another run with a smaller "
      + "learning rate or a longer warm-up, or look for extreme values in the data"
  }
}
