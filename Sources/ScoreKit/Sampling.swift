extension ModelConfiguration {
  /// The classes of samples where none is asked for, seed mod classes: `[seeds.count]`; `nil` for a model without classes.
  public func condition(seeds: [UInt64]) -> Tensor? {
    classCount > 0 ? Tensor(seeds.map { Int($0 % UInt64(classCount)) }) : nil
  }

  /// Checks, before samples are drawn, whether classifier-free guidance can have a weight.
  ///
  /// - Parameters:
  ///   - guidance: the weight.
  ///   - source: what the model was loaded from.
  /// - Throws: `RunError` for a weight other than 1 and a model without classes.
  public func validate(guidance: Double, of source: String) throws(RunError) {
    if guidance != 1 && classCount == 0 {
      throw RunError(
        .usage, "--guidance needs a model with classes, and \(source) was trained without --class-conditional")
    }
  }
}
