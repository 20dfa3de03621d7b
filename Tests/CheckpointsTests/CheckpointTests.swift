import Checkpoints
import Foundation
import ScoreModels
import TestSupport
import Testing
import Torch

@Suite struct CheckpointTests {
  private struct Note: Codable, Equatable, Sendable {
    var text = "a \"note\" with ünïcode"
    var number = 0.1
  }

  private static func checkpoint(step: Int) -> Checkpoint<Note> {
    Checkpoint(
      step: step, configuration: Note(), model: ["a.weight": Tensor([1, 2, Float(step)])],
      average: ["a.weight": Tensor([0.5, 1, 2] as [Float])],
      optimizer: ["step": Tensor([step]), "exp_avg.0": Tensor([3 as Float])])
  }

  @Test func readingGivesWhatWasWritten() throws {
    try temporaryFolder { folder in
      let written = Self.checkpoint(step: 7)
      try written.write(to: "\(folder)/c")
      let read = try Checkpoint<Note>(contentsOf: "\(folder)/c")
      #expect(read.step == 7)
      #expect(read.configuration == written.configuration)
      for (one, other) in [
        (read.model, written.model), (read.average, written.average), (read.optimizer, written.optimizer),
      ] {
        #expect(Set(one.keys) == Set(other.keys))
        for (name, tensor) in one { expectIdentical(tensor, other[name] ?? tensor + 1) }
      }
      #expect(try Checkpoint<Note>(contentsOf: "\(folder)/c", .weights).optimizer.isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["c"])
    }
  }

  @Test func everyChangedByteIsNoticed() throws {
    try temporaryFolder { folder in
      let path = "\(folder)/c"
      try Self.checkpoint(step: 7).write(to: path)
      for name in try FileManager.default.contentsOfDirectory(atPath: path) {
        let file = URL(fileURLWithPath: "\(path)/\(name)")
        let original = try Data(contentsOf: file)
        for index in stride(from: 0, to: original.count, by: 3) {
          var damaged = original
          damaged[index] ^= 1 << UInt8(index % 8)
          try damaged.write(to: file)
          #expect(throws: CheckpointError.self, "\(name), byte \(index)") { try Checkpoint<Note>(contentsOf: path) }
        }
        for length in [0, 1, original.count / 2, original.count - 1] {
          try original.prefix(length).write(to: file)
          let error = #expect(throws: CheckpointError.self) { try Checkpoint<Note>(contentsOf: path) }
          #expect(error?.kind == .data)
          #expect(error?.description.contains(path) == true && error?.description.contains(name) == true)
        }
        try FileManager.default.removeItem(at: file)
        let error = #expect(throws: CheckpointError.self) { try Checkpoint<Note>(contentsOf: path) }
        #expect(error?.kind == .missing)
        try original.write(to: file)
      }
    }
  }

  @Test func filesOfAnotherSizeAreRefusedBeforeTheyAreRead() throws {
    try temporaryFolder { folder in
      let path = "\(folder)/c"
      try Self.checkpoint(step: 7).write(to: path)
      for name in try FileManager.default.contentsOfDirectory(atPath: path) {
        let original = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
        // More than any machine that runs this has memory.
        #expect(truncate("\(path)/\(name)", 1 << 42) == 0)
        let error = #expect(throws: CheckpointError.self) { try Checkpoint<Note>(contentsOf: path) }
        #expect(error?.kind == .data)
        #expect(error?.description.contains(name) == true)
        #expect(error?.description.contains(" has \(1 << 42) bytes") == true)
        try original.write(to: URL(fileURLWithPath: "\(path)/\(name)"))
      }
    }
  }

  @Test func nameOfAnotherStepIsRefused() throws {
    try temporaryFolder { path in
      let folder = CheckpointFolder(path)
      try folder.write(Self.checkpoint(step: 7), keeping: 3)
      // Under a name of one's own it is as good as before.
      try FileManager.default.copyItem(atPath: folder.path(ofStep: 7), toPath: "\(path)/best")
      #expect(try Checkpoint<Note>(contentsOf: "\(path)/best").step == 7)
      try FileManager.default.moveItem(atPath: folder.path(ofStep: 7), toPath: folder.path(ofStep: 8))
      let error = #expect(throws: CheckpointError.self) { try Checkpoint<Note>(contentsOf: folder.path(ofStep: 8)) }
      #expect(error?.kind == .data)
      #expect(error?.description.contains("its name says step 8, and its state.json step 7") == true)
    }
  }

  @Test func checkpointOfTheSameStepIsExchanged() throws {
    try temporaryFolder { path in
      let folder = CheckpointFolder(path)
      var checkpoint = Self.checkpoint(step: 7)
      try folder.write(checkpoint, keeping: 3)
      checkpoint.model = ["a.weight": Tensor([9 as Float])]
      try folder.write(checkpoint, keeping: 3)
      #expect(try Checkpoint<Note>(contentsOf: folder.path(ofStep: 7)).model["a.weight"]?.elementCount == 1)
      #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == ["latest", "step-000007"])
    }
  }

  @Test func checkpointOfAnotherKindIsRefused() throws {
    struct Other: Codable { var value: Int }
    try temporaryFolder { folder in
      try Self.checkpoint(step: 7).write(to: "\(folder)/c")
      #expect(throws: CheckpointError.self) { try Checkpoint<Other>(contentsOf: "\(folder)/c") }
    }
  }

  @Test func failedWriteLeavesNothing() throws {
    try temporaryFolder { folder in
      try Data().write(to: URL(fileURLWithPath: "\(folder)/file"))
      #expect(throws: (any Error).self) { try Self.checkpoint(step: 1).write(to: "\(folder)/file/c") }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["file"])
    }
  }

  @Test func folderKeepsTheNewestAndPointsToTheLast() throws {
    try temporaryFolder { path in
      let folder = CheckpointFolder("\(path)/checkpoints")
      #expect(try folder.latest() == nil)
      #expect(try folder.readLatest(as: Note.self) == nil)
      for step in [5, 10, 15, 1_234_567] { try folder.write(Self.checkpoint(step: step), keeping: 3) }
      #expect(try folder.steps() == [10, 15, 1_234_567])
      #expect(try folder.latest() == folder.path(ofStep: 1_234_567))
      #expect(folder.path(ofStep: 15).hasSuffix("/step-000015"))
      #expect(try Checkpoint<Note>(contentsOf: "\(folder.path)/latest").step == 1_234_567)
      // What a killed write left is no checkpoint, and the next write clears it away.
      let torn = "\(folder.path)/step-000020.partial-999999999"
      try FileManager.default.createDirectory(atPath: torn, withIntermediateDirectories: false)
      #expect(try folder.steps() == [10, 15, 1_234_567])
      try folder.write(Self.checkpoint(step: 1_234_568), keeping: 3)
      #expect(!FileManager.default.fileExists(atPath: torn))
    }
  }

  @Test func copyThatFollowedTheLinkGoesOn() throws {
    try temporaryFolder { path in
      let folder = CheckpointFolder(path)
      for step in [5, 10] {
        try folder.write(Self.checkpoint(step: step), keeping: 3)
        try FileManager.default.removeItem(atPath: "\(path)/latest")
        try FileManager.default.copyItem(atPath: folder.path(ofStep: step), toPath: "\(path)/latest")
      }
      try folder.write(Self.checkpoint(step: 15), keeping: 3)
      #expect(try Checkpoint<Note>(contentsOf: "\(path)/latest").step == 15)
      let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
      #expect(names == ["latest", "step-000005", "step-000010", "step-000015"])
    }
  }

  @Test func folderThatCannotBeListedIsNoEmptyOne() throws {
    try temporaryFolder { path in
      try Data().write(to: URL(fileURLWithPath: "\(path)/file"))
      #expect(throws: (any Error).self) { try CheckpointFolder("\(path)/file").steps() }
    }
  }

  @Test func oneBeforeIsFoundByNumber() throws {
    try temporaryFolder { path in
      let folder = CheckpointFolder(path)
      for step in [999_000, 1_000_000] { try folder.write(Self.checkpoint(step: step), keeping: 3) }
      try FileManager.default.removeItem(atPath: "\(folder.path(ofStep: 1_000_000))/model.safetensors")
      let error = #expect(throws: CheckpointError.self) { try folder.readLatest(as: Note.self) }
      #expect(error?.description.contains("step-999000") == true)
    }
  }

  @Test func damagedNewestNamesTheOneBefore() throws {
    try temporaryFolder { path in
      let folder = CheckpointFolder(path)
      for step in [5, 10] { try folder.write(Self.checkpoint(step: step), keeping: 3) }
      try Data([1, 2, 3]).write(to: URL(fileURLWithPath: "\(folder.path(ofStep: 10))/ema.safetensors"))
      let error = #expect(throws: CheckpointError.self) { try folder.readLatest(as: Note.self) }
      #expect(error?.description.contains("step-000005") == true)
    }
  }
}

@Suite struct ModelConfigurationTests {
  @Test(arguments: ProcessConfiguration.Kind.allCases, [false, true])
  func modelsAreBuiltFromJSON(_ kind: ProcessConfiguration.Kind, isEnergy: Bool) throws {
    let configurations = [
      ModelConfiguration(
        mlp: .init(shape: [2], width: 8, blocks: 1, classCount: 3), process: .init(kind), sigmaData: 0.5,
        isEnergy: isEnergy),
      ModelConfiguration(
        unet: .init(channels: [8, 8], classCount: 3), shape: [1, 6, 5], process: .init(kind), sigmaData: 0.5,
        isEnergy: isEnergy),
    ]
    for configuration in configurations {
      let read = try JSONDecoder().decode(ModelConfiguration.self, from: JSONEncoder().encode(configuration))
      #expect(read == configuration)
      #expect(read.classCount == 3)
      let (one, two, other) = (
        try read.makeModel(seed: 1), try configuration.makeModel(seed: 1), try read.makeModel(seed: 2)
      )
      let states = [one, two, other].map { $0.state() }
      #expect(states[0].allSatisfy { ($1 .== (states[1][$0] ?? $1 + 1)).all() })
      #expect(states[0].contains { !($1 .== (states[2][$0] ?? $1)).all() })
      let x = Tensor.ones([2] + configuration.shape)
      #expect(one.score(x, at: .full([2], 0.5)).shape == x.shape)
    }
  }

  @Test func energiesFromBeforeThereWasAChoiceAreProducts() throws {
    var configuration = ModelConfiguration(
      mlp: .init(shape: [2], width: 8, blocks: 1), process: .init(.edm), sigmaData: 0.5, isEnergy: true)
    func form() throws -> EnergyForm? {
      let json = try JSONDecoder().decode(ModelConfiguration.self, from: JSONEncoder().encode(configuration))
      return (try json.makeModel(seed: 0) as? EnergyScore<MLP>)?.network.form
    }
    #expect(try form() == .shiftedProduct)
    configuration.energyForm = nil
    #expect(String(decoding: try JSONEncoder().encode(configuration), as: UTF8.self).contains("energyForm") == false)
    #expect(try form() == .product)
  }

  @Test func configurationsThatDescribeNoModelAreRefused() throws {
    let good = ModelConfiguration(mlp: .init(shape: [2]), process: .init(.edm), sigmaData: 0.5)
    let changes: [(inout ModelConfiguration) -> Void] = [
      { $0.mlp = nil }, { $0.sigmaData = 0 }, { $0.sigmaData = .nan }, { $0.shape = [] }, { $0.mlp?.width = -1 },
      { $0.mlp?.blocks = 0 }, { $0.mlp?.shape = [1 << 62, 4] }, { $0.shape = [3] }, { $0.classCount = 1000 },
      { $0.shape = [1 << 40, 1 << 40] }, { $0.process.minimum = 100 }, { $0.process.maximum = .infinity },
      {
        $0.mlp = nil
        $0.unet = .init(channels: [8, 8])
      },
    ]
    for change in changes {
      var bad = good
      change(&bad)
      #expect(throws: ModelConfigurationError.self) { try bad.makeModel(seed: 0) }
    }
  }
}
