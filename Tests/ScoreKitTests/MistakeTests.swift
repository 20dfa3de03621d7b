import TestSupport
import Testing

/// Mistakes end an optimised program with a sentence and a status, and never by a signal.
@Suite struct MistakeTests {
  /// The words that the sentence of each mistake must have.
  static let mistakes: [(name: String, words: [String])] = [
    ("groups", ["4 groups do not divide 10 channels"]),
    ("elements", ["2 elements do not fill the shape [3]"]),
    ("rows", ["rows of a matrix have the same length"]),
    ("threads", ["the number of threads must be positive, not 0"]),
    ("operands", ["+(float32[3], float32[2]): ", "must match the size"]),
    ("dimension", ["a tensor of rank 1 has no dimension 1"]),
    ("parameterShape", ["a parameter of shape [2] cannot take a value of shape [3]"]),
    ("seeds", ["a bound in 1 ... 2³¹, not 0"]),
    ("network", ["an MLP of", "has no weights"]),
    ("mixture", ["means of 1 components do not have shape [2, 2]"]),
    ("process", ["0 < sigmaMin < sigmaMax does not hold for 2.0, 1.0"]),
    ("embedding", ["a Fourier embedding needs an even length, not 3"]),
    ("gridOfNothing", ["a grid needs at least one picture"]),
    ("pixels", ["1 bytes do not fill 2 × 2 pixels of 1 channels"]),
    ("picture", ["pictures have the shape [count, 1 or 3, height, width], not [1, 2, 3, 3]"]),
    ("chart", ["a chart needs at least 300 × 200 points, not 10"]),
    ("points", ["the number of points must be positive, not 0"]),
    ("diagonal", ["a diagonal is a vector, not a tensor of shape [2, 2]"]),
    ("decay", ["must be in 0 ..< 1, not 1.0"]),
    ("noParameters", ["Unparameterized has no parameters"]),
    ("unknownPart", ["\"lay\"", "is no parameter of LinearScore", "such as layer.weight"]),
    ("allFrozen", ["all parameters of LinearScore are frozen"]),
    ("negativeFactor", ["must be at least 0 and finite, not -1.0 for \"layer.bias\""]),
    ("projectedGroups", ["factors of the learning rate do not go with NullSpaceProjected<Adam>"]),
    ("scoreInTraining", ["ScalarScore returned a score of shape [8, 1] for x of shape [8, 2]"]),
    ("scoreInSampling", ["ScalarScore returned a score of shape", ", 1] for x of shape"]),
    ("scoreInTweedie", ["ScalarScore returned a score of shape [4, 1] for x of shape [4, 2]"]),
    ("networkOutput", ["ScalarNetwork returned an output of shape", ", 1] for x of shape"]),
    ("energyShape", ["WrongEnergy returned an energy of shape"]),
    ("parametersInSet", ["SetModel holds parameters in its property layers, a Set<Entry>"]),
    (
      "parametersInClass",
      ["ClassModel holds parameters in its property store, a Store, which is a class and no Module"]
    ),
    ("parametersUnderOddKeys", ["KeyedModel holds parameters in its property layers, a Dictionary<Double, Linear>"]),
    ("parametersOfOneName", ["TwinModel has two parameters of the name layer.weight"]),
  ]

  /// Those that a user's data or settings can cause.
  static let thrown: [(name: String, words: [String])] = [
    ("noExamples", ["the examples of none have the shape [0, 2]: there are none"]),
    ("noTrainingExamples", ["there are no examples to train on"]),
    ("noBatch", ["the batch size must be positive, not 0"]),
    ("noSamplingBatch", ["the batch size must be positive, not 0"]),
    ("labelCount", ["the labels of few are int64[2], and its 20 examples need int64[20]"]),
    ("trainingLabelCount", ["labels of shape [2] do not fit examples of shape [20, 2]"]),
    ("negativeLabel", ["a label of few is -1"]),
    ("floatImages", ["the examples of floats are float32[2, 1, 4, 4]", "Pixels.bytes(of:)"]),
  ]

  private let program = Program.built("mistakes")

  @Test(arguments: mistakes) func mistakesEndWithASentence(_ name: String, _ words: [String]) throws {
    try program.expectFailure([name], status: 70, mentioning: words)
  }

  @Test(arguments: thrown) func wrongDataAreThrown(_ name: String, _ words: [String]) throws {
    let result = try program.run([name])
    #expect(result.ending == .exit(3), "\(result.errors)")
    for word in words { #expect(result.errors.contains(word), "\(result.errors) does not mention \(word)") }
  }

  @Test func everyMistakeIsMade() throws {
    let listed = try program.run().output.split(separator: "\n").map(String.init)
    #expect(listed.sorted() == (Self.mistakes + Self.thrown).map(\.name).sorted())
  }
}
