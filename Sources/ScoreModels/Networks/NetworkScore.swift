public import Torch

/// A network from which a score is made: it maps images or points to the same shape.
public protocol ScoreNetwork: Module {
  /// Evaluates the network.
  ///
  /// - Parameters:
  ///   - x: `[batch, …]`, scaled to about unit variance.
  ///   - noise: a number for each example that encodes its noise level, `[batch]`.
  ///   - condition: class labels `[batch]` or `nil`.
  /// - Returns: a tensor of x's shape.
  func callAsFunction(_ x: Tensor, noise: Tensor, condition: Tensor?) -> Tensor
}

/// What a network predicts: how its input is scaled, and how its output F becomes a denoiser D.
///
/// With x = s·(x₀ + σε) and x̂ = x/s.
public enum Parameterization: Hashable, Sendable {
  /// D = c_skip·x̂ + c_out·F(c_in·x̂, c_noise) with c_skip = σ_d²/(σ² + σ_d²), c_out = σσ_d/√(σ² + σ_d²), c_in = 1/√(σ² +
  /// σ_d²), c_noise = noiseScale·(log σ)/4: inputs and targets have unit variance at every noise level.
  ///
  /// Karras et al. (2022), arXiv 2206.00364, table 1; they take a noise scale of 1. A larger one lets sinusoidal
  /// embeddings tell noise levels apart more easily.
  case edm(sigmaData: Double, noiseScale: Double = 10)
  /// F(x, timeScale·t) = ε: DDPM (Ho, Jain & Abbeel 2020, arXiv 2006.11239), with timeScale = 999 or 1000.
  case noise(timeScale: Double)
  /// F(x, timeScale·t) = s·ε − sσ·x₀, for variance-preserving processes (Salimans & Ho 2022, arXiv 2202.00512).
  case velocity(timeScale: Double)
  /// F(x, timeScale·t) = x₀.
  case denoised(timeScale: Double)
}

/// The score that a network gives under a parameterization of a process.
public struct NetworkScore<Network: ScoreNetwork>: ScoreModel {
  /// The network.
  public let network: Network
  /// The process that the network was trained for.
  public let process: any DiffusionProcess
  /// What the network predicts.
  public let parameterization: Parameterization

  /// The network's parameters carry no prefix.
  public static var parameterNames: [String: String] { ["network": ""] }

  /// Makes a score model.
  public init(_ network: Network, process: any DiffusionProcess, parameterization: Parameterization) {
    self.network = network
    self.process = process
    self.parameterization = parameterization
  }

  /// (s·D(x, t) − x)/(s²σ²).
  public func score(_ x: Tensor, at t: Tensor, condition: Tensor?) -> Tensor {
    let levels = NoiseLevels(of: process, at: t, like: x)
    return levels.score(scaled: x, denoised: denoised(x, t, levels, condition))
  }

  /// The denoiser, by one network evaluation; `process` is ignored, the model's own process is used.
  public func denoised(
    _ x: Tensor, at t: Tensor, process: any DiffusionProcess, condition: Tensor?
  ) -> Tensor {
    denoised(x, t, NoiseLevels(of: self.process, at: t, like: x), condition)
  }

  private func denoised(_ x: Tensor, _ t: Tensor, _ levels: NoiseLevels, _ condition: Tensor?) -> Tensor {
    let (scale, sigma) = (levels.scale, levels.sigma)
    switch parameterization {
    case .edm(let sigmaData, let noiseScale):
      let variance = sigma.square() + sigmaData * sigmaData
      let deviation = variance.sqrt()
      let normalized = x / (scale * deviation)
      let noise = (sigma.log() * (noiseScale / 4)).flattened()
      let output = evaluated(normalized, noise: noise, condition: condition)
      // c_skip·x̂ = σ_d²/√(σ² + σ_d²)·normalized.
      return (normalized * sigmaData + output * sigma) * (sigmaData / deviation)
    case .noise(let timeScale):
      return x / scale - sigma * evaluated(x, noise: t.to(x.dtype) * timeScale, condition: condition)
    case .velocity(let timeScale):
      return scale * (x - sigma * evaluated(x, noise: t.to(x.dtype) * timeScale, condition: condition))
    case .denoised(let timeScale):
      return evaluated(x, noise: t.to(x.dtype) * timeScale, condition: condition)
    }
  }

  /// The network's output, which must have the shape of its input.
  private func evaluated(_ x: Tensor, noise: Tensor, condition: Tensor?) -> Tensor {
    let output = network(x, noise: noise, condition: condition)
    network.refuse(output, unless: x.shape, "an output", x)
    return output
  }
}
