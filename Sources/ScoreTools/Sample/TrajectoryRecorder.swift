import Foundation
import ScoreKit

/// Records the first samples at equally spaced steps on their way from noise.
///
/// A state xₜ is recorded as σ_d/√(σ_d² + σ²)·xₜ/s. At every noise level these values spread as the data do, so that noise looks
/// like noise rather than black and white. Images become bytes at once, so that many steps take little memory.
struct TrajectoryRecorder {
  /// The number of samples that are recorded.
  let sampleCount: Int
  /// The largest number of states before the result.
  private let stateCount: Int
  private let process: any DiffusionProcess
  private let sigmaData: Double
  private let isImages: Bool
  /// The states by step, each in one part for each batch.
  private var states: [Int: [Tensor]] = [:]
  /// The noise levels of the states.
  private var levels: [Int: Double] = [:]

  init(
    sampleCount: Int, stateCount: Int, process: any DiffusionProcess, model: ModelConfiguration
  ) {
    self.sampleCount = sampleCount
    self.stateCount = stateCount
    self.process = process
    sigmaData = model.sigmaData
    isImages = model.shape.count == 3
  }

  mutating func record(_ state: SamplerState) {
    guard state.samples.lowerBound < sampleCount, state.step < state.stepCount else { return }
    let wanted = Set((1...stateCount).map { max(1, $0 * state.stepCount / (stateCount + 1)) })
    guard wanted.contains(state.step) else { return }
    let scale = state.sigma > 0 ? process.scale(state.time) : 1
    let factor = sigmaData / (sigmaData * sigmaData + state.sigma * state.sigma).squareRoot() / scale
    let kept = state.x[0..<(min(state.samples.upperBound, sampleCount) - state.samples.lowerBound)].to(.cpu) * factor
    levels[state.step] = state.sigma
    states[state.step, default: []].append(isImages ? Pixels.bytes(of: kept) : kept.to(.float32))
  }

  /// The states of all samples step by step, then the result.
  private func frames(endingWith result: Tensor) -> [Tensor] {
    let last = result[0..<sampleCount]
    return states.sorted { $0.key < $1.key }.map { .concatenate($0.value) }
      + [isImages ? Pixels.bytes(of: last) : last.to(.float32)]
  }

  /// A picture: a row of states for each image, or a plot of all points for each state.
  func picture(endingWith result: Tensor, magnification: Magnification?) throws -> Image {
    let frames = frames(endingWith: result)
    guard isImages else {
      let titles = levels.sorted { $0.key < $1.key }.map { String(format: "σ = %.3g", $0.value) } + ["samples"]
      let plots = zip(plots(frames), titles).map { plot, title in
        var plot = plot
        plot.title = title
        plot.density = 2
        return plot
      }
      return Panels(plots, width: 110 + 220 * min(4, plots.count)).image()
    }
    let rows = (0..<sampleCount).flatMap { sample in frames.map { $0[sample..<(sample + 1)] } }
    return try Image.picture(of: values(.concatenate(rows)), columns: frames.count, magnification: magnification)
  }

  /// An animation: the grid of images, or the plot of points, at each state.
  func animation(endingWith result: Tensor, columns: Int?, magnification: Magnification?) throws -> AnimatedPNG {
    let frames = frames(endingWith: result)
    guard isImages else { return AnimatedPNG(frames: plots(frames).map { $0.image() }) }
    return AnimatedPNG(
      frames: try frames.map { try Image.picture(of: values($0), columns: columns, magnification: magnification) })
  }

  private func values(_ bytes: Tensor) -> Tensor { Pixels.values(of: bytes) }

  /// Plots with axes a little wider than the result.
  private func plots(_ frames: [Tensor]) -> [ScatterPlot] {
    let extent = 1.2 * max(frames[frames.count - 1].abs().max().item(), 1e-3)
    return frames.map { frame in
      let values: [Double] = frame.elements()
      let points = (0..<frame.size(0)).map { (values[2 * $0], values[2 * $0 + 1]) }
      var plot = ScatterPlot(points: points, range: -extent...extent)
      plot.density = 1  // An animation of many frames is large enough.
      return plot
    }
  }
}
