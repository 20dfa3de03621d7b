import ArgumentParser
import ScoreKit

/// What is known about each sample, with the classes of its images `[count]` where the source has them.
struct KnownParts {
  let observation: PartialObservation
  let labels: Tensor?
  /// The images with what is drawn anew in grey, or without their colours.
  let kept: Tensor
}

/// What is known about the samples beforehand.
struct ObservationOptions<Tools: ToolSet>: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Images of which a part is kept and the rest drawn anew: a PNG file, or anything that score-train --data takes. The \
      sample of seed s gets image s mod count, and its class; where classes are not known, and --class is not given, it is \
      drawn without one.
      """, valueName: "source"), completion: .file())
  var inpaint: String?

  @Option(
    help: ArgumentHelp(
      """
      What --inpaint draws anew: the left, right, top or bottom half, the center, or the light pixels of a PNG file of \
      the images' size. (default: right)
      """, valueName: "part|file.png"), completion: .file(extensions: ["png"]))
  var mask: String?

  @Option(
    help: ArgumentHelp(
      "Images whose grey is kept and whose colours are drawn anew, as for --inpaint.", valueName: "source"),
    completion: .file())
  var colorize: String?

  func validate() throws {
    for (name, value) in [("inpaint", inpaint), ("mask", mask), ("colorize", colorize)] where value == "" {
      throw ValidationError("--\(name) has an empty value")
    }
    if inpaint != nil && colorize != nil { throw ValidationError("--inpaint and --colorize exclude each other") }
    if mask != nil && inpaint == nil { throw ValidationError("--mask belongs to --inpaint; name the images with it") }
  }

  /// What is known about the sample of each seed; `nil` without an option that says so.
  func knownParts(seeds: [UInt64], shape: [Int]) throws -> KnownParts? {
    guard let source = inpaint ?? colorize else { return nil }
    let option = inpaint != nil ? "inpaint" : "colorize"
    guard shape.count == 3 else {
      throw RunError(.usage, "--\(option) is about images, and this model makes points")
    }
    let dataset = try Tools.catalog.load(source)
    guard dataset.isImages, dataset.exampleShape.dropFirst() == shape.dropFirst() else {
      throw RunError(
        .data, "--\(option) needs images of \(shape[2]) × \(shape[1]) pixels, and \(source) has \(dataset.summary)")
    }
    let positions = Tensor(seeds.map { Int($0 % UInt64(dataset.count)) })
    let images = Pixels.values(of: try dataset.elements(at: positions)).to(.float64)
    let labels = dataset.labels?.gathering(positions)
    if colorize != nil {
      guard shape[0] == 3 else {
        throw RunError(.usage, "--colorize needs a model of RGB images, and this one is grey")
      }
      return KnownParts(
        observation: .grey(images), labels: labels,
        kept: images.mean(1, keepingDimensions: true).expanded(to: images.shape))
    }
    guard dataset.exampleShape == shape else {
      throw RunError(
        .data,
        "--inpaint needs \(shape[0] == 1 ? "grey" : "RGB") images, as the model makes, and \(source) has \(dataset.summary)"
      )
    }
    let isKept = 1 - (try drawnAnew(shape: shape))
    return KnownParts(observation: .elements(images, where: isKept), labels: labels, kept: images * isKept)
  }

  /// The pixels that are drawn anew, 1 there and 0 elsewhere: `[1, 1, height, width]`.
  private func drawnAnew(shape: [Int]) throws -> Tensor {
    let (height, width) = (shape[1], shape[2])
    func part(_ rows: Range<Int>, _ columns: Range<Int>) -> Tensor {
      let pixels = (0..<height).flatMap { row in
        (0..<width).map { rows.contains(row) && columns.contains($0) ? 1.0 : 0 }
      }
      return Tensor(pixels, shape: [1, 1, height, width])
    }
    switch mask ?? "right" {
    case "left": return part(0..<height, 0..<(width / 2))
    case "right": return part(0..<height, (width / 2)..<width)
    case "top": return part(0..<(height / 2), 0..<width)
    case "bottom": return part((height / 2)..<height, 0..<width)
    case "center":
      return part((height / 4)..<(height - height / 4), (width / 4)..<(width - width / 4))
    case let path:
      let image = try Image(contentsOfPNG: path)
      guard image.width == width, image.height == height else {
        throw RunError(
          .data,
          "the mask \(path) has \(image.width) × \(image.height) pixels, and the images have \(width) × \(height)")
      }
      let light = Pixels.tensor([image.rgb()]).to(.float64).mean(1, keepingDimensions: true) .>= 127.5
      return light.to(.float64)
    }
  }
}
