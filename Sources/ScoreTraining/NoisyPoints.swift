import ScoreModels
import Torch

/// Noisy data, each example at a time of its own.
struct NoisyPoints {
  /// xₜ, `[n, …]`.
  let x: Tensor
  let times: Tensor
  let labels: Tensor?
  let process: any DiffusionProcess

  init(
    _ batch: TrainingBatch, process: any DiffusionProcess, noiseLevels: NoiseDistribution,
    using generator: inout RandomGenerator
  ) {
    let data = batch.examples
    times = noiseLevels.times(data.size(0), process: process, using: &generator).to(data.device)
    x = process.perturb(data, noise: generator.normal(data.shape, dtype: data.dtype).to(data.device), at: times)
    labels = batch.labels
    self.process = process
  }

  /// A function of the times, in a shape that broadcasts against the points.
  func factor(_ function: (Tensor) -> Tensor) -> Tensor {
    function(times).to(x.dtype).broadcastable(toRank: x.rank)
  }

  /// D at the points, or at other points with the same times and labels.
  func denoised(by model: any ScoreModel, at other: Tensor? = nil) -> Tensor {
    model.checkedDenoised(other ?? x, at: times, process: process, condition: labels)
  }
}
