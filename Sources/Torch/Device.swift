public import Files
internal import CTorch

/// Where a tensor's elements live and its operators run.
public enum Device: Hashable, Sendable, CustomStringConvertible {
  /// The processor.
  case cpu
  /// An NVIDIA GPU by its index.
  case cuda(Int)
  /// The GPU of an Apple machine.
  case mps

  /// Why a device cannot be used.
  public struct Unavailable: Failure, Equatable {
    /// A device that this machine, or this build of libtorch, does not have.
    public var kind: FailureKind { .usage }
    /// One sentence: what is missing and what to do.
    public let sentence: Sentence
    /// The sentence, with options named as in `config.json`.
    public var description: String { sentence.description }
  }

  /// The name that `init(_:)` reads: "cpu", "cuda:0", "mps".
  public var description: String {
    switch self {
    case .cpu: "cpu"
    case .cuda(let index): "cuda:\(index)"
    case .mps: "mps"
    }
  }

  /// Reads "cpu", "cuda", "cuda:1" or "mps"; nil for anything else.
  public init?(_ name: String) {
    switch name {
    case "cpu": self = .cpu
    case "cuda": self = .cuda(0)
    case "mps": self = .mps
    default:
      // Comparing the whole name refuses other spellings of the number, such as "+1" and "01".
      guard let index = Int(name.dropFirst(5)), (0..<128).contains(index), name == "cuda:\(index)" else { return nil }
      self = .cuda(index)
    }
  }

  /// Loads the libraries that the device needs and checks that the device exists.
  ///
  /// Call it once in a process, before any other use of tensors: libtorch looks for CUDA only once, when an operator
  /// such as a convolution first needs to know, and keeps the answer.
  ///
  /// - Throws: `Unavailable`, which says what is missing.
  public func prepare() throws(Unavailable) {
    if case .cuda = self, ctorch_load_cuda() != CTORCH_OK {
      throw Unavailable(
        sentence: "device \(self) is not available: \(EngineError("load").message) use \(option: "device") cpu")
    }
    var count: Int64 = 0
    guard ctorch_device_count(type, &count) == CTORCH_OK, (0..<count).contains(Int64(index)) else {
      throw Unavailable(
        sentence:
          "device \(self) is not available: this machine shows \(count) such device\(count == 1 ? "" : "s"); use \(option: "device") cpu"
      )
    }
  }

  /// The fastest device that this machine and this build of libtorch offer, prepared.
  public static func best() -> Device {
    for device in [Device.cuda(0), .mps] where (try? device.prepare()) != nil { return device }
    return .cpu
  }

  var type: Int32 {
    switch self {
    case .cpu: Int32(CTORCH_CPU)
    case .cuda: Int32(CTORCH_CUDA)
    case .mps: Int32(CTORCH_MPS)
    }
  }

  var index: Int32 {
    if case .cuda(let index) = self { Int32(clamping: index) } else { 0 }
  }

  init(type: Int32, index: Int32) {
    switch Int(type) {
    case Int(CTORCH_CUDA): self = .cuda(Int(index))
    case Int(CTORCH_MPS): self = .mps
    default: self = .cpu
    }
  }
}
