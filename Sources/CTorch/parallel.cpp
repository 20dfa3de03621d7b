// Work on the engine's threads.
#include "parallel.h"

#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "support.h"

namespace ctorch {

void parallel_ranges(int64_t count, int64_t grain, c10::function_ref<void(int64_t begin, int64_t end)> body) {
  if (count <= 0) return;
  if (count <= grain || at::get_num_threads() == 1 || at::in_parallel_region()) {
    body(0, count);
    return;
  }
  // An elementwise pass over the numbers of the pieces, in which a thread meets those of its part one after the other.
  const at::NoGradGuard unrecorded;
  const int64_t piece = std::max<int64_t>(1, grain);
  const auto numbers = at::arange((count + piece - 1) / piece, at::kLong);
  auto iterator =
      at::TensorIteratorConfig().check_all_same_dtype(false).add_borrowed_output(numbers).resize_outputs(false).build();
  iterator.for_each(
      [&](char **data, const int64_t *strides, int64_t n) {
        TORCH_INTERNAL_ASSERT(strides[0] == sizeof(int64_t));
        const int64_t first = *reinterpret_cast<const int64_t *>(data[0]);
        body(first * piece, std::min((first + n) * piece, count));
      },
      /*grain_size=*/1);
}

}  // namespace ctorch
