public import Torch

/// What is known about samples beforehand: some of their pixels, or the grey of their colours.
///
/// The known part of every denoised image is replaced by what is known: D′ = D + P·(y − D), with P the orthogonal projection
/// onto what was observed. Any sampler then ends with samples that agree with it, and the known part of its state at noise
/// level σ is y plus noise of that level, which is how the rest is drawn to suit it: the replacement method of Song et al.
/// (2021), *Score-based generative modeling through stochastic differential equations*, arXiv 2011.13456, appendix I, and
/// Lugmayr et al. (2022), *RePaint*, arXiv 2201.09865.
///
/// It is an approximation of the conditional distribution. Samplers that stay at a noise level for several steps, as
/// annealed Langevin dynamics and predictor-corrector do, bring both parts into agreement; a few steps of an ODE solver may
/// leave a seam. No evaluations of the model are added.
public struct PartialObservation {
  private enum Projection {
    /// Where elements are known.
    case mask(Tensor)
    /// The mean over channels is known.
    case channelMean
  }

  private let known: Tensor
  private let projection: Projection

  private init(_ known: Tensor, _ projection: Projection) {
    self.known = known
    self.projection = projection
  }

  /// Some elements are known.
  ///
  /// - Parameters:
  ///   - known: `[n, …]`, one for each sample; what is not known may hold any numbers.
  ///   - mask: not 0 where an element is known, of a shape that can be broadcast to that of `known`.
  /// - Precondition: the shapes fit.
  public static func elements(_ known: Tensor, where mask: Tensor) -> PartialObservation {
    let mask = (mask .!= 0).to(known.device).expanded(to: known.shape)
    return PartialObservation(known.to(.float64), .mask(mask))
  }

  /// The mean of the channels of each pixel is known, and the colour is not.
  ///
  /// - Parameter grey: `[n, 1, height, width]`, or images with channels, whose mean is taken.
  public static func grey(_ images: Tensor) -> PartialObservation {
    PartialObservation(images.to(.float64).mean(1, keepingDimensions: true), .channelMean)
  }

  /// The number of samples that something is known about.
  public var count: Int { known.size(0) }

  /// What is known about some of the samples.
  public func samples(_ range: Range<Int>) -> PartialObservation {
    switch projection {
    case .mask(let mask): PartialObservation(known[range], .mask(mask[range]))
    case .channelMean: PartialObservation(known[range], .channelMean)
    }
  }

  /// D + P·(y − D), in units of the data; the known elements are then exactly those that are known.
  func imposed(on denoised: Tensor, at positions: [Int]? = nil) -> Tensor {
    func chosen(_ tensor: Tensor) -> Tensor {
      (positions.map { tensor.gathering($0) } ?? tensor).to(denoised.device)
    }
    switch projection {
    case .mask(let mask): return denoised.replacing(where: chosen(mask), with: chosen(known))
    case .channelMean: return denoised + (chosen(known) - denoised.mean(1, keepingDimensions: true))
    }
  }

  /// Checks that it is about samples of a shape.
  func validate(count: Int, shape: [Int]) throws(SamplerError) {
    try require(
      self.count == count, "something is known about \(self.count) samples, and \(count) are drawn")
    let own = Array(known.shape.dropFirst())
    switch projection {
    case .mask: try require(own == shape, "what is known has the shape \(own), and samples have \(shape)")
    case .channelMean:
      try require(
        shape.count == 3 && own == [1] + shape.dropFirst(),
        "grey of the shape \(own) is not that of samples of shape \(shape)")
    }
  }
}
