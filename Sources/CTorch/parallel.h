// Work on the engine's threads.
#pragma once

#include "libtorch.h"

#include <c10/util/FunctionRef.h>

#include <cstdint>

namespace ctorch {

/// Calls `body` with ranges that cover 0 ..< count, each of at least `grain` but for the last, side by side.
///
/// at::parallel_for would do where the shim is compiled with the engine's kind of OpenMP, which it is not: there it runs on one
/// thread. Here the engine itself distributes the work, as it does for its own operators.
void parallel_ranges(int64_t count, int64_t grain, c10::function_ref<void(int64_t begin, int64_t end)> body);

}  // namespace ctorch
