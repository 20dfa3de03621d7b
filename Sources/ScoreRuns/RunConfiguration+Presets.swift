extension RunConfiguration {
  /// Sizes of network and training that suit well-known kinds of data.
  public enum Preset: String, CaseIterable, Sendable {
    /// 8×8 images: what the data `digits` get by themselves.
    case digits
    /// 28×28 grey images.
    case mnist
    /// 32×32 colour images; training takes a GPU.
    case cifar10
    /// Points of a few numbers.
    case points
  }

  /// Sets the options of a preset; the others stay as they are.
  public mutating func apply(_ preset: Preset) {
    switch preset {
    case .digits:
      (model, channels, blocks) = (.unet, [32, 64], 1)
      (steps, batchSize, learningRate, ema) = (1500, 128, 2e-3, 0.995)
    case .mnist:
      (model, channels, blocks) = (.unet, [32, 64, 64], 2)
      (steps, batchSize, learningRate, ema) = (20_000, 64, 1e-3, 0.999)
    case .cifar10:
      (model, channels, blocks, flip) = (.unet, [128, 256, 256], 3, .horizontal)
      (steps, batchSize, learningRate, warmup, ema) = (200_000, 128, 5e-4, 5000, 0.9999)
    case .points:
      (model, width, blocks) = (.mlp, 128, 3)
      (steps, batchSize, learningRate, ema) = (5000, 512, 2e-3, 0.995)
    }
  }
}
