// Which of the kernels in this folder run.
//
// The environment variable SCOREKIT_KERNELS_OFF holds names of kernels, with commas between them, such as
// "silu,group-norm"; "all" stands for every kernel. libtorch's own operators do the work of a kernel that is off: results
// and derivatives agree to rounding, and bits may differ. The variable is read once. A name that is no kernel's has no
// effect but for a sentence on standard error.
#pragma once

namespace ctorch {

/// In the order of the names in switches.cpp.
enum class Kernel : unsigned {
  silu,
  linear,
  group_norm,
  convolution,
  vector_updates,
  matrix_vector,
  caching_allocator,
};

/// Whether a kernel runs on this thread.
bool is_on(Kernel kernel) noexcept;

}  // namespace ctorch
