internal import Files
public import Torch

/// Attention between all pixels of an image, with a residual connection: y = (x + W_o·softmax(q·kᵀ/√d)·v)/outputScale,
/// with q, k and v affine in the normalised x.
///
/// Vaswani et al. (2017), *Attention is all you need*, arXiv 1706.03762; Ho, Jain & Abbeel (2020), arXiv 2006.11239.
///
/// The softmax is written out, so it has derivatives of every order, which fused kernels lack. Memory grows with
/// heads·(height·width)². Parameters are named as in Hugging Face diffusers: `group_norm`, `to_q`, `to_k`, `to_v`,
/// `to_out.0`.
public struct SelfAttention2d: Module {
  /// The normalisation of the input; `nil` for none.
  public let norm: GroupNorm?
  /// The map to the queries q.
  public let query: Linear
  /// The map to the keys k.
  public let key: Linear
  /// The map to the values v.
  public let value: Linear
  /// The output map W_o.
  public let output: Linear
  /// The number of heads.
  public let heads: Int
  /// The divisor of the sum.
  public let outputScale: Double

  /// The names of diffusers.
  public static var parameterNames: [String: String] {
    ["norm": "group_norm", "query": "to_q", "key": "to_k", "value": "to_v", "output": "to_out.0"]
  }

  /// Makes a layer.
  ///
  /// - Parameters:
  ///   - headFeatures: the length d of the queries of one head; by default the number of channels, which makes one head.
  ///     There are channels/d heads, rounded down.
  ///   - groups: the groups of the normalisation; `nil` for none.
  /// - Precondition: `headFeatures` is between 1 and `channels`.
  public init(
    _ channels: Int, headFeatures: Int? = nil, groups: Int?, epsilon: Double = 1e-5, outputScale: Double = 1,
    using generator: inout RandomGenerator
  ) {
    let features = headFeatures ?? channels
    demand(features > 0 && features <= channels, "heads of \(features) features do not fit \(channels) channels")
    heads = channels / features
    norm = groups.map { GroupNorm(channels, groups: $0, epsilon: epsilon) }
    query = Linear(channels, heads * features, using: &generator)
    key = Linear(channels, heads * features, using: &generator)
    value = Linear(channels, heads * features, using: &generator)
    output = Linear(heads * features, channels, using: &generator)
    self.outputScale = outputScale
  }

  /// Maps x `[batch, channels, height, width]` to the same shape.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let shape = x.shape
    let (batch, channels, pixels) = (shape[0], shape[1], shape[2] * shape[3])
    let tokens = (norm?(x) ?? x).reshaped(batch, channels, pixels).transposed().contiguous()
    let features = query.weight.shape[0] / heads
    func split(_ projected: Tensor) -> Tensor {
      projected.reshaped(batch, pixels, heads, features).transposed(1, 2)
    }
    let q = split(query(tokens) * (1 / Double(features).squareRoot()))
    let weights = q.matmul(split(key(tokens)).transposed()).softmax()
    let mixed = weights.matmul(split(value(tokens))).transposed(1, 2).reshaped(batch, pixels, heads * features)
    let y = x + output(mixed).transposed().reshaped(shape)
    return outputScale == 1 ? y : y / outputScale
  }
}
