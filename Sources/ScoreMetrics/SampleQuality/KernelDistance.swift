internal import Files
public import Torch

/// The squared maximum mean discrepancy between two sets of features, with the kernel (xᵀy/d + 1)³.
///
/// The estimate has expectation 0 for sets from the same distribution, at any number of rows, and may be negative.
/// Bińkowski, Sutherland, Arbel & Gretton (2018), *Demystifying MMD GANs*, arXiv 1801.01401; Gretton et al. (2012), *A
/// kernel two-sample test*, lemma 6.
public enum KernelDistance {
  /// The unbiased estimate from the rows of `[n, d]` and `[m, d]`, the mean over blocks of the rows, with its standard error.
  ///
  /// There is a block for every 50 rows, but at least 5 (for fewer than 10 rows, one for every 2) and at most 10.
  /// Shuffle the rows first if their order has a meaning, such as by class.
  ///
  /// - Precondition: both sets have at least 4 rows, of the same length.
  /// - Complexity: O((n + m)²·d/blocks).
  public static func squared(_ x: Tensor, _ y: Tensor) -> Estimate {
    let count = min(x.size(0), y.size(0))
    demand(count >= 4 && x.size(1) == y.size(1), "shapes \(x.shape) and \(y.shape) cannot be compared")
    let (x, y) = (x.to(.cpu).to(.float64), y.to(.cpu).to(.float64))
    // Two blocks give almost no information about the standard error. Many small blocks scatter more, because they form
    // fewer pairs.
    let blocks = max(min(5, count / 2), min(10, count / 50))
    func part(_ rows: Tensor, _ index: Int) -> Tensor {
      rows[(index * rows.size(0) / blocks)..<((index + 1) * rows.size(0) / blocks)]
    }
    return Estimate(meanOf: (0..<blocks).map { unbiased(part(x, $0), part(y, $0)) })
  }

  private static func unbiased(_ x: Tensor, _ y: Tensor) -> Double {
    func kernel(_ a: Tensor, _ b: Tensor) -> Tensor {
      let base = a.matmul(b.transposed()) / Double(a.size(1)) + 1
      return base.square() * base
    }
    func within(_ a: Tensor) -> Double {
      let (k, n) = (kernel(a, a), Double(a.size(0)))
      return (k.sum().item() - k.diagonal().sum().item()) / (n * (n - 1))
    }
    return within(x) + within(y) - 2 * kernel(x, y).mean().item()
  }
}
