public import Torch

/// What is known about samples beforehand: some of their elements, or the mean of their channels.
///
/// The observed part of every denoised value D is replaced by its known value y: D′ = D + P·(y − D), where P is the orthogonal
/// projection onto the observed part. Samples of any sampler then agree with y. At noise level σ the observed part of the
/// state is y plus noise of that level, and the rest is drawn to suit it. This is the replacement method of Song et al.
/// (2021), *Score-based generative modeling through stochastic differential equations*, arXiv 2011.13456, appendix I, and
/// Lugmayr et al. (2022), *RePaint*, arXiv 2201.09865.
///
/// It approximates the conditional distribution. Samplers that stay at a noise level for several steps, such as annealed
/// Langevin dynamics and predictor-corrector, bring both parts into agreement. A few steps of an ODE solver may leave a seam.
/// No evaluations of the model are added.
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
  ///   - known: `[n, …]`, one entry for each sample; unknown elements may hold any numbers.
  ///   - mask: not 0 where an element is known, of a shape that can be broadcast to the shape of `known`.
  /// - Precondition: the shapes fit.
  public static func elements(_ known: Tensor, where mask: Tensor) -> PartialObservation {
    let mask = (mask .!= 0).to(known.device).expanded(to: known.shape)
    return PartialObservation(known.to(.float64), .mask(mask))
  }

  /// The mean of the channels of each pixel is known; the colour is not.
  ///
  /// - Parameter images: `[n, 1, height, width]`, or images with channels, whose mean is taken.
  public static func grey(_ images: Tensor) -> PartialObservation {
    PartialObservation(images.to(.float64).mean(1, keepingDimensions: true), .channelMean)
  }

  /// The number n of samples.
  public var count: Int { known.size(0) }

  /// The observation of some of the samples.
  public func samples(_ range: Range<Int>) -> PartialObservation {
    switch projection {
    case .mask(let mask): PartialObservation(known[range], .mask(mask[range]))
    case .channelMean: PartialObservation(known[range], .channelMean)
    }
  }

  /// D + P·(y − D), in units of the data; observed elements come out unchanged.
  func imposed(on denoised: Tensor, at positions: [Int]? = nil) -> Tensor {
    func chosen(_ tensor: Tensor) -> Tensor {
      (positions.map { tensor.gathering($0) } ?? tensor).to(denoised.device)
    }
    switch projection {
    case .mask(let mask): return denoised.replacing(where: chosen(mask), with: chosen(known))
    case .channelMean: return denoised + (chosen(known) - denoised.mean(1, keepingDimensions: true))
    }
  }

  /// Checks that it fits samples of a shape.
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
