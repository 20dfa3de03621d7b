internal import Files
public import Torch

/// Distances between feature vectors, and measures from nearest neighbours.
public enum Neighbors {
  /// ‖xᵢ − yⱼ‖² for the rows of `[n, d]` and `[m, d]`: `[n, m]`, as `float64`.
  public static func squaredDistances(_ x: Tensor, _ y: Tensor) -> Tensor {
    let (x, y) = (x.to(.cpu).to(.float64), y.to(.cpu).to(.float64))
    let sum = x.square().sum(1, keepingDimensions: true) + y.square().sum(1)
    return (sum - 2 * x.matmul(y.transposed())).clamped(to: 0...Double.greatestFiniteMagnitude)
  }

  /// The squared distance of each row to its k-th nearest among the others of its set, `[n]`.
  ///
  /// - Precondition: there are more than k rows.
  static func radii(_ x: Tensor, k: Int) -> Tensor {
    demand(x.size(0) > k, "\(x.size(0)) rows have no \(k)-th neighbour")
    // In parts, so that the distances need no more memory than the features of a large set.
    return .concatenate(
      parts(x.size(0)).map { range in
        let distances = squaredDistances(x[range], x)
        // The nearest of all is the row itself.
        let order = distances.argsort(1).slicing(k, k + 1, along: 1)
        return distances.gatheringElements(order, along: 1).squeezed(1)
      })
  }

  /// Ranges of rows that are compared with a set at once.
  package static func parts(_ count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: 512).map { $0..<min($0 + 512, count) }
  }

  /// Precision, the share of samples that are covered by real data, and recall, the share of real data that is covered
  /// by samples.
  ///
  /// A set covers a point if the point is within the radius of some point p of the set, which is the distance from p to
  /// its k-th neighbour in the set.
  ///
  /// Kynkäänniemi et al. (2019), *Improved precision and recall metric for assessing generative models*, arXiv 1904.06991,
  /// with k = 3. Both grow with the number of points; compare equal numbers.
  ///
  /// - Parameters:
  ///   - samples: features of samples, `[n, d]`.
  ///   - real: features of real data, `[m, d]`.
  ///   - k: the number of the neighbour whose distance is the radius of a point.
  /// - Precondition: both have more than k rows.
  public static func precisionAndRecall(
    samples: Tensor, real: Tensor, k: Int = 3
  ) -> (precision: Double, recall: Double) {
    func covered(_ points: Tensor, by set: Tensor) -> Double {
      let radii = radii(set, k: k)
      let hits = parts(points.size(0)).reduce(0.0) { sum, range in
        let isInside = (squaredDistances(points[range], set) .<= radii).to(.float64)
        return sum + isInside.max(1).sum().item()
      }
      return hits / Double(points.size(0))
    }
    return (covered(samples, by: real), covered(real, by: samples))
  }
}
