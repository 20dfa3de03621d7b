internal import Files
public import Torch

/// Group normalisation (Wu & He 2018, arXiv 1803.08494): mean 0 and variance 1 over groups of channels, then scale and
/// shift for each channel.
public struct GroupNorm: Module {
  /// The scale of each channel, at first 1.
  public let weight: Parameter
  /// The shift of each channel, at first 0.
  public let bias: Parameter
  /// The number of groups.
  public let groups: Int
  /// The number that is added to the variance.
  public let epsilon: Double

  /// Makes a layer with scale 1 and shift 0.
  ///
  /// - Precondition: `groups` divides `channels`.
  public init(_ channels: Int, groups: Int, epsilon: Double = 1e-5) {
    demand(groups > 0 && channels % groups == 0, "\(groups) groups do not divide \(channels) channels")
    weight = Parameter(.ones([channels]))
    bias = Parameter(.zeros([channels]))
    self.groups = groups
    self.epsilon = epsilon
  }

  /// Normalises x `[batch, channels, …]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.groupNorm(groups: groups, weight: weight.value, bias: bias.value, epsilon: epsilon)
  }
}

/// Layer normalisation (Ba, Kiros & Hinton 2016, arXiv 1607.06450) over the last dimension.
public struct LayerNorm: Module {
  /// The scale of each feature, at first 1.
  public let weight: Parameter
  /// The shift of each feature, at first 0.
  public let bias: Parameter
  /// The number that is added to the variance.
  public let epsilon: Double

  /// Makes a layer with scale 1 and shift 0.
  public init(_ features: Int, epsilon: Double = 1e-5) {
    weight = Parameter(.ones([features]))
    bias = Parameter(.zeros([features]))
    self.epsilon = epsilon
  }

  /// Normalises x `[…, features]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.layerNorm(weight: weight.value, bias: bias.value, epsilon: epsilon)
  }
}
