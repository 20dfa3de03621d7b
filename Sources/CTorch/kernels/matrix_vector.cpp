// Products of matrices with vectors, which iterative solvers do most: bound by memory, on all threads.
//
// Parts of the work and the order of additions depend on the matrix' shape alone, so the bits of a product do not depend on
// the number of threads.
#include "../libtorch.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "avx2.h"
#include "../parallel.h"
#include "../support.h"
#include "switches.h"

using namespace ctorch;

namespace {

constexpr int64_t group = 4;           // Rows at a time.
constexpr int64_t tile_rows = 512;      // Rows that add to the same sums.
constexpr int64_t tile_columns = 2048;  // Columns whose sums stay in the first cache.

/// A matrix in row-major order, `stride` elements from row to row.
template <class T>
struct Rows {
  const T *data;
  int64_t rows, columns, stride;
  const T *row(int64_t index) const { return data + index * stride; }
};

/// result[i] ← ⟨row i, x⟩ for `count` rows, 1 to `group`.
template <class T, int count>
__attribute__((always_inline)) inline void dot_rows(const Rows<T> &a, int64_t first, const T *x, T *result) {
  constexpr int lanes = 64 / sizeof(T);
  T sums[count][lanes] = {};
  int64_t j = 0;
  for (; j + lanes <= a.columns; j += lanes) {
    for (int i = 0; i < count; ++i) {
      const T *row = a.row(first + i) + j;
      for (int lane = 0; lane < lanes; ++lane) sums[i][lane] += row[lane] * x[j + lane];
    }
  }
  for (int i = 0; i < count; ++i) {
    const T *row = a.row(first + i);
    T sum = 0;
    for (int64_t k = j; k < a.columns; ++k) sum += row[k] * x[k];
    for (int lane = 0; lane < lanes; ++lane) sum += sums[i][lane];
    result[first + i] = sum;
  }
}

template <class T>
__attribute__((always_inline)) inline void dots(const Rows<T> &a, int64_t begin, int64_t end, const T *x, T *result) {
  int64_t i = begin;
  for (; i + group <= end; i += group) dot_rows<T, group>(a, i, x, result);
  for (; i < end; ++i) dot_rows<T, 1>(a, i, x, result);
}

/// sums[j] ← Σ y[i]·a[i][j] over rows from `begin` and columns from `left`.
template <class T>
__attribute__((always_inline)) inline void add_rows(const Rows<T> &a, int64_t begin, int64_t end, int64_t left,
                                                    int64_t right, const T *y, T *__restrict sums) {
  const int64_t width = right - left;
  std::fill(sums, sums + width, T(0));
  int64_t i = begin;
  for (; i + group <= end; i += group) {
    const T *p = a.row(i) + left, *q = a.row(i + 1) + left, *r = a.row(i + 2) + left, *s = a.row(i + 3) + left;
    const T yp = y[i], yq = y[i + 1], yr = y[i + 2], ys = y[i + 3];
    for (int64_t j = 0; j < width; ++j) sums[j] += (yp * p[j] + yq * q[j]) + (yr * r[j] + ys * s[j]);
  }
  for (; i < end; ++i) {
    const T *p = a.row(i) + left;
    for (int64_t j = 0; j < width; ++j) sums[j] += y[i] * p[j];
  }
}

// The same loops compiled twice: for any processor, and for those with AVX2, on which they keep up with memory.
#define CTORCH_KERNELS(suffix, attribute)                                                                             \
  template <class T>                                                                                                  \
  attribute void dots_##suffix(const Rows<T> &a, int64_t begin, int64_t end, const T *x, T *result) {                 \
    dots(a, begin, end, x, result);                                                                                   \
  }                                                                                                                   \
  template <class T>                                                                                                  \
  attribute void add_rows_##suffix(const Rows<T> &a, int64_t begin, int64_t end, int64_t left, int64_t right,         \
                                   const T *y, T *sums) {                                                             \
    add_rows(a, begin, end, left, right, y, sums);                                                                    \
  }
CTORCH_KERNELS(any, )
CTORCH_KERNELS(avx2, CTORCH_AVX2)

int64_t parts(int64_t whole, int64_t part) { return (whole + part - 1) / part; }

template <class T>
void product(const Rows<T> &a, const T *x, T *result) {
  const int64_t grain = std::max<int64_t>(1, 32768 / std::max<int64_t>(1, a.columns * group));
  parallel_ranges(parts(a.rows, group), grain, [&](int64_t begin, int64_t end) {
    const int64_t last = std::min(end * group, a.rows);
    has_avx2 ? dots_avx2(a, begin * group, last, x, result) : dots_any(a, begin * group, last, x, result);
  });
}

template <class T>
void transposed_product(const Rows<T> &a, const T *y, T *result) {
  const int64_t down = std::max<int64_t>(1, parts(a.rows, tile_rows)), across = parts(a.columns, tile_columns);
  std::vector<T> partial(down > 1 ? down * a.columns : 0);
  T *sums = down > 1 ? partial.data() : result;
  const int64_t tile = std::min(a.rows, tile_rows) * std::min(a.columns, tile_columns);
  parallel_ranges(down * across, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, tile)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t index = begin; index < end; ++index) {
                       const int64_t i = index / across, j = index % across;
                       const int64_t left = j * tile_columns, right = std::min(left + tile_columns, a.columns);
                       const int64_t top = i * tile_rows, bottom = std::min(top + tile_rows, a.rows);
                       T *target = sums + i * a.columns + left;
                       has_avx2 ? add_rows_avx2(a, top, bottom, left, right, y, target)
                                : add_rows_any(a, top, bottom, left, right, y, target);
                     }
                   });
  if (down == 1) return;
  std::copy(sums, sums + a.columns, result);
  for (int64_t i = 1; i < down; ++i) {
    for (int64_t j = 0; j < a.columns; ++j) result[j] += sums[i * a.columns + j];
  }
}

}  // namespace

int ctorch_matrix_vector(const ctorch_tensor *matrix, bool transposed, const ctorch_tensor *vector,
                         ctorch_tensor **out) {
  return produce(out, [&] {
    const at::NoGradGuard unrecorded;
    const auto &a = unwrap(matrix);
    const auto &x = unwrap(vector);
    TORCH_CHECK(a.dim() == 2 && x.dim() == 1, "a matrix and a vector are needed, not ", a.sizes(), " and ", x.sizes());
    const int64_t rows = a.size(0), columns = a.size(1);
    TORCH_CHECK(x.size(0) == (transposed ? rows : columns) && a.scalar_type() == x.scalar_type(), "a matrix ",
                a.scalar_type(), a.sizes(), transposed ? ", transposed," : "", " does not fit a vector ",
                x.scalar_type(), x.sizes());
    const bool is_row_major = a.stride(1) == 1 && a.stride(0) >= columns;
    const bool is_column_major = a.stride(0) == 1 && a.stride(1) >= rows;
    const bool runs_here = is_on(Kernel::matrix_vector) && a.is_cpu() && x.is_cpu() && x.is_contiguous() &&
                           (a.scalar_type() == at::kFloat || a.scalar_type() == at::kDouble) &&
                           (is_row_major || is_column_major);
    if (!runs_here) return at::mv(transposed ? a.t() : a, x);
    auto result = at::empty({transposed ? columns : rows}, x.options());
    const auto run = [&]<class T>(T) {
      const T *data = static_cast<const T *>(a.const_data_ptr());
      const Rows<T> m = is_row_major ? Rows<T>{data, rows, columns, a.stride(0)}
                                     : Rows<T>{data, columns, rows, a.stride(1)};
      const T *values = static_cast<const T *>(x.const_data_ptr());
      T *target = static_cast<T *>(result.mutable_data_ptr());
      transposed == is_row_major ? transposed_product(m, values, target) : product(m, values, target);
    };
    a.scalar_type() == at::kFloat ? run(float()) : run(double());
    return result;
  });
}
