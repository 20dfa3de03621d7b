// Does a class-conditional model draw the class that it was asked for? An independent classifier of the same data judges.
//
//   swift run -c release class-conditional runs/mnist --guidance 2 --out outputs/mnist-classes.png
import ArgumentParser
import CommandLineSupport
import Foundation
import ScoreKit

@main
struct ClassConditionalExample: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "class-conditional",
    abstract:
      "Counts how many samples a classifier, trained on the same data, recognises as the class they were asked for.")

  @Argument(help: ArgumentHelp("A run with --class-conditional.", valueName: "run"))
  var source: String

  @Option(help: ArgumentHelp("The samples of each class.", valueName: "n"))
  var perClass = 10

  @Option(help: ArgumentHelp("The weight of classifier-free guidance.", valueName: "x"))
  var guidance = 2.0

  @Option(help: ArgumentHelp("The steps of Heun's method.", valueName: "n"))
  var steps = 18

  @Option(help: ArgumentHelp("The seed of samples and classifier.", valueName: "n"))
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("The picture to write, a row for each class.", valueName: "file.png"))
  var out = "outputs/classes.png"

  static func main() { runTool() }

  func validate() throws {
    try check("per-class", perClass, in: 1...10_000)
    try check("steps", steps, in: 1...10_000)
    try check("guidance", guidance, "needs a number", \.isFinite)
  }

  func run() throws {
    Engine.prepare()
    let saved = try SavedModel(contentsOf: source)
    let (run, model) = (saved.record.run, saved.record.model)
    guard model.classCount > 1, let data = run.data else {
      throw RunError(.usage, "\(source) knows no classes; train one with --class-conditional")
    }
    let dataset = try DatasetSource(data).load(labels: run.labels, seed: run.seed)
    let training = CommandLineSupport.Progress("classifier", total: 100, style: .auto)
    // Its own seed: nothing of it is shared with the model.
    let classifier = try FeatureClassifier.train(on: dataset, seed: seed &+ 1) { training.update(Int(100 * $0)) }
    training.finish()
    let labels = (0..<model.classCount).flatMap { Array(repeating: $0, count: perClass) }
    let sampling = CommandLineSupport.Progress("sampling", total: labels.count, style: .auto)
    let samples = try HeunSampler(steps: steps).sample(
      from: saved.samplingModel.guided(weight: guidance), process: saved.process, shape: model.shape,
      seeds: labels.indices.map { seed &+ UInt64($0) }, batchSize: 64, condition: Tensor(labels)
    ) { state in
      sampling.update(state.samples.lowerBound + state.samples.count * state.step / max(state.stepCount, 1))
    }
    sampling.finish()
    let drawn = dataset.isImages ? Pixels.values(of: Pixels.bytes(of: samples)) : samples
    let guesses = classifier.classes(of: drawn)
    try AtomicFile.createFolder(FilePath.folder(of: out))
    try Image.picture(of: samples, columns: perClass).write(toPNG: out)
    for label in 0..<model.classCount {
      let right = labels.indices.count { labels[$0] == label && guesses[$0] == label }
      print("class \(label): \(right) of \(perClass)")
    }
    let right = zip(labels, guesses).count { $0 == $1 }
    print(
      "recognised: \(right) of \(labels.count), by a classifier right on \(percent(classifier.heldOutAccuracy)) of held-out data"
    )
    print(out)
  }

  private func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
}
