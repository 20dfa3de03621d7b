internal import CTorch
internal import Files

/// A source of random numbers that is a value: copies of it give the same numbers.
///
/// The numbers are a function of (seed, stream, position), computed by Philox-4×32-10 (Salmon, Moraes, Dror & Shaw 2011,
/// *Parallel random numbers: as easy as 1, 2, 3*). There is no state beyond the position, so any part of a sequence can
/// be drawn again, and drawing for many streams at once gives each the numbers it would get alone. Numbers are drawn on
/// the processor and are the same for every device.
public struct RandomGenerator: RandomNumberGenerator, Hashable, Sendable {
  /// What the numbers of a stream are for.
  ///
  /// Streams of different purposes never overlap.
  public enum Purpose: UInt8, Sendable {
    /// Anything that has no purpose of its own here.
    case general
    /// Initial weights.
    case initialization
    /// Times, noise and choices of a training step; the index is the step.
    case training
    /// The order of the examples; the index is the epoch.
    case dataOrder
    /// The noise of one sample; the seed is the sample's own.
    case sampling
    /// Synthetic data.
    case data
    /// Probes of estimators.
    case probes
    /// Evaluation of a trained model: the choice of examples and their noise; the index distinguishes the uses.
    case evaluation
  }

  /// The seed: the key of the generator.
  public let seed: UInt64
  /// The stream: purpose in the highest 8 bits, index in the others.
  public let stream: UInt64
  /// The number of 128-bit blocks used so far.
  public internal(set) var position: UInt64 = 0

  /// Makes a generator at the start of a stream.
  ///
  /// - Precondition: `index` is below 2⁵⁶.
  public init(seed: UInt64, purpose: Purpose = .general, index: UInt64 = 0) {
    demand(index < 1 << 56, "the index of a stream is below 2⁵⁶, not \(index)")
    self.seed = seed
    stream = UInt64(purpose.rawValue) << 56 | index
  }

  /// 64 random bits.
  public mutating func next() -> UInt64 {
    defer { position &+= 1 }
    return ctorch_random_bits(seed, stream, position)
  }

  /// A tensor of independent standard normal numbers (Box & Muller 1958).
  public mutating func normal(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    fill("normal", shape, dtype, ctorch_normal)
  }

  /// A tensor of independent numbers, uniform on [0, 1).
  public mutating func uniform(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    fill("uniform", shape, dtype, ctorch_uniform)
  }

  /// A tensor of independent signs, −1 or 1 with equal probability (Rademacher).
  public mutating func signs(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    (uniform(shape) .< 0.5).to(dtype) * 2 - 1
  }

  /// A tensor of independent integers, uniform on 0 ..< bound, as `int64`.
  ///
  /// - Precondition: `bound` is positive and at most 2³¹: the numbers come from 53 random bits, so that the bias of any of
  ///   them is below 2⁻²².
  public mutating func integers(below bound: Int, _ shape: [Int]) -> Tensor {
    demand((1...(1 << 31)).contains(bound), "integers(below:) needs a bound in 1 ... 2³¹, not \(bound)")
    return (uniform(shape, dtype: .float64) * Double(bound)).floor().to(.int64)
  }

  private typealias Fill = (
    UnsafePointer<UInt64>, Int64, Bool, UInt64, UInt64, Int32, UnsafePointer<Int64>?, Int64,
    UnsafeMutablePointer<OpaquePointer?>
  ) -> Int32

  private mutating func fill(_ name: StaticString, _ shape: [Int], _ dtype: DType, _ function: Fill) -> Tensor {
    let (seed, stream, position) = (seed, stream, position)
    let result = produce(name, []) { out in
      withUnsafePointer(to: seed) { key in
        shape.withInt64s { function(key, 1, false, stream, position, dtype.rawValue, $0, $1, out) }
      }
    }
    self.position &+= ctorch_random_blocks(Int64(result.elementCount), dtype.rawValue)
    return result
  }
}

/// Random numbers for a batch of samples: sample i draws from a stream that depends on its own seed alone, so it gets the
/// same numbers in a batch of any size.
public struct SampleGenerators: Sendable {
  /// The seed of each sample.
  public let seeds: [UInt64]
  private let stream: UInt64
  private var position: UInt64 = 0

  /// Makes generators at the start of the samples' streams.
  public init(seeds: [UInt64], purpose: RandomGenerator.Purpose = .sampling) {
    self.seeds = seeds
    stream = RandomGenerator(seed: 0, purpose: purpose).stream
  }

  /// Standard normal numbers of shape `[samples] + shape`.
  public mutating func normal(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    let (stream, position) = (stream, position)
    let result = produce("normal", []) { out in
      seeds.withUnsafeBufferPointer { keys in
        shape.withInt64s {
          ctorch_normal(
            keys.baseAddress ?? UnsafePointer(bitPattern: 8)!, Int64(keys.count), true, stream, position,
            dtype.rawValue, $0, $1, out)
        }
      }
    }
    self.position &+= ctorch_random_blocks(Int64(shape.reduce(1, *)), dtype.rawValue)
    return result
  }

  /// Uniform numbers on [0, 1) of shape `[samples] + shape`.
  public mutating func uniform(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    let (stream, position) = (stream, position)
    let result = produce("uniform", []) { out in
      seeds.withUnsafeBufferPointer { keys in
        shape.withInt64s {
          ctorch_uniform(
            keys.baseAddress ?? UnsafePointer(bitPattern: 8)!, Int64(keys.count), true, stream, position,
            dtype.rawValue, $0, $1, out)
        }
      }
    }
    self.position &+= ctorch_random_blocks(Int64(shape.reduce(1, *)), dtype.rawValue)
    return result
  }

  /// Signs, −1 or 1 with equal probability, of shape `[samples] + shape`.
  public mutating func signs(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    (uniform(shape) .< 0.5).to(dtype) * 2 - 1
  }
}
