internal import Torch

extension UNet2D {
  /// The sizes and kinds of a U-Net's blocks, under the keys of the configuration of diffusers' `UNet2DModel`.
  ///
  /// Dropout, learned time embeddings, class embeddings other than a table, and skip and encoder blocks are not
  /// supported: reading a configuration that asks for them throws.
  public struct Configuration: Hashable, Sendable {
    /// How the noise level is embedded.
    public enum TimeEmbedding: String, CaseIterable, Sendable {
      /// By sines and cosines of fixed frequencies.
      case positional
      /// By sines and cosines of log σ at random frequencies; the output is divided by σ.
      case fourier
    }

    /// The blocks of one resolution on the way down.
    public enum DownBlock: String, CaseIterable, Sendable {
      /// Residual blocks.
      case plain = "DownBlock2D"
      /// Residual blocks, each followed by attention.
      case attention = "AttnDownBlock2D"
      /// Residual blocks, the last of which halves the resolution.
      case resnet = "ResnetDownsampleBlock2D"
    }

    /// The blocks at the lowest resolution.
    public enum MidBlock: String, CaseIterable, Sendable {
      /// Two residual blocks, by default with attention between.
      case attention = "UNetMidBlock2D"
    }

    /// The blocks of one resolution on the way up.
    public enum UpBlock: String, CaseIterable, Sendable {
      /// Residual blocks.
      case plain = "UpBlock2D"
      /// Residual blocks, each followed by attention.
      case attention = "AttnUpBlock2D"
      /// Residual blocks, the last of which doubles the resolution.
      case resnet = "ResnetUpsampleBlock2D"
    }

    /// How blocks with attention change the resolution.
    public enum Resampling: String, CaseIterable, Sendable {
      /// By a convolution.
      case conv
      /// By a residual block.
      case resnet
    }

    /// How residual blocks take in the embedding of the noise level.
    public enum TimeScaleShift: String, CaseIterable, Sendable {
      /// It is added.
      case `default`
      /// It scales and shifts the normalised channels.
      case scaleShift = "scale_shift"
    }

    /// Height and width of the training images; the network takes other sizes too.
    public var sampleSize: [Int]?
    /// The channels of an image: 1 for grey, 3 for RGB.
    public var inChannels = 3
    /// The channels of the output; must equal `inChannels`.
    public var outChannels = 3
    /// Whether images are first mapped from [0, 1] to [−1, 1].
    public var centerInputSample = false
    /// How the noise level is embedded.
    public var timeEmbeddingType = TimeEmbedding.positional
    /// The length of the embedding; four times the first number of channels by default.
    public var timeEmbeddingDim: Int?
    /// The `shift` of the ``SinusoidalEmbedding``, which changes the spacing of its frequencies.
    public var freqShift = 0
    /// Whether the cosines come before the sines.
    public var flipSinToCos = true
    /// The blocks on the way down, from the highest resolution.
    public var downBlockTypes: [DownBlock] = [.plain, .attention, .attention, .attention]
    /// The blocks at the lowest resolution; `nil` for none.
    public var midBlockType: MidBlock? = .attention
    /// The blocks on the way up, from the lowest resolution.
    public var upBlockTypes: [UpBlock] = [.attention, .attention, .attention, .plain]
    /// The channels at each resolution, from the highest.
    public var blockOutChannels = [224, 448, 672, 896]
    /// The residual blocks at each resolution; there is one more on the way up.
    public var layersPerBlock = 2
    /// The divisor of the outputs of the middle blocks.
    public var midBlockScaleFactor = 1.0
    /// The zeros on each side of the input of a convolution with stride 2; 0 means one row below and one column on the
    /// right.
    public var downsamplePadding = 1
    /// How blocks with attention halve the resolution.
    public var downsampleType = Resampling.conv
    /// How blocks with attention double the resolution.
    public var upsampleType = Resampling.conv
    /// The nonlinearity of the residual blocks.
    public var actFn = Activation.silu
    /// The features of one head of attention; `nil` for one head.
    public var attentionHeadDim: Int? = 8
    /// The groups of every normalisation.
    public var normNumGroups = 32
    /// The groups of the normalisation before the middle attention, if they differ.
    public var attnNormNumGroups: Int?
    /// The number that is added to the variance in every normalisation.
    public var normEps = 1e-5
    /// How residual blocks take in the embedding.
    public var resnetTimeScaleShift = TimeScaleShift.default
    /// Whether there is attention at the lowest resolution.
    public var addAttention = true
    /// The number of class labels; `nil` without classes.
    public var numClassEmbeds: Int?

    /// Makes the configuration that diffusers has by default.
    public init() {}

    /// Makes a configuration for training from scratch: one head of attention, and normalisation over groups of at least
    /// four channels.
    ///
    /// - Parameters:
    ///   - channels: the channels at each resolution, from the highest; each further one halves height and width.
    ///   - attentionLevels: the resolutions with attention, 0 being the highest. The middle blocks always have it.
    ///   - inputChannels: 1 for grey images, 3 for RGB.
    ///   - classCount: the number of classes; one more label then stands for "no label".
    public init(
      channels: [Int] = [32, 64, 64], layersPerBlock: Int = 1, attentionLevels: Set<Int> = [], inputChannels: Int = 1,
      classCount: Int = 0
    ) {
      inChannels = inputChannels
      outChannels = inputChannels
      downBlockTypes = channels.indices.map { attentionLevels.contains($0) ? .attention : .plain }
      upBlockTypes = channels.indices.reversed().map { attentionLevels.contains($0) ? .attention : .plain }
      blockOutChannels = channels
      self.layersPerBlock = layersPerBlock
      attentionHeadDim = nil
      let largest = min(32, (channels.min() ?? 0) / 4)
      normNumGroups = stride(from: largest, to: 1, by: -1).first { g in channels.allSatisfy { $0 % g == 0 } } ?? 1
      numClassEmbeds = classCount > 0 ? classCount + 1 : nil
    }

    /// The length of the embedding.
    var embeddingFeatures: Int { timeEmbeddingDim ?? 4 * blockOutChannels[0] }

    /// The attention that follows a residual block.
    func attention(_ channels: Int, using generator: inout RandomGenerator) -> SelfAttention2d {
      SelfAttention2d(
        channels, headFeatures: attentionHeadDim, groups: normNumGroups, epsilon: normEps, using: &generator)
    }
  }
}
