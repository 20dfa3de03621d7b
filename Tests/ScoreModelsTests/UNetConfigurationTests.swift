import Foundation
import ScoreModels
import TestSupport
import Testing

@Suite struct UNetConfigurationTests {
  private static func read(_ json: String) throws -> UNet2D.Configuration {
    try JSONDecoder().decode(UNet2D.Configuration.self, from: Data(json.utf8))
  }

  @Test func absentKeysHaveTheDefaultsOfDiffusers() throws {
    let configuration = try Self.read("{}")
    #expect(configuration == UNet2D.Configuration())
    #expect(configuration.attentionHeadDim == 8 && configuration.blockOutChannels == [224, 448, 672, 896])
  }

  @Test func nullIsNotTheSameAsAbsent() throws {
    let configuration = try Self.read(#"{"attention_head_dim": null, "mid_block_type": null}"#)
    #expect(configuration.attentionHeadDim == nil && configuration.midBlockType == nil)
  }

  @Test func everyKeyIsReadAndWritten() throws {
    let json = """
      {"_class_name": "UNet2DModel", "_diffusers_version": "0.0.4", "sample_size": [8, 6], "in_channels": 2,
       "out_channels": 2, "center_input_sample": true, "time_embedding_type": "fourier", "time_embedding_dim": 24,
       "freq_shift": 1, "flip_sin_to_cos": false, "down_block_types": ["UNetResAttnDownBlock2D", "DownBlock2D"],
       "mid_block_type": "UNetMidBlock2D", "up_block_types": ["ResnetUpsampleBlock2D", "AttnUpBlock2D"],
       "block_out_channels": [8, 16], "layers_per_block": 3, "mid_block_scale_factor": 1.5, "downsample_padding": 0,
       "downsample_type": "resnet", "upsample_type": "resnet", "dropout": 0.0, "act_fn": "mish",
       "attention_head_dim": 4, "norm_num_groups": 4, "attn_norm_num_groups": 8, "norm_eps": 1e-6,
       "resnet_time_scale_shift": "scale_shift", "add_attention": false, "class_embed_type": null,
       "num_class_embeds": 7, "num_train_timesteps": null}
      """
    let read = try Self.read(json)
    var expected = UNet2D.Configuration()
    expected.sampleSize = [8, 6]
    (expected.inChannels, expected.outChannels, expected.centerInputSample) = (2, 2, true)
    (expected.timeEmbeddingType, expected.timeEmbeddingDim) = (.fourier, 24)
    (expected.freqShift, expected.flipSinToCos) = (1, false)
    expected.downBlockTypes = [.attention, .plain]
    expected.upBlockTypes = [.resnet, .attention]
    (expected.blockOutChannels, expected.layersPerBlock) = ([8, 16], 3)
    (expected.midBlockScaleFactor, expected.downsamplePadding) = (1.5, 0)
    (expected.downsampleType, expected.upsampleType, expected.actFn) = (.resnet, .resnet, .mish)
    (expected.attentionHeadDim, expected.normNumGroups, expected.attnNormNumGroups) = (4, 4, 8)
    (expected.normEps, expected.resnetTimeScaleShift) = (1e-6, .scaleShift)
    (expected.addAttention, expected.numClassEmbeds) = (false, 7)
    #expect(read == expected)
    let written = try JSONEncoder().encode(read)
    #expect(try Self.read(String(decoding: written, as: UTF8.self)) == expected)
    // Every public key of the text above is written again, except the one that is never used.
    let keys = try #require(JSONSerialization.jsonObject(with: written) as? [String: Any]).keys
    let original = try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]).keys
    #expect(Set(keys) == Set(original.filter { !$0.hasPrefix("_") && $0 != "num_train_timesteps" }))
  }

  @Test(arguments: [
    (#"{"down_block_types": ["SkipDownBlock2D"]}"#, "SkipDownBlock2D"), (#"{"dropout": 0.1}"#, "dropout"),
    (#"{"class_embed_type": "timestep"}"#, "class_embed_type"), (#"{"time_embedding_type": "learned"}"#, "learned"),
    (#"{"colour": 1}"#, "colour"), (#"{"in_channels": "three"}"#, "in_channels"),
    (#"{"in_channels": 1}"#, "out_channels"),
    (#"{"in_channels": null}"#, "in_channels"), (#"{"in_channels": 2.5}"#, "in_channels"),
    (#"{"norm_num_groups": 5}"#, "norm_num_groups"), (#"{"norm_num_groups": 0}"#, "norm_num_groups"),
    (#"{"block_out_channels": []}"#, "block_out_channels"), (#"{"block_out_channels": [32]}"#, "same length"),
    (#"{"block_out_channels": [32, 64, 64, -4]}"#, "block_out_channels"),
    (#"{"layers_per_block": 0}"#, "layers_per_block"),
    (#"{"attention_head_dim": 0}"#, "attention_head_dim"), (#"{"attention_head_dim": 1000}"#, "attention_head_dim"),
    (#"{"sample_size": 0}"#, "sample_size"), (#"{"sample_size": [1, 2, 3]}"#, "sample_size"),
    (#"{"sample_size": "big"}"#, "sample_size"), (#"{"norm_eps": 0}"#, "norm_eps"),
    (#"{"freq_shift": 200}"#, "freq_shift"),
    (#"{"mid_block_scale_factor": 0}"#, "mid_block_scale_factor"), (#"{"num_class_embeds": 0}"#, "num_class_embeds"),
    (#"{"time_embedding_dim": 0}"#, "time_embedding_dim"), (#"{"act_fn": "tanh"}"#, "act_fn"),
    (#"{"attn_norm_num_groups": 5}"#, "attn_norm_num_groups"), (#"{"downsample_padding": -1}"#, "downsample_padding"),
    ("[]", "JSON object"),
  ]) func whatIsNotSupportedIsRefusedInOneSentence(json: String, word: String) {
    expectSentence(#expect(throws: UNet2D.ConfigurationError.self) { try Self.read(json) }, mentions: word)
  }

  @Test func groupsDivideTheChannels() throws {
    for (channels, groups) in [
      ([32, 64, 64], 8), ([128, 256], 32), ([12, 18], 3), ([7, 11], 1), ([4], 1), ([256, 384], 32),
    ] {
      let configuration = UNet2D.Configuration(channels: channels)
      #expect(configuration.normNumGroups == groups)
      try configuration.validate()
    }
    #expect(throws: UNet2D.ConfigurationError.self) { try UNet2D.Configuration(channels: []).validate() }
    #expect(throws: UNet2D.ConfigurationError.self) { try UNet2D.Configuration(channels: [32, 0]).validate() }
  }

  @Test func attentionSitsWhereItIsAskedFor() {
    let configuration = UNet2D.Configuration(channels: [8, 8, 8], attentionLevels: [1], classCount: 10)
    #expect(configuration.downBlockTypes == [.plain, .attention, .plain])
    #expect(configuration.upBlockTypes == [.plain, .attention, .plain])
    #expect(UNet2D.Configuration(channels: [8, 16], attentionLevels: [0]).upBlockTypes == [.plain, .attention])
    #expect(configuration.numClassEmbeds == 11 && configuration.inChannels == 1)
  }
}
