import Torch

/// Layers written from their definitions as plain loops, to compare the engine's with.
enum NaiveLayers {
  /// A tensor of rank 4 in Swift.
  struct Images {
    let shape: [Int]
    var elements: [Double]

    init(_ shape: [Int]) {
      self.shape = shape
      elements = Array(repeating: 0, count: shape.reduce(1, *))
    }

    init(_ tensor: Tensor) {
      shape = tensor.shape
      elements = tensor.elements()
    }

    var tensor: Tensor { Tensor(elements, shape: shape) }

    private func place(_ n: Int, _ c: Int, _ y: Int, _ x: Int) -> Int {
      ((n * shape[1] + c) * shape[2] + y) * shape[3] + x
    }

    func contains(_ y: Int, _ x: Int) -> Bool { (0..<shape[2]).contains(y) && (0..<shape[3]).contains(x) }

    /// One element; reading beyond the edges gives 0.
    subscript(_ n: Int, _ c: Int, _ y: Int, _ x: Int) -> Double {
      get { contains(y, x) ? elements[place(n, c, y, x)] : 0 }
      set { elements[place(n, c, y, x)] = newValue }
    }

    /// Sets every element.
    mutating func fill(_ value: (Int, Int, Int, Int) -> Double) {
      for n in 0..<shape[0] {
        for c in 0..<shape[1] {
          for y in 0..<shape[2] { for x in 0..<shape[3] { self[n, c, y, x] = value(n, c, y, x) } }
        }
      }
    }
  }

  static func conv2d(
    _ input: Tensor, _ weight: Tensor, _ bias: Tensor, stride: Int, padding: Int, dilation: Int, groups: Int
  ) -> Tensor {
    let (x, w, b) = (Images(input), Images(weight), bias.elements(as: Double.self))
    let (outputs, inputsPerGroup, kernel) = (w.shape[0], w.shape[1], w.shape[2])
    func length(_ size: Int) -> Int { (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1 }
    var result = Images([x.shape[0], outputs, length(x.shape[2]), length(x.shape[3])])
    result.fill { n, o, y, column in
      var sum = b[o]
      for i in 0..<inputsPerGroup {
        let channel = o / (outputs / groups) * inputsPerGroup + i
        for ky in 0..<kernel {
          for kx in 0..<kernel {
            sum +=
              w[o, i, ky, kx]
              * x[n, channel, y * stride + ky * dilation - padding, column * stride + kx * dilation - padding]
          }
        }
      }
      return sum
    }
    return result.tensor
  }

  static func convTransposed2d(
    _ input: Tensor, _ weight: Tensor, _ bias: Tensor, stride: Int, padding: Int, outputPadding: Int
  ) -> Tensor {
    let (x, w, b) = (Images(input), Images(weight), bias.elements(as: Double.self))
    let kernel = w.shape[2]
    func length(_ size: Int) -> Int { (size - 1) * stride - 2 * padding + kernel + outputPadding }
    var result = Images([x.shape[0], w.shape[1], length(x.shape[2]), length(x.shape[3])])
    result.fill { _, o, _, _ in b[o] }
    for n in 0..<x.shape[0] {
      for i in 0..<x.shape[1] {
        for y in 0..<x.shape[2] {
          for column in 0..<x.shape[3] {
            for o in 0..<w.shape[1] {
              for ky in 0..<kernel {
                for kx in 0..<kernel {
                  let (row, place) = (y * stride + ky - padding, column * stride + kx - padding)
                  if result.contains(row, place) { result[n, o, row, place] += x[n, i, y, column] * w[i, o, ky, kx] }
                }
              }
            }
          }
        }
      }
    }
    return result.tensor
  }

  /// Normalises each of the rows of equal length that the elements are cut into.
  static func normalized(_ elements: [Double], rowLength: Int, epsilon: Double) -> [Double] {
    stride(from: 0, to: elements.count, by: rowLength).flatMap { start in
      let row = elements[start..<(start + rowLength)]
      let mean = row.reduce(0, +) / Double(rowLength)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rowLength)
      return row.map { ($0 - mean) / (variance + epsilon).squareRoot() }
    }
  }

  static func groupNorm(_ input: Tensor, groups: Int, _ weight: Tensor, _ bias: Tensor, epsilon: Double) -> Tensor {
    let shape = input.shape
    let row = shape.dropFirst().reduce(1, *) / groups
    let channelSize = shape.dropFirst(2).reduce(1, *)
    let (w, b) = (weight.elements(as: Double.self), bias.elements(as: Double.self))
    let values = normalized(input.elements(), rowLength: row, epsilon: epsilon).enumerated().map { index, value in
      let channel = index / channelSize % shape[1]
      return value * w[channel] + b[channel]
    }
    return Tensor(values, shape: shape)
  }

  static func averagePool2d(_ input: Tensor, kernel: Int, stride: Int, padding: Int) -> Tensor {
    let x = Images(input)
    func length(_ size: Int) -> Int { (size + 2 * padding - kernel) / stride + 1 }
    var result = Images([x.shape[0], x.shape[1], length(x.shape[2]), length(x.shape[3])])
    result.fill { n, c, y, column in
      var sum = 0.0
      for ky in 0..<kernel {
        for kx in 0..<kernel { sum += x[n, c, y * stride + ky - padding, column * stride + kx - padding] }
      }
      return sum / Double(kernel * kernel)
    }
    return result.tensor
  }

  static func nearest(_ input: Tensor, height: Int, width: Int) -> Tensor {
    let x = Images(input)
    var result = Images([x.shape[0], x.shape[1], height, width])
    result.fill { n, c, y, column in x[n, c, y * x.shape[2] / height, column * x.shape[3] / width] }
    return result.tensor
  }

  static func bilinear(_ input: Tensor, height: Int, width: Int) -> Tensor {
    let x = Images(input)
    /// The two pixels around the centre of an output pixel and the weight of the second; edges are repeated.
    func neighbours(_ index: Int, _ size: Int, _ newSize: Int) -> (Int, Int, Double) {
      let centre = max(0, (Double(index) + 0.5) * Double(size) / Double(newSize) - 0.5)
      let first = Int(centre)
      return (first, min(first + 1, size - 1), centre - Double(first))
    }
    var result = Images([x.shape[0], x.shape[1], height, width])
    result.fill { n, c, y, column in
      let (y0, y1, wy) = neighbours(y, x.shape[2], height)
      let (x0, x1, wx) = neighbours(column, x.shape[3], width)
      return (1 - wy) * ((1 - wx) * x[n, c, y0, x0] + wx * x[n, c, y0, x1])
        + wy * ((1 - wx) * x[n, c, y1, x0] + wx * x[n, c, y1, x1])
    }
    return result.tensor
  }
}
