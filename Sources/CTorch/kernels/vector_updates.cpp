// The vector updates of iterative solvers, each in one pass through memory.
//
// Sums of squares are taken in double precision over blocks of a fixed length and added in the order of the blocks, so that
// they do not depend on the number of threads.
#include "../libtorch.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>

#include "avx2.h"
#include "../parallel.h"
#include "../support.h"
#include "elements.h"
#include "switches.h"

using namespace ctorch;

namespace {

constexpr int64_t block_length = 1 << 14;
constexpr int lanes = 16;  // Partial sums of a block: independent, so that they can be added at the speed of memory.

struct Sums {
  double lane[lanes] = {};
  double total() const {
    double sum = 0;
    for (double value : lane) sum += value;
    return sum;
  }
};

/// y ← a·x + b·y on a block; returns Σy².
template <class T>
__attribute__((always_inline)) inline double combine(T a, const T *x, T b, const T *y, T *result, int64_t count) {
  Sums sums;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    // The result may be y itself: computed before any of it is stored, a group of lanes can still be vectors.
    T values[lanes];
    for (int j = 0; j < lanes; ++j) values[j] = a * x[i + j] + b * y[i + j];
    for (int j = 0; j < lanes; ++j) {
      result[i + j] = values[j];
      sums.lane[j] += static_cast<double>(values[j]) * static_cast<double>(values[j]);
    }
  }
  for (; i < count; ++i) {
    const T value = a * x[i] + b * y[i];
    result[i] = value;
    sums.lane[i % lanes] += static_cast<double>(value) * static_cast<double>(value);
  }
  return sums.total();
}

template <class T>
struct Advance {
  T p, q, r, s;
  const T *v, *g, *x, *h;
  T *new_g, *new_x, *new_h;
};

template <class T>
__attribute__((always_inline)) inline double advance(const Advance<T> &a, int64_t start, int64_t end) {
  Sums sums;
  const T p = a.p, q = a.q, r = a.r, s = a.s;
  const T *v = a.v, *g = a.g, *x = a.x, *h = a.h;
  T *new_g = a.new_g, *new_x = a.new_x, *new_h = a.new_h;
  int64_t i = start;
  for (; i + lanes <= end; i += lanes) {
    T gs[lanes], xs[lanes], hs[lanes];
    for (int j = 0; j < lanes; ++j) {
      gs[j] = h[i + j] + p * g[i + j];
      xs[j] = x[i + j] + q * gs[j];
      hs[j] = r * v[i + j] + s * h[i + j];
    }
    for (int j = 0; j < lanes; ++j) {
      new_g[i + j] = gs[j];
      new_x[i + j] = xs[j];
      new_h[i + j] = hs[j];
      sums.lane[j] += static_cast<double>(xs[j]) * static_cast<double>(xs[j]);
    }
  }
  for (; i < end; ++i) {
    const T gi = h[i] + p * g[i], xi = x[i] + q * gi, hi = r * v[i] + s * h[i];
    new_g[i] = gi;
    new_x[i] = xi;
    new_h[i] = hi;
    sums.lane[i % lanes] += static_cast<double>(xi) * static_cast<double>(xi);
  }
  return sums.total();
}

template <class T>
__attribute__((always_inline)) inline double sum_of_squares(const T *x, int64_t count) {
  Sums sums;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (int j = 0; j < lanes; ++j) sums.lane[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
  }
  for (; i < count; ++i) sums.lane[i % lanes] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sums.total();
}

/// y where the mask is false and a·x where it is true; returns Σx² over the latter.
template <class T>
__attribute__((always_inline)) inline double replace(const bool *mask, T a, const T *x, const T *y, T *result,
                                                     int64_t count) {
  Sums sums;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (int j = 0; j < lanes; ++j) {
      const T chosen = mask[i + j] ? x[i + j] : T(0);
      result[i + j] = mask[i + j] ? a * chosen : y[i + j];
      sums.lane[j] += static_cast<double>(chosen) * static_cast<double>(chosen);
    }
  }
  for (; i < count; ++i) {
    const T chosen = mask[i] ? x[i] : T(0);
    result[i] = mask[i] ? a * chosen : y[i];
    sums.lane[i % lanes] += static_cast<double>(chosen) * static_cast<double>(chosen);
  }
  return sums.total();
}

// The same loops compiled twice: for any processor, and for those with AVX2, on which they keep up with memory.
#define CTORCH_KERNELS(suffix, attribute)                                                                             \
  template <class T>                                                                                                  \
  attribute double combine_##suffix(T a, const T *x, T b, const T *y, T *result, int64_t count) {                     \
    return combine(a, x, b, y, result, count);                                                                        \
  }                                                                                                                   \
  template <class T>                                                                                                  \
  attribute double advance_##suffix(const Advance<T> &a, int64_t start, int64_t end) {                                \
    return advance(a, start, end);                                                                                    \
  }                                                                                                                   \
  template <class T>                                                                                                  \
  attribute double replace_##suffix(const bool *mask, T a, const T *x, const T *y, T *result, int64_t count) {        \
    return replace(mask, a, x, y, result, count);                                                                     \
  }                                                                                                                   \
  template <class T>                                                                                                  \
  attribute double sum_##suffix(const T *x, int64_t count) {                                                          \
    return sum_of_squares(x, count);                                                                                  \
  }
CTORCH_KERNELS(any, )
CTORCH_KERNELS(avx2, CTORCH_AVX2)

/// Σ over blocks of what `body(start, end)` returns, in the order of the blocks.
template <class Body>
double sum_over_blocks(int64_t count, const Body &body) {
  const int64_t blocks = (count + block_length - 1) / block_length;
  std::vector<double> partial(blocks);
  parallel_ranges(blocks, /*grain_size=*/4, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t start = block * block_length;
      partial[block] = body(start, std::min(start + block_length, count));
    }
  });
  double sum = 0;
  for (double value : partial) sum += value;
  return sum;
}

/// Whether no square overflowed or vanished in a sum of them; those of narrower types than double cannot.
bool is_exact(double sum, at::ScalarType type) {
  return std::isfinite(sum) && (type != at::kDouble || sum > 1e-280);
}

/// The norm from a sum of squares; taken again, scaled, where squares overflowed or vanished.
double norm_from(double sum, const at::Tensor &x) {
  if (is_exact(sum, x.scalar_type())) return std::sqrt(sum);
  if (x.numel() == 0) return 0;
  const double scale = at::abs(x).max().item().toDouble();
  if (scale == 0 || !std::isfinite(scale)) return scale;
  return scale * at::linalg_vector_norm(x.to(at::kDouble) / scale).item().toDouble();
}

bool runs_here(const at::Tensor &x) {
  return is_on(Kernel::vector_updates) && x.is_cpu() && x.is_contiguous() &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble);
}

void check_alike(const at::Tensor &x, const at::Tensor &y) {
  TORCH_CHECK(x.sizes() == y.sizes() && x.scalar_type() == y.scalar_type() && x.device() == y.device(), "vectors of ",
              x.scalar_type(), x.sizes(), " and ", y.scalar_type(), y.sizes(), " cannot be combined");
}

double norm_of(const at::Tensor &x) {
  if (!runs_here(x)) return norm_from(at::square(x.to(at::kDouble)).sum().item().toDouble(), x);
  const auto sum = [&]<class T>(const T *data) {
    return sum_over_blocks(x.numel(), [=](int64_t start, int64_t end) {
      return has_avx2 ? sum_avx2(data + start, end - start) : sum_any(data + start, end - start);
    });
  };
  return norm_from(x.scalar_type() == at::kFloat ? sum(elements<float>(x)) : sum(elements<double>(x)), x);
}

/// The tensor itself if its memory may be overwritten, else new memory of the kind.
at::Tensor target_for(const at::Tensor &x, bool consumes) {
  // A view, a recorded operation or another handle would show in one of the counts.
  const bool is_exclusive = consumes && x.use_count() == 1 && x.storage().use_count() == 1 && !x.requires_grad();
  return is_exclusive ? x : at::empty_like(x);
}

}  // namespace

int ctorch_euclidean_norm(const ctorch_tensor *x, double *norm) {
  return guarded([&] {
    const at::NoGradGuard unrecorded;
    *norm = norm_of(unwrap(x));
  });
}

int ctorch_combine(double a, const ctorch_tensor *x, double b, const ctorch_tensor *y, bool consumes_y, double *norm,
                   ctorch_tensor **out) {
  return guarded([&] {
    const at::NoGradGuard unrecorded;
    const auto &vx = unwrap(x);
    const auto &vy = unwrap(y);
    check_alike(vx, vy);
    if (!runs_here(vx) || !runs_here(vy)) {
      auto result = at::add(at::mul(vy, b), vx, a);
      *norm = norm_of(result);
      *out = wrap(std::move(result));
      return;
    }
    auto result = target_for(vy, consumes_y);
    const auto run = [&]<class T>(T *data) {
      const T *px = elements<T>(vx);
      const T *py = elements<T>(vy);
      const T ta = static_cast<T>(a), tb = static_cast<T>(b);
      return sum_over_blocks(vx.numel(), [=](int64_t start, int64_t end) {
        return has_avx2 ? combine_avx2(ta, px + start, tb, py + start, data + start, end - start)
                        : combine_any(ta, px + start, tb, py + start, data + start, end - start);
      });
    };
    const double sum = vx.scalar_type() == at::kFloat ? run(mutable_elements<float>(result))
                                                      : run(mutable_elements<double>(result));
    *norm = norm_from(sum, result);
    *out = wrap(std::move(result));
  });
}

int ctorch_replace_scaled(const ctorch_tensor *mask, double a, const ctorch_tensor *x, const ctorch_tensor *y,
                          double *norm, ctorch_tensor **out) {
  return guarded([&] {
    const at::NoGradGuard unrecorded;
    const auto &m = unwrap(mask);
    const auto &vx = unwrap(x);
    const auto &vy = unwrap(y);
    check_alike(vx, vy);
    TORCH_CHECK(m.scalar_type() == at::kBool && m.sizes() == vx.sizes() && m.device() == vx.device(), "a mask of ",
                m.scalar_type(), m.sizes(), " does not belong to vectors of ", vx.scalar_type(), vx.sizes());
    const auto chosen = [&] { return at::where(m, vx, at::zeros({}, vx.options())); };
    if (!runs_here(vx) || !runs_here(vy) || !m.is_contiguous()) {
      const auto part = chosen();
      *norm = norm_of(part);
      *out = wrap(at::where(m, at::mul(part, a), vy));
      return;
    }
    auto result = at::empty_like(vy);
    const bool *pm = static_cast<const bool *>(m.const_data_ptr());
    const auto run = [&]<class T>(T *data) {
      const T *px = elements<T>(vx);
      const T *py = elements<T>(vy);
      const T ta = static_cast<T>(a);
      return sum_over_blocks(vx.numel(), [=](int64_t start, int64_t end) {
        return has_avx2 ? replace_avx2(pm + start, ta, px + start, py + start, data + start, end - start)
                        : replace_any(pm + start, ta, px + start, py + start, data + start, end - start);
      });
    };
    const double sum = vx.scalar_type() == at::kFloat ? run(mutable_elements<float>(result))
                                                      : run(mutable_elements<double>(result));
    *norm = is_exact(sum, vx.scalar_type()) ? std::sqrt(sum) : norm_of(chosen());
    *out = wrap(std::move(result));
  });
}

int ctorch_advance(const ctorch_tensor *const *vectors, const bool *consumes, const ctorch_tensor *v, double p, double q,
                   double r, double s, double *norm, ctorch_tensor **out) {
  return guarded([&] {
    const at::NoGradGuard unrecorded;
    const auto &g = unwrap(vectors[0]);
    const auto &x = unwrap(vectors[1]);
    const auto &h = unwrap(vectors[2]);
    const auto &vv = unwrap(v);
    for (const auto *vector : {&g, &x, &h}) check_alike(vv, *vector);
    if (!runs_here(g) || !runs_here(x) || !runs_here(h) || !runs_here(vv)) {
      auto new_g = at::add(h, g, p);
      auto new_x = at::add(x, new_g, q);
      auto new_h = at::add(at::mul(vv, r), h, s);
      *norm = norm_of(new_x);
      wrap_all({new_g, new_x, new_h}, out);
      return;
    }
    auto new_g = target_for(g, consumes[0]);
    auto new_x = target_for(x, consumes[1]);
    auto new_h = target_for(h, consumes[2]);
    const auto run = [&]<class T>(T) {
      const Advance<T> a{static_cast<T>(p),       static_cast<T>(q),
                         static_cast<T>(r),       static_cast<T>(s),
                         elements<T>(vv),  elements<T>(g),
                         elements<T>(x),   elements<T>(h),
                         mutable_elements<T>(new_g), mutable_elements<T>(new_x),
                         mutable_elements<T>(new_h)};
      return sum_over_blocks(vv.numel(), [&](int64_t start, int64_t end) {
        return has_avx2 ? advance_avx2(a, start, end) : advance_any(a, start, end);
      });
    };
    const double sum = vv.scalar_type() == at::kFloat ? run(float()) : run(double());
    *norm = norm_from(sum, new_x);
    wrap_all({new_g, new_x, new_h}, out);
  });
}
