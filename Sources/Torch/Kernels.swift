internal import CTorch

// For tests, which compare hand-written kernels with libtorch's own operators. Programs use the environment variable
// SCOREKIT_KERNELS_OFF, which Sources/CTorch/kernels/switches.h describes.
extension Engine {
  /// The names of the kernels that can be turned off.
  static var kernelNames: [String] {
    (0..<ctorch_kernel_count()).map { String(cString: ctorch_kernel_name($0)) }
  }

  /// The names of the kernels that are off on this thread.
  static var kernelsOff: [String] {
    kernelNames.enumerated().filter { ctorch_kernels_off() >> $0.offset & 1 == 1 }.map(\.element)
  }

  /// Turns kernels off on this thread, in addition to those that are off, for the duration of a closure.
  static func withoutKernels<Result>(_ names: [String], _ body: () throws -> Result) rethrows -> Result {
    let before = ctorch_kernels_off()
    defer { ctorch_set_kernels_off(before) }
    let bits = kernelNames.enumerated().filter { names.contains($0.element) }.map { UInt32(1) << $0.offset }
    ctorch_set_kernels_off(bits.reduce(before, |))
    return try body()
  }
}

extension Tensor {
  /// libtorch's name of the recorded operation that made the tensor; empty if none is recorded.
  var recordName: String { inspect { String(cString: ctorch_record_name($0)) } }
}
