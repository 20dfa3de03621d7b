/// Every sampler of this module with its default settings.
///
/// The tests run over this list, so that a sampler keeps the laws of all samplers.
public let allSamplers: [any Sampler] = [
  HeunSampler(),
  EulerSampler(),
  DPMSolverPlusPlus2M(),
  DPMSolverPlusPlus3M(),
  DDIMSampler(),
  ProbabilityFlowSampler(),
  EulerMaruyamaSampler(),
  PredictorCorrectorSampler(),
  LangevinSampler(),
  AnnealedLangevinSampler(),
  MetropolisAdjustedLangevinSampler(),
]
