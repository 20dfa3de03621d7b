internal import Files
internal import ScoreModels

/// The parts of `scheduler_config.json` that are used: the process, and what the network predicts.
struct DiffusersScheduler {
  var process = ProcessConfiguration(.ddpm)
  var prediction = ModelConfiguration.Prediction.noise
  var limit: Double?
  /// σ_d, the standard deviation of the data; the default is that of images.
  var sigmaData = 0.5

  /// The schedulers for networks that were trained with the process of DDPM; they differ in their steps through it.
  private static let discreteSchedulers: Set = [
    "DDPMScheduler", "DDPMParallelScheduler", "DDIMScheduler", "DDIMParallelScheduler", "PNDMScheduler",
    "LMSDiscreteScheduler", "EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler",
    "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler", "DPMSolverSDEScheduler", "DEISMultistepScheduler", "UniPCMultistepScheduler",
    "RePaintScheduler",
  ]

  /// `DDPMScheduler` with its defaults.
  init() {}

  init(_ configuration: ModelConfiguration) {
    process = configuration.process
    prediction = configuration.prediction ?? .noise
    limit = configuration.denoisedLimit
  }

  /// Reads a scheduler; absent and null members have the defaults of diffusers.
  init(_ fields: JSONFields) throws(JSONFields.FieldError) {
    func refuse(_ reason: String) -> JSONFields.FieldError { JSONFields.FieldError(description: reason) }
    let name = try fields.text("_class_name") ?? "no class"
    let predicted = try fields.text("prediction_type") ?? "epsilon"
    if ["EDMEulerScheduler", "EDMDPMSolverMultistepScheduler"].contains(name) {
      guard predicted == "epsilon" else { throw refuse("the prediction_type \(predicted) is not read with \(name)") }
      process = ProcessConfiguration(.edm)
      process.minimum = try fields.number("sigma_min") ?? 0.002
      process.maximum = try fields.number("sigma_max") ?? 80
      prediction = .edm
      sigmaData = try fields.number("sigma_data") ?? 0.5
      return
    }
    guard Self.discreteSchedulers.contains(name) else {
      throw refuse("a scheduler of the class \(name) is not read, only DDPMScheduler and those with the same process")
    }
    guard let prediction = ModelConfiguration.Prediction(rawValue: predicted), prediction != .edm else {
      throw refuse("the prediction_type \(predicted) is unknown; epsilon, v_prediction and sample are read")
    }
    let schedule = try fields.text("beta_schedule") ?? "linear"
    guard let betas = DiscreteVariancePreserving.BetaSchedule(rawValue: schedule) else {
      throw refuse("the beta_schedule \(schedule) is not read")
    }
    if fields.holds("trained_betas") { throw refuse("trained_betas is not supported") }
    for key in ["thresholding", "rescale_betas_zero_snr"] where try fields.flag(key) == true {
      throw refuse("\(key) is not supported")
    }
    self.prediction = prediction
    process.betaSchedule = betas
    process.stepCount = try fields.integer("num_train_timesteps")
    process.minimum = try fields.number("beta_start") ?? 1e-4
    process.maximum = try fields.number("beta_end") ?? 0.02
    let range = try fields.number("clip_sample_range") ?? 1
    let clips = try fields.flag("clip_sample") ?? ["DDPM", "DDIM", "RePaint"].contains(where: name.hasPrefix)
    if clips { limit = range }
  }

  /// The configuration of a `DDPMScheduler`.
  var json: [String: Any] {
    [
      "_class_name": "DDPMScheduler", "_diffusers_version": "0.42.1",
      "num_train_timesteps": process.stepCount ?? 1000,
      "beta_start": process.minimum, "beta_end": process.maximum,
      "beta_schedule": (process.betaSchedule ?? .linear).rawValue, "prediction_type": prediction.rawValue,
      "clip_sample": limit != nil, "clip_sample_range": limit ?? 1, "variance_type": "fixed_small",
      "timestep_spacing": "leading", "steps_offset": 0, "thresholding": false, "rescale_betas_zero_snr": false,
    ]
  }
}
