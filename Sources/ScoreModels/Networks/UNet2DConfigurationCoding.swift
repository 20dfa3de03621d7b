internal import Files

extension UNet2D {
  /// Why a configuration does not describe a network.
  public struct ConfigurationError: Error, CustomStringConvertible, Equatable {
    /// The reason in one sentence.
    public let description: String

    package init(_ description: String) { self.description = description }
  }
}

extension UNet2D.Configuration {
  /// Checks that all sizes are in their ranges and fit together.
  ///
  /// - Throws: `ConfigurationError`.
  public func validate() throws(UNet2D.ConfigurationError) {
    func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(UNet2D.ConfigurationError) {
      if !condition { throw UNet2D.ConfigurationError(message()) }
    }
    let channels = blockOutChannels
    try require(
      (1...12).contains(channels.count) && channels.allSatisfy { (4...65_536).contains($0) },
      "block_out_channels \(channels) must hold 1 to 12 numbers of channels, each between 4 and 65536")
    try require(
      downBlockTypes.count == channels.count && upBlockTypes.count == channels.count,
      "down_block_types, up_block_types and block_out_channels must have the same length, not "
        + "\(downBlockTypes.count), \(upBlockTypes.count) and \(channels.count)")
    try require(
      (1...1024).contains(inChannels) && inChannels == outChannels,
      "in_channels \(inChannels) and out_channels \(outChannels) must be equal and between 1 and 1024")
    try require((1...64).contains(layersPerBlock), "layers_per_block must be between 1 and 64, not \(layersPerBlock)")
    try require(
      (1...65_536).contains(timeEmbeddingDim ?? 1), "time_embedding_dim must be positive, not \(embeddingFeatures)")
    try require(
      (0..<(channels[0] / 2)).contains(freqShift),
      "freq_shift must be between 0 and \(channels[0] / 2 - 1), half the first number of channels, not \(freqShift)")
    try require(
      normNumGroups > 0 && channels.allSatisfy { $0 % normNumGroups == 0 },
      "norm_num_groups \(normNumGroups) does not divide all of block_out_channels \(channels)")
    if let groups = attnNormNumGroups {
      try require(
        groups > 0 && channels[channels.count - 1] % groups == 0,
        "attn_norm_num_groups \(groups) does not divide the last of block_out_channels \(channels)")
    }
    if let features = attentionHeadDim {
      try require(
        features > 0 && channelsWithAttention.allSatisfy { $0 >= features },
        "attention_head_dim \(features) must be positive and at most the channels with attention, "
          + "\(channelsWithAttention)")
    }
    try require((0...16).contains(downsamplePadding), "downsample_padding must be 0 to 16, not \(downsamplePadding)")
    try require(normEps > 0 && normEps.isFinite, "norm_eps must be positive, not \(normEps)")
    try require(
      midBlockScaleFactor != 0 && midBlockScaleFactor.isFinite,
      "mid_block_scale_factor must not be zero or infinite, but is \(midBlockScaleFactor)")
    try require(
      (1...10_000_000).contains(numClassEmbeds ?? 1), "num_class_embeds must be positive, not \(numClassEmbeds ?? 0)")
    if let size = sampleSize {
      try require(
        size.count == 2 && size.allSatisfy { $0 > 0 }, "sample_size must be a height and a width, not \(size)")
    }
  }

  private var channelsWithAttention: [Int] {
    let down = zip(downBlockTypes, blockOutChannels).filter { $0.0 == .attention }.map(\.1)
    let up = zip(upBlockTypes, blockOutChannels.reversed()).filter { $0.0 == .attention }.map(\.1)
    return down + up + (midBlockType != nil && addAttention ? [blockOutChannels[blockOutChannels.count - 1]] : [])
  }
}

extension UNet2D.Configuration: Codable {
  /// Reads diffusers' keys; absent keys have diffusers' defaults, and keys that begin with an underscore are ignored.
  ///
  /// - Throws: `ConfigurationError` for an unknown key or a value that is not supported.
  public init(from decoder: any Decoder) throws {
    let fields = try ConfigurationFields(decoder)
    let sides = try fields.optional("sample_size", default: Sides?.none)?.values ?? []
    sampleSize = sides.isEmpty ? nil : sides
    inChannels = try fields.value("in_channels", default: inChannels)
    outChannels = try fields.value("out_channels", default: outChannels)
    centerInputSample = try fields.value("center_input_sample", default: centerInputSample)
    timeEmbeddingType = try fields.choice("time_embedding_type", default: timeEmbeddingType)
    timeEmbeddingDim = try fields.optional("time_embedding_dim", default: timeEmbeddingDim)
    freqShift = try fields.value("freq_shift", default: freqShift)
    flipSinToCos = try fields.value("flip_sin_to_cos", default: flipSinToCos)
    downBlockTypes = try fields.choices("down_block_types", default: downBlockTypes)
    if try fields.optional("mid_block_type", default: String?.some("")) == nil {
      midBlockType = nil
    } else {
      midBlockType = try fields.choice("mid_block_type", default: .attention)
    }
    upBlockTypes = try fields.choices("up_block_types", default: upBlockTypes)
    blockOutChannels = try fields.value("block_out_channels", default: blockOutChannels)
    layersPerBlock = try fields.value("layers_per_block", default: layersPerBlock)
    midBlockScaleFactor = try fields.value("mid_block_scale_factor", default: midBlockScaleFactor)
    downsamplePadding = try fields.value("downsample_padding", default: downsamplePadding)
    downsampleType = try fields.choice("downsample_type", default: downsampleType)
    upsampleType = try fields.choice("upsample_type", default: upsampleType)
    actFn = try fields.choice("act_fn", default: actFn)
    attentionHeadDim = try fields.optional("attention_head_dim", default: attentionHeadDim)
    normNumGroups = try fields.value("norm_num_groups", default: normNumGroups)
    attnNormNumGroups = try fields.optional("attn_norm_num_groups", default: attnNormNumGroups)
    normEps = try fields.value("norm_eps", default: normEps)
    resnetTimeScaleShift = try fields.choice("resnet_time_scale_shift", default: resnetTimeScaleShift)
    addAttention = try fields.value("add_attention", default: addAttention)
    numClassEmbeds = try fields.optional("num_class_embeds", default: numClassEmbeds)
    if try fields.value("dropout", default: 0.0) != 0 {
      throw UNet2D.ConfigurationError("dropout is not supported; set it to 0")
    }
    if let type = try fields.optional("class_embed_type", default: String?.none) {
      throw UNet2D.ConfigurationError("class_embed_type \"\(type)\" is not supported; it must be null")
    }
    // A class name must be a text; the code that reads the folder checks which class it is.
    _ = try fields.optional("_class_name", default: String?.none)
    // Only learned time embeddings use it.
    _ = try fields.optional("num_train_timesteps", default: Int?.none)
    try fields.refuseUnknownKeys()
    try validate()
  }

  /// A height and a width, or one number for both.
  private struct Sides: Decodable {
    let values: [Int]

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let side = try? container.decode(Int.self) {
        values = [side, side]
      } else {
        values = try container.decode([Int].self)
      }
    }
  }

  /// Writes all of diffusers' keys.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: JSONKey.self)
    func write(_ key: String, _ value: some Encodable) throws {
      try container.encode(value, forKey: JSONKey(stringValue: key))
    }
    if let size = sampleSize, size.count == 2, size[0] == size[1] {
      try write("sample_size", size[0])
    } else {
      try write("sample_size", sampleSize)
    }
    try write("in_channels", inChannels)
    try write("out_channels", outChannels)
    try write("center_input_sample", centerInputSample)
    try write("time_embedding_type", timeEmbeddingType.rawValue)
    try write("time_embedding_dim", timeEmbeddingDim)
    try write("freq_shift", freqShift)
    try write("flip_sin_to_cos", flipSinToCos)
    try write("down_block_types", downBlockTypes.map(\.rawValue))
    try write("mid_block_type", midBlockType?.rawValue)
    try write("up_block_types", upBlockTypes.map(\.rawValue))
    try write("block_out_channels", blockOutChannels)
    try write("layers_per_block", layersPerBlock)
    try write("mid_block_scale_factor", midBlockScaleFactor)
    try write("downsample_padding", downsamplePadding)
    try write("downsample_type", downsampleType.rawValue)
    try write("upsample_type", upsampleType.rawValue)
    try write("dropout", 0.0)
    try write("act_fn", actFn.rawValue)
    try write("attention_head_dim", attentionHeadDim)
    try write("norm_num_groups", normNumGroups)
    try write("attn_norm_num_groups", attnNormNumGroups)
    try write("norm_eps", normEps)
    try write("resnet_time_scale_shift", resnetTimeScaleShift.rawValue)
    try write("add_attention", addAttention)
    try write("class_embed_type", String?.none)
    try write("num_class_embeds", numClassEmbeds)
  }
}
