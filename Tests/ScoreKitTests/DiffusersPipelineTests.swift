import Foundation
import ScoreKit
import TestSupport
import Testing

/// Pipelines of diffusers, against what diffusers draws with them (`Golden/make_pipelines.py`).
@Suite struct DiffusersPipelineTests {
  private let folder: String
  private let tensors: [String: Tensor]

  init() throws {
    folder = try #require(Bundle.module.resourceURL).appending(path: "Golden").path
    tensors = try Safetensors(contentsOf: "\(folder)/pipelines.safetensors").tensors
  }

  private func tensor(_ name: String) throws -> Tensor { try #require(tensors[name], "\(name) is not there") }

  @Test(arguments: [DiscreteVariancePreserving.BetaSchedule.linear, .scaledLinear, .squaredCosine, .sigmoid])
  func signalIsThatOfDiffusers(_ schedule: DiscreteVariancePreserving.BetaSchedule) throws {
    let process = DiscreteVariancePreserving(schedule)
    let steps = Tensor.range(0, to: 1000, dtype: .float64)
    let signal = try tensor("alphas/\(schedule.rawValue)")
    expectClose(process.scale(steps).square(), signal, rtol: 1e-6, atol: 0)
    // Where there is little noise, the rounding of 1 − β to `Float` decides.
    expectClose(process.sigma(steps).square(), (1 - signal) / signal, rtol: 1e-5, atol: 0)
  }

  @Test(arguments: ["linear", "cosine"], ["ddpm", "ddim", "ddim-trailing"])
  func samplesAreThoseOfDiffusers(_ name: String, _ way: String) throws {
    let saved = try SavedModel(contentsOf: "\(folder)/\(name)")
    let sampler =
      switch way {
      case "ddpm": DDIMSampler(steps: 6, eta: 1, schedule: .timesteps())
      case "ddim": DDIMSampler(steps: 5, schedule: .timesteps())
      default: DDIMSampler(steps: 4, schedule: .timesteps(.trailing))
      }
    let noise = try tensor("\(name)/noise")
    let samples = try sampler.sample(
      from: saved.samplingModel, process: saved.process, shape: [1, 8, 8], seeds: [0, 1],
      noise: (0..<7).map { noise[$0] })
    expectClose(samples, try tensor("\(name)/\(way)"), rtol: 1e-4, atol: 2e-5)
  }

  @Test func exportedModelsAreReadBackUnchanged() throws {
    try temporaryFolder { folder in
      var options = RunConfiguration()
      (options.data, options.channels, options.blocks, options.process) = ("digits", [8, 8], 1, .ddpm)
      (options.steps, options.batchSize, options.threads, options.sampleEvery) = (2, 4, 1, 0)
      _ = try TrainingRun.start(options, at: "\(folder)/run").train()
      let saved = try SavedModel(contentsOf: "\(folder)/run")
      try DiffusersPipeline.write(saved.model, configuration: saved.record.model, to: "\(folder)/pipeline")
      let read = try SavedModel(contentsOf: "\(folder)/pipeline")
      #expect(read.record.model.process == saved.record.model.process || read.record.model.process.stepCount == 1000)
      #expect(read.record.model.shape == [1, 8, 8] && read.record.model.denoisedLimit == nil)
      let request = SampleRequest(sampler: DDIMSampler(steps: 3, schedule: .timesteps()), seeds: [1, 2])
      let (mine, theirs) = (
        try saved.samplingModel.samples(request, process: saved.process, shape: [1, 8, 8]),
        try read.samplingModel.samples(request, process: read.process, shape: [1, 8, 8])
      )
      expectIdentical(mine, theirs)
    }
  }

  @Test func preconditionedNetworksAreFedAsTheirSchedulersDo() throws {
    try temporaryFolder { folder in
      let copy = "\(folder)/edm"
      try FileManager.default.copyItem(atPath: "\(self.folder)/linear", toPath: copy)
      let scheduler =
        #"{"_class_name": "EDMEulerScheduler", "sigma_data": 0.7, "sigma_min": 0.01, "sigma_max": 50, "prediction_type": "epsilon"}"#
      try Data(scheduler.utf8).write(to: URL(fileURLWithPath: "\(copy)/scheduler/scheduler_config.json"))
      let saved = try SavedModel(contentsOf: copy)
      #expect(saved.process.timeRange == 0.01...50)
      // EDMEulerScheduler: precondition_inputs, precondition_noise and precondition_outputs.
      let (sigma, data) = (1.3, 0.7)
      let x = RandomGenerator(seed: 1).firstNormal([2, 1, 8, 8])
      let variance = sigma * sigma + data * data
      let network = try UNet2D(contentsOf: "\(copy)/unet")
      let output = network(x / variance.squareRoot(), noise: .full([2], 0.25 * log(sigma)), condition: nil)
      let expected = x * (data * data / variance) + output * (sigma * data / variance.squareRoot())
      let denoised = saved.model.denoised(x, at: .full([2], sigma), process: saved.process)
      expectClose(denoised, expected, rtol: 1e-5, atol: 1e-5)
    }
  }

  @Test func whatCannotBeUsedIsExplained() throws {
    try temporaryFolder { folder in
      func expectRefusal(_ scheduler: String, _ word: String, sourceLocation: SourceLocation = #_sourceLocation) throws
      {
        let copy = "\(folder)/\(UUID().uuidString)"
        try FileManager.default.copyItem(atPath: "\(self.folder)/linear", toPath: copy)
        let file = URL(fileURLWithPath: "\(copy)/scheduler/scheduler_config.json")
        try Data(scheduler.utf8).write(to: file)
        let error = #expect(throws: (any Error).self, sourceLocation: sourceLocation) {
          try SavedModel(contentsOf: copy)
        }
        #expect(
          "\(error.map { "\($0)" } ?? "")".contains(word), "\(String(describing: error))",
          sourceLocation: sourceLocation)
      }
      func scheduler(_ fields: String) -> String {
        #"{"_class_name": "DDPMScheduler", "num_train_timesteps": 1000"# + fields + "}"
      }
      try expectRefusal("[1]", "not a JSON object")
      try expectRefusal(#"{"_class_name": "KarrasVeScheduler"}"#, "KarrasVeScheduler")
      // Networks of other processes, though they have as many timesteps.
      for name in ["CMStochasticIterativeScheduler", "IPNDMScheduler", "ScoreSdeVeScheduler"] {
        try expectRefusal(#"{"_class_name": "\#(name)", "num_train_timesteps": 40}"#, name)
      }
      try expectRefusal(scheduler(#", "prediction_type": "flow""#), "flow")
      try expectRefusal(scheduler(#", "beta_schedule": "mine""#), "mine")
      try expectRefusal(scheduler(#", "trained_betas": [0.1]"#), "trained_betas")
      try expectRefusal(scheduler(#", "beta_start": 3"#), "minimum < maximum")
      try expectRefusal(scheduler(#", "beta_start": 1e-50"#), "1e-7")
      try expectRefusal(scheduler(#", "beta_end": 0.99999999999"#), "0.999")
      try expectRefusal(scheduler(#", "clip_sample_range": 0"#), "positive limit")
      try expectRefusal(#"{"_class_name": "DDPMScheduler", "num_train_timesteps": 1}"#, "2 to 1000000")
      var options = RunConfiguration()
      options.data = "moons"
      let moons = try options.resolved(for: DatasetSource("moons").load()).model
      #expect(throws: DiffusersPipeline.FolderError.self) {
        try DiffusersPipeline.write(moons.makeModel(seed: 0), configuration: moons, to: "\(folder)/a")
      }
      options = RunConfiguration()
      options.data = "digits"
      let digits = try options.resolved(for: DatasetSource("digits").load()).model
      let error = #expect(throws: DiffusersPipeline.FolderError.self) {
        try DiffusersPipeline.write(digits.makeModel(seed: 0), configuration: digits, to: "\(folder)/a")
      }
      #expect(error?.description.contains("--process ddpm") == true)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/a"))
    }
  }
}

extension RandomGenerator {
  /// The first normal numbers of the stream.
  fileprivate func firstNormal(_ shape: [Int]) -> Tensor {
    var copy = self
    return copy.normal(shape)
  }
}
