import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct ModuleTests {
  struct Leaf: Module {
    let weight: Parameter
    let bias: Parameter?
    let size = 3

    init(_ value: Double, bias: Bool = false) {
      weight = Parameter(.full([2], value))
      self.bias = bias ? Parameter(.full([], value)) : nil
    }
  }

  struct Wrapper: Module {
    let inner: any Module

    static var parameterNames: [String: String] { ["inner": ""] }
  }

  struct Plain {
    let leaf: Leaf
    let number: Int
  }

  enum Choice {
    case one(Leaf)
    case none
  }

  class Root {
    let root = Leaf(15)
  }

  final class Tree: Root, Module {
    let first = Leaf(1, bias: true)
    let blocks = [Leaf(2), Leaf(3)]
    let pair = (Leaf(4), Parameter(.zeros([1])))
    let absent: Leaf? = nil
    let present: Leaf? = Leaf(5)
    let wrapped = Wrapper(inner: Leaf(6))
    let linear1: Leaf
    let again: Leaf
    let grid = [[Leaf(8)], []]
    let named = ["right": Leaf(9), "left": Leaf(10)]
    let numbered = [10: Leaf(11), 9: Leaf(12)]
    let plain = Plain(leaf: Leaf(13), number: 1)
    let choice = Choice.one(Leaf(14))

    static var parameterNames: [String: String] { ["linear1": "linear_1"] }

    override init() {
      linear1 = Leaf(7)
      again = linear1
    }
  }

  @Test func parametersAreNamedByTheirPath() {
    let expected = [
      "root.weight", "first.weight", "first.bias", "blocks.0.weight", "blocks.1.weight", "pair.0.weight", "pair.1",
      "present.weight",
      "wrapped.weight", "linear_1.weight", "grid.0.0.weight",
      "named.left.weight", "named.right.weight", "numbered.9.weight", "numbered.10.weight", "plain.leaf.weight",
      "choice.one.weight",
    ]
    #expect(Tree().namedParameters().map(\.name) == expected)
    #expect(Tree().parameterCount == 2 + 2 + 1 + 4 + 3 + 2 + 2 + 2 + 2 + 4 * 2 + 2 + 2)
  }

  @Test func sharedParametersAreListedOnce() {
    let tree = Tree()
    #expect(tree.linear1.weight === tree.again.weight)
    #expect(tree.parameters().filter { $0 === tree.again.weight }.count == 1)
    #expect(tree.state()["again.weight"] == nil)
  }

  @Test func everyNetworkShowsItsParametersInEveryBuild() {
    var generator = RandomGenerator(seed: 0)
    let unet = UNet2D(.init(channels: [4, 8], attentionLevels: [1], classCount: 3), using: &generator)
    let names = Set(unet.namedParameters().map(\.name))
    let expected = [
      "conv_in.weight", "conv_in.bias", "time_embedding.linear_1.weight", "time_embedding.linear_2.bias",
      "class_embedding.weight", "down_blocks.0.resnets.0.norm1.weight", "down_blocks.0.resnets.0.time_emb_proj.bias",
      "down_blocks.0.downsamplers.0.conv.weight", "down_blocks.1.resnets.0.conv_shortcut.weight",
      "down_blocks.1.attentions.0.group_norm.weight", "down_blocks.1.attentions.0.to_q.weight",
      "down_blocks.1.attentions.0.to_k.bias", "down_blocks.1.attentions.0.to_v.weight",
      "down_blocks.1.attentions.0.to_out.0.bias", "mid_block.resnets.1.conv2.weight",
      "mid_block.attentions.0.to_out.0.weight", "up_blocks.0.upsamplers.0.conv.bias",
      "up_blocks.1.resnets.1.conv_shortcut.bias", "conv_norm_out.weight", "conv_out.weight", "conv_out.bias",
    ]
    #expect(names.isSuperset(of: expected), "\(Set(expected).subtracting(names))")
    #expect(unet.parameters().allSatisfy { $0.value.requiresGradient })

    let mlp = MLP(.init(shape: [2], width: 8, blocks: 2, classCount: 4), using: &generator)
    let energy = NetworkScore(
      EnergyNetwork(mlp), process: EDMProcess(), parameterization: .edm(sigmaData: 0.5))
    #expect(energy.namedParameters().map(\.name) == mlp.namedParameters().map(\.name))
    #expect(mlp.namedParameters().map(\.name).contains("blocks.1.embedding.weight"))
    #expect(mlp.state()["noise.classes.weight"]?.shape == [5, 8])
  }

  @Test func stateCanBeTakenOver() throws {
    let (source, target) = (Leaf(1, bias: true), Leaf(0, bias: true))
    try target.load(source.state())
    expectIdentical(target.weight.value.detached(), .ones([2]))
    expectIdentical(try #require(target.bias).value.detached(), .ones([]))
  }

  @Test func elementTypesStayThoseOfTheModule() throws {
    let leaf = Leaf(0)
    try leaf.load(["weight": Tensor([1, 2] as [Double]).to(.float16)])
    expectIdentical(leaf.weight.value.detached(), Tensor([1, 2] as [Float]))
    leaf.convert(to: .float64)
    #expect(leaf.weight.value.dtype == .float64 && leaf.weight.value.requiresGradient)
  }

  @Test func weightsThatDoNotFitAreRefusedAndChangeNothing() {
    let leaf = Leaf(0, bias: true)
    let (weight, bias) = (Tensor.ones([2]), Tensor.ones([]))
    let wrong: [([String: Tensor], StateMismatch)] = [
      (["bias": bias], .missing("weight", count: 1)),
      ([:], .missing("weight", count: 2)),
      (["weight": weight, "bias": bias, "b": bias, "a": bias], .unknown("a", count: 2)),
      (["weight": weight, "bias": .ones([1])], .shape("bias", expected: [], found: [1])),
      (["weight": .ones([1, 2]), "bias": bias], .shape("weight", expected: [2], found: [1, 2])),
    ]
    for (state, expected) in wrong {
      let error = #expect(throws: StateMismatch.self) { try leaf.load(state) }
      #expect(error == expected)
      expectSentence(error, mentions: "belong to another model")
      #expect(leaf.parameters().allSatisfy { !$0.value.any() })
    }
  }
}
