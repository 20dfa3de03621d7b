// Switches of the hand-written kernels.
#pragma once

#include "ctorch_base.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// The number of kernels that can be turned off.
CTORCH_API int64_t ctorch_kernel_count(void);
/// The name by which SCOREKIT_KERNELS_OFF knows a kernel, for an index below the count.
CTORCH_API const char *ctorch_kernel_name(int64_t index);
/// The kernels that are off on this thread: the bit at each one's index. At first it is what the environment says.
CTORCH_API uint32_t ctorch_kernels_off(void);
/// Replaces them on this thread, for tests that compare a kernel with libtorch's operators.
CTORCH_API void ctorch_set_kernels_off(uint32_t bits);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
