public import Files
internal import Foundation
internal import Torch

extension Dataset {
  /// The bundled digits: 1,797 handwritten digits as grey pictures of 8 × 8 pixels, with labels 0 … 9.
  ///
  /// The test set of *Optical Recognition of Handwritten Digits*, E. Alpaydin and C. Kaynak (1998), UCI Machine Learning
  /// Repository, as shipped with scikit-learn (3-clause BSD licence). Its values v from 0 to 16 become the bytes
  /// ⌊v·255/16 + ½⌋.
  ///
  /// - Throws: `DataError` if the file that comes with the package is not found or is damaged.
  public static func digits() throws(DataError) -> Dataset {
    try digits(path: locateDigits())
  }

  static func digits(path: String) throws(DataError) -> Dataset {
    let text = try Gzip.decompress(RandomAccessBytes(path: path), limit: 1 << 20)
    var pixels: [UInt8] = []
    var labels: [Int] = []
    for (index, line) in text.split(separator: UInt8(ascii: "\n")).enumerated() {
      let values = line.split(separator: UInt8(ascii: ",")).map { Int(String(decoding: $0, as: UTF8.self)) ?? -1 }
      guard values.count == 65, values.dropLast().allSatisfy((0...16).contains), (0...9).contains(values[64]) else {
        throw DataError(malformed: path, "line \(index + 1) is not 64 numbers from 0 to 16 and a digit")
      }
      pixels += values.dropLast().map { UInt8(($0 * 255 + 8) / 16) }
      labels.append(values[64])
    }
    guard !labels.isEmpty else { throw DataError(malformed: path, "there are no digits in it") }
    return try Dataset(
      name: "digits", examples: Tensor(pixels, shape: [labels.count, 1, 8, 8]), labels: Tensor(labels))
  }

  /// The bundled file: beside the program, where the package manager puts it, or else among the sources.
  ///
  /// `Bundle.module` is not used, because it ends the process if its folder is missing. A program that was copied
  /// without the folder should report an error.
  private static func locateDigits() throws(DataError) -> String {
    let file = "digits.csv.gz"
    let main = Bundle.main
    let program = main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
    let places = [main.bundleURL, main.resourceURL, program].compactMap { $0 }.flatMap { folder in
      [
        "ScoreKit_Datasets.resources/\(file)", "ScoreKit_Datasets.bundle/\(file)",
        "ScoreKit_Datasets.bundle/Contents/Resources/\(file)",
      ]
      .map { folder.appendingPathComponent($0).path }
    }
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Resources/\(file)")
    for place in places + [source.path] {
      if try files({ () throws(FileError) in try FilePath.exists(place) }) { return place }
    }
    let expected = places.first ?? file
    throw DataError(
      .missing, path: expected,
      "the bundled digits are missing: expected \(expected); copy the folder ScoreKit_Datasets.resources beside the program"
    )
  }
}
