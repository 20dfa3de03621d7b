import Foundation
import ScoreKit
import TestSupport
import Testing

/// A model of points with one number to learn, its own constraint and data.
private struct Scaled: ConfigurableScoreModel {
  struct Configuration: Codable, Hashable {
    var start = 0.5
    var note: String?
    var isFrozen: Bool?
  }
  static let name = "scaled"
  static let defaultConfiguration = Configuration()
  let factor: Parameter
  let bias: Parameter
  let learningRateFactors: [String: Double]?

  init(_ configuration: Configuration, for context: ModelContext, using generator: inout RandomGenerator) throws {
    factor = Parameter(Tensor([Float(configuration.start)]))
    bias = Parameter(generator.normal(context.exampleShape))
    learningRateFactors = configuration.isFrozen == true ? ["factor": 0] : nil
  }

  func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    (bias.value - factor.value * x) / (t.square() + 1).broadcastable(toRank: x.rank)
  }
}

/// Σ bias = a.
private struct BiasSum: ConfigurableConstraint {
  struct Configuration: Codable, Hashable { var sum = 2.0 }
  static let name = "bias-sum"
  static let defaultConfiguration = Configuration()
  let constraint: FunctionConstraint

  init(_ configuration: Configuration, for context: ConstraintContext) throws {
    guard let model = context.model as? Scaled else { throw ConfigurableError("bias-sum belongs to the model scaled") }
    constraint = FunctionConstraint(of: model) { model in (model.bias.value.sum() - configuration.sum).reshaped([1]) }
  }

  func residual(at parameters: [Tensor]) throws -> Tensor { try constraint.residual(at: parameters) }
}

private enum Line: ConfigurableData {
  struct Configuration: Codable, Hashable { var count = 50 }
  static let name = "line"
  static let defaultConfiguration = Configuration()

  static func load(_ configuration: Configuration, seed: UInt64) throws -> Dataset {
    var generator = RandomGenerator(seed: seed, purpose: .data)
    return try Dataset(name: name, examples: generator.normal([configuration.count, 2]))
  }
}

@Suite struct OwnModelTests {
  private static let catalog = Catalog(name: "test", [Scaled.self, BiasSum.self, Line.self])

  private static func configuration() throws -> RunConfiguration {
    var configuration = RunConfiguration()
    try configuration.use(Scaled.self) { $0.start = 0.25 }
    try configuration.use(Line.self)
    (configuration.steps, configuration.batchSize, configuration.sampleEvery) = (12, 8, 0)
    configuration.device = "cpu"
    return configuration
  }

  @Test func aRunIsTrainedResumedAndLoadedByALibraryProgram() throws {
    try temporaryFolder { folder in
      let path = "\(folder)/run"
      var configuration = try Self.configuration()
      try configuration.use(BiasSum.self) { $0.sum = 3 }
      let run = try TrainingRun.start(configuration, at: path, catalog: Self.catalog)
      var count = 0
      let outcome = try run.train(shouldStop: {
        count += 1
        return count == 5
      })
      #expect(outcome == .stopped(step: 5))
      let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(path)/config.json")), as: UTF8.self)
      for part in [#""model" : "scaled""#, #""start" : 0.25"#, #""count" : 50"#, #""sum" : 3"#] {
        #expect(text.contains(part), "\(text)")
      }
    }
  }

  @Test func aResumedRunGoesOnWithItsModel() throws {
    try temporaryFolder { folder in
      let path = "\(folder)/run"
      do {
        var count = 0
        let run = try TrainingRun.start(Self.configuration(), at: path, catalog: Self.catalog)
        _ = try run.train(shouldStop: {
          count += 1
          return count == 5
        })
      }
      #expect(throws: RunError.self) { try TrainingRun.resume(at: path) }
      let resumed = try TrainingRun.resume(at: path, catalog: Self.catalog)
      #expect(resumed.trainer.step == 5 && resumed.trainer.model is Scaled)
      #expect(try resumed.train() == .finished)
      let saved = try SavedModel(contentsOf: path, catalog: Self.catalog)
      #expect(saved.step == 12 && saved.model is Scaled && saved.record.program == "test")
      let error = #expect(throws: RunError.self) { try SavedModel(contentsOf: path) }
      #expect(error?.kind == .usage)
      #expect(
        error?.description.contains("the model scaled, which this program does not know; test-train wrote it") == true)
    }
  }

  @Test func aConstraintOfOnesOwnHoldsAtTheEnd() throws {
    try temporaryFolder { folder in
      var configuration = try Self.configuration()
      try configuration.use(BiasSum.self) { $0.sum = 3 }
      configuration.steps = 40
      let run = try TrainingRun.start(configuration, at: "\(folder)/run", catalog: Self.catalog)
      _ = try run.train()
      let model = try #require(run.trainer.model as? Scaled)
      #expect(abs(model.bias.value.sum().item() - 3) < 1e-3)
    }
  }

  @Test(arguments: [false, true]) func aFrozenPartStaysFrozenInAResumedRun(learnsUncertainty: Bool) throws {
    try temporaryFolder { folder in
      var configuration = try Self.configuration()
      try configuration.use(Scaled.self) { $0.isFrozen = true }
      if learnsUncertainty { configuration.weighting = .uncertainty }
      do {
        var count = 0
        let run = try TrainingRun.start(configuration, at: "\(folder)/run", catalog: Self.catalog)
        _ = try run.train(shouldStop: {
          count += 1
          return count == 5
        })
      }
      let run = try TrainingRun.resume(at: "\(folder)/run", catalog: Self.catalog)
      _ = try run.train()
      let state = run.trainer.state
      #expect(state.step == 12 && (run.trainer.model is UncertainScore) == learnsUncertainty)
      for weights in [state.model, state.average] { #expect(weights["factor"]?.elements(as: Float.self) == [0.25]) }
      #expect(state.optimizer["exp_avg.0"]?.norm() ?? 0 > 0)
    }
  }

  @Test func projectionsThatWouldMoveAFrozenPartAreRefused() throws {
    try temporaryFolder { folder in
      var configuration = try Self.configuration()
      try configuration.use(Scaled.self) { $0.isFrozen = true }
      try configuration.use(BiasSum.self)
      let error = #expect(throws: RunError.self) {
        try TrainingRun.start(configuration, at: "\(folder)/run", catalog: Self.catalog)
      }
      #expect(error?.kind == .usage)
      #expect(error?.description.contains("scaled have learning rates of their own") == true, "\(error as Any)")
    }
  }

  @Test func unchangedConfigurationsStayAsTheyAre() throws {
    var configuration = RunConfiguration()
    try configuration.use(Scaled.self) { $0.start = 7 }
    try configuration.use(Scaled.self) { $0.note = "kept" }
    let result = try Scaled.configuration(from: configuration.modelOptions)
    #expect(result == Scaled.Configuration(start: 7, note: "kept"))
  }

  @Test func optionsThatDoNotExistAreRefused() throws {
    func refusal(_ json: String) throws -> String? {
      let options = try JSONValue(Data(json.utf8))
      return #expect(throws: ConfigurableError.self) { try Scaled.configuration(from: options) }?.description
    }
    #expect(try refusal(#"{"begin": 1}"#) == "scaled has the options start, not begin")
    #expect(try refusal(#"{"start": "x"}"#) == "the option start of scaled has no value of type Double")
    #expect(try refusal(#"{"start": null}"#)?.contains("null") == true)
    #expect(try refusal("[1]") == "the options of scaled must be an object, not a list of other values")
    // A member that is an optional exists although it is not written.
    #expect(try Scaled.configuration(from: JSONValue(Data(#"{"note": "x"}"#.utf8))).note == "x")
  }

  @Test func optionsBelongToSomethingOfOnesOwn() throws {
    var configuration = RunConfiguration()
    configuration.modelOptions = .object([:])
    #expect(throws: RunError.self) { try configuration.validate() }
    configuration = RunConfiguration()
    configuration.constraint = "bias-sum"
    #expect(throws: RunError.self) { try configuration.validate() }
    try configuration.validate(Self.catalog)
    configuration.sparsity = 0.5
    #expect(throws: RunError.self) {
      try configuration.resolved(for: Line.load(.init(), seed: 0), catalog: Self.catalog)
    }
  }

  @Test func jsonKeepsEveryKindOfValue() throws {
    let text = #"{"a":null,"b":[true,1,-2.5,18446744073709551615,"x"],"c":{"d":1e300}}"#
    let value = try JSONValue(Data(text.utf8))
    #expect(try JSONValue(encoding: value) == value)
    #expect(value.members?["b"] == .list([.flag(true), .integer(1), .number(-2.5), .unsigned(.max), .text("x")]))
  }
}
