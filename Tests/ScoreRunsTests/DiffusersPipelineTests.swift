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
      case "ddpm": DDIMSampler(steps: 6, eta: 1)
      case "ddim": DDIMSampler(steps: 5)
      default: DDIMSampler(steps: 4, schedule: .timesteps(.trailing))
      }
    let noise = try tensor("\(name)/noise")
    let samples = try sampler.sample(
      from: saved.samplingModel, process: saved.process, shape: [1, 8, 8], seeds: [0, 1],
      noise: noise[0..<7])
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
      func samples(_ saved: SavedModel) throws -> Tensor {
        try DDIMSampler(steps: 3).sample(
          from: saved.samplingModel, process: saved.process, shape: [1, 8, 8], seeds: [1, 2])
      }
      expectIdentical(try samples(saved), try samples(read))
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

  /// A copy of a pipeline with other members in one of its files.
  private func changed(_ file: String, _ members: String, in folder: String) throws -> String {
    let copy = "\(folder)/\(UUID().uuidString)"
    try FileManager.default.copyItem(atPath: "\(self.folder)/linear", toPath: copy)
    let url = URL(fileURLWithPath: "\(copy)/\(file)")
    var json = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
    let changes = try #require(
      try JSONSerialization.jsonObject(with: Data("{\(members)}".utf8)) as? [String: Any])
    json.merge(changes) { $1 }
    try JSONSerialization.data(withJSONObject: json).write(to: url)
    return copy
  }

  @Test(arguments: [
    (#""beta_start": "0.001""#, #"beta_start must be a number, not the text "0.001""#),
    (#""beta_end": true"#, "beta_end must be a number, not true"), (#""beta_end": [1]"#, "beta_end must be a number"),
    (#""num_train_timesteps": "500""#, "num_train_timesteps must be a whole number, not the text"),
    (#""num_train_timesteps": 1e300"#, "num_train_timesteps must be a whole number, not 1e+300"),
    (#""num_train_timesteps": 500.5"#, "num_train_timesteps must be a whole number, not 500.5"),
    (#""num_train_timesteps": false"#, "num_train_timesteps must be a whole number, not false"),
    (#""clip_sample": 1"#, "clip_sample must be true or false, not 1"),
    (#""clip_sample": "yes""#, "clip_sample must be true or false"),
    (#""clip_sample_range": {}"#, "clip_sample_range must be a number, not an object"),
    (#""clip_sample_range": 1e300"#, "positive limit"), (#""beta_end": 1e300"#, "0.999"),
    (#""prediction_type": 5"#, "prediction_type must be a text, not 5"),
    (#""beta_schedule": ["linear"]"#, "beta_schedule must be a text, not a list"),
    (#""thresholding": 0"#, "thresholding must be true or false"),
    (#""rescale_betas_zero_snr": "no""#, "rescale_betas_zero_snr must be true or false"),
    (#""trained_betas": 3"#, "trained_betas"), (#""_class_name": 5"#, "_class_name must be a text, not 5"),
    (#""_class_name": "EDMEulerScheduler", "sigma_min": "0.1""#, "sigma_min must be a number"),
    (#""_class_name": "EDMEulerScheduler", "sigma_max": null, "sigma_data": [2]"#, "sigma_data must be a number"),
    (#""_class_name": "EDMEulerScheduler", "sigma_max": 1e300"#, "single precision"),
    (#""num_train_timesteps": 1000000"#, "1000000 steps"),
  ])
  func membersOfAnotherTypeOrSizeAreRefusedByName(_ members: String, _ words: String) throws {
    try temporaryFolder { folder in
      let copy = try changed("scheduler/scheduler_config.json", members, in: folder)
      let error = #expect(throws: DiffusersPipeline.FolderError.self) { try SavedModel(contentsOf: copy) }
      let sentence = error?.description ?? ""
      #expect(sentence.contains(words) && sentence.contains(copy), "\(sentence)")
    }
  }

  @Test(arguments: [
    ("unet/config.json", #""sample_size": "8""#, "sample_size must be"),
    ("unet/config.json", #""sample_size": ["8", 8]"#, "sample_size must be"),
    ("unet/config.json", #""in_channels": true"#, "in_channels must be an integer, not true"),
    ("unet/config.json", #""norm_eps": "1""#, "norm_eps must be a number, not the text"),
    ("unet/config.json", #""layers_per_block": 1e300"#, "layers_per_block must be an integer, not 1e+300"),
    ("unet/config.json", #""_class_name": 5"#, "_class_name must be a text, not 5"),
    ("unet/config.json", #""num_class_embeds": 10000000"#, "class_embedding.weight"),
    ("unet/config.json", #""layers_per_block": 64"#, "tensors"),
    ("unet/config.json", #""sample_size": 1, "downsample_padding": 0"#, "does not model"),
    ("model_index.json", #""unet": "UNet2DModel""#, "unet must be a list of texts"),
    ("model_index.json", #""unet": ["diffusers", 5]"#, "UNet2DModel"),
  ])
  func otherFilesAreReadAsStrictly(_ file: String, _ members: String, _ words: String) throws {
    try temporaryFolder { folder in
      let copy = try changed(file, members, in: folder)
      let error = #expect(throws: (any Error).self) { try SavedModel(contentsOf: copy) }
      #expect(error is DiffusersPipeline.FolderError || error is UNet2D.FolderError)
      let sentence = error.map { "\($0)" } ?? ""
      #expect(sentence.contains(words) && sentence.contains(copy), "\(sentence)")
    }
  }

  @Test func nullAndWholeNumbersWithAPointAreTakenAsDiffusersDoes() throws {
    try temporaryFolder { folder in
      let members = #""beta_start": null, "beta_schedule": null, "clip_sample": null, "num_train_timesteps": 500.0"#
      let copy = try changed("scheduler/scheduler_config.json", members, in: folder)
      let model = try SavedModel(contentsOf: copy).record.model
      #expect(model.process.minimum == 1e-4 && model.process.stepCount == 500)
      #expect(model.process.betaSchedule == .linear && model.denoisedLimit == 1)
    }
  }

  @Test func aNetworkAloneIsReadUnlessItsClassIsAnother() throws {
    try temporaryFolder { folder in
      #expect(try SavedModel(contentsOf: "\(self.folder)/linear/unet").record.model.process.kind == .ddpm)
      for (name, words) in [(#""UNet2DConditionModel""#, "UNet2DConditionModel is not read"), ("5", "_class_name")] {
        let copy = try changed("unet/config.json", #""_class_name": \#(name)"#, in: folder)
        let error = #expect(throws: DiffusersPipeline.FolderError.self) { try SavedModel(contentsOf: "\(copy)/unet") }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
      }
    }
  }

  @Test func weightsThatAreNotFiniteAreRefusedByName() throws {
    try temporaryFolder { folder in
      let copy = try changed("model_index.json", "", in: folder)
      let path = "\(copy)/unet/diffusion_pytorch_model.safetensors"
      var tensors = try Safetensors(contentsOf: path).tensors
      let bias = try #require(tensors["conv_in.bias"])
      tensors["conv_in.bias"] = Tensor.full(like: bias, .infinity)
      try Safetensors(tensors).write(to: path)
      let error = #expect(throws: UNet2D.FolderError.self) { try SavedModel(contentsOf: copy) }
      #expect(error?.description.contains("conv_in.bias") == true && error?.description.contains(path) == true)
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
      #expect(error?.description.contains("process ddpm") == true)
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
