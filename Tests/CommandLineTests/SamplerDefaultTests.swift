import ScoreKit
import ScoreTools
import TestSupport
import Testing

/// A name on the command line stands for a sampler of the library, with the defaults of the library.
@Suite struct SamplerDefaultTests {
  /// The settings that names other than the first of a type stand for.
  private static let variants: [String: [SamplerSetting: String]] = [
    "dpmpp-2m-sde": [.eta: "1.0"], "dpmpp-3m-sde": [.eta: "1.0"], "ancestral": [.steps: "250", .eta: "1.0"],
  ]

  private func settings(_ sampler: some Sampler) -> [SamplerSetting: String] {
    type(of: sampler).settings.mapValues { "\(sampler[keyPath: $0])" }
  }

  @Test func everySamplerHasANameWithItsDefaults() throws {
    for sampler in allSamplers {
      let named = NamedSampler.builtIn.filter { type(of: $0.sampler) == type(of: sampler) }
      let first = try #require(named.first, "\(type(of: sampler)) has no name")
      #expect("\(first.sampler)" == "\(sampler)", "\(first.name)")
      #expect(!settings(sampler).isEmpty)
      for entry in named {
        let changed = entry.name == first.name ? [:] : try #require(Self.variants[entry.name], "\(entry.name)")
        #expect(settings(entry.sampler) == settings(sampler).merging(changed) { $1 }, "\(entry.name)")
      }
    }
    #expect(NamedSampler.builtIn.count == allSamplers.count + Self.variants.count)
  }

  /// `MySampler()` and `--sampler my` mean the same without further settings.
  @Test func theFirstIsTheDefaultOfTheTool() throws {
    let first = NamedSampler.builtIn[0]
    #expect(first.name == "heun" && "\(first.sampler)" == "\(HeunSampler())")
  }
}
