internal import Foundation

extension Dataset {
  /// The data in one line: count, size, channels, classes, and where the examples are.
  ///
  /// For example "60000 grey images of 28 × 28 pixels, 10 classes, in memory (47 MB)"; also what was left out, if
  /// anything.
  public var summary: String {
    let examples =
      isImages
      ? "\(count) \(exampleShape[0] == 1 ? "grey images" : "RGB images") of \(exampleShape[2]) × \(exampleShape[1]) pixels"
      : "\(count) points of \(exampleShape[0]) numbers"
    let size = Double(count) * Double(exampleShape.reduce(isImages ? 1 : 4, *))
    let amount = size < 1e9 ? String(format: "%.3g MB", size / 1e6) : String(format: "%.3g GB", size / 1e9)
    return "\(examples), \(classSummary), " + (isStreamed ? "streamed (\(amount) in all)" : "in memory (\(amount))")
      + (leftOut.map { "; left out: \($0)" } ?? "")
  }

  /// The number of classes, with up to five of their names.
  private var classSummary: String {
    guard classCount > 0 else { return "no classes" }
    let count = classCount == 1 ? "1 class" : "\(classCount) classes"
    guard let classNames else { return count }
    let names = classNames.prefix(5).joined(separator: ", ")
    return "\(count) (\(names)\(classNames.count > 5 ? ", …" : ""))"
  }
}
