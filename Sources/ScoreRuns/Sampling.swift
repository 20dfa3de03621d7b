public import Checkpoints
internal import Files
public import Torch

extension ModelConfiguration {
  /// The default classes of samples, seed mod number of classes: `[seeds.count]`; `nil` for a model without classes.
  public func condition(seeds: [UInt64]) -> Tensor? {
    classCount > 0 ? Tensor(seeds.map { Int($0 % UInt64(classCount)) }) : nil
  }

  /// Checks, before samples are drawn, that the model can be guided with a weight.
  ///
  /// - Parameters:
  ///   - guidance: the weight.
  ///   - source: the path of the model, for the error.
  /// - Throws: `RunError` for a weight other than 1 and a model without classes.
  public func validate(guidance: Double, of source: String) throws(RunError) {
    if guidance != 1 && classCount == 0 {
      throw RunError(
        .usage, "\(option: "guidance") needs a model with classes, and \(source) was trained without \(option: "class-conditional")")
    }
  }
}
