// Elementwise operators, comparisons, reductions, products of matrices.
#include "libtorch.h"

#include <ATen/core/grad_mode.h>

#include "support.h"

using namespace ctorch;

#define CTORCH_DEFINE_UNARY(name)                                                                                     \
  int ctorch_##name(const ctorch_tensor *x, ctorch_tensor **out) {                                                    \
    return produce(out, [&] { return at::name(unwrap(x)); });                                                         \
  }
CTORCH_UNARY_OPERATORS(CTORCH_DEFINE_UNARY)

#define CTORCH_DEFINE_BINARY(name)                                                                                    \
  int ctorch_##name(const ctorch_tensor *x, const ctorch_tensor *y, ctorch_tensor **out) {                            \
    return produce(out, [&] { return at::name(unwrap(x), unwrap(y)); });                                              \
  }
CTORCH_BINARY_OPERATORS(CTORCH_DEFINE_BINARY)

#define CTORCH_DEFINE_SCALAR(name)                                                                                    \
  int ctorch_##name##_scalar(const ctorch_tensor *x, double y, ctorch_tensor **out) {                                 \
    return produce(out, [&] { return at::name(unwrap(x), scalar_for(unwrap(x), y)); });                               \
  }
CTORCH_SCALAR_OPERATORS(CTORCH_DEFINE_SCALAR)

int ctorch_gelu(const ctorch_tensor *x, bool tanh_approximation, ctorch_tensor **out) {
  return produce(out, [&] { return at::gelu(unwrap(x), tanh_approximation ? "tanh" : "none"); });
}

int ctorch_softplus(const ctorch_tensor *x, double beta, ctorch_tensor **out) {
  return produce(out, [&] { return at::softplus(unwrap(x), beta); });
}

int ctorch_clamp(const ctorch_tensor *x, double low, double high, ctorch_tensor **out) {
  return produce(out, [&] {
    const auto &value = unwrap(x);
    return at::clamp(value, scalar_for(value, low), scalar_for(value, high));
  });
}

int ctorch_where(const ctorch_tensor *mask, const ctorch_tensor *x, const ctorch_tensor *y, ctorch_tensor **out) {
  return produce(out, [&] { return at::where(unwrap(mask), unwrap(x), unwrap(y)); });
}

int ctorch_lerp(const ctorch_tensor *x, const ctorch_tensor *y, double weight, ctorch_tensor **out) {
  return produce(out, [&] { return at::lerp(unwrap(x), unwrap(y), weight); });
}

int ctorch_addcmul(const ctorch_tensor *x, const ctorch_tensor *y, const ctorch_tensor *z, double value,
                   ctorch_tensor **out) {
  return produce(out, [&] { return at::addcmul(unwrap(x), unwrap(y), unwrap(z), value); });
}

int ctorch_adam(const ctorch_tensor *gradient, const ctorch_tensor *first, const ctorch_tensor *second, int64_t step,
                double learning_rate, double beta1, double beta2, double epsilon, ctorch_tensor **out) {
  return guarded([&] {
    const at::NoGradGuard unrecorded;
    const auto g = unwrap(gradient).contiguous();
    for (const auto *moment : {first, second}) {
      TORCH_CHECK(unwrap(moment).sizes() == g.sizes() && unwrap(moment).scalar_type() == g.scalar_type(), "moments of ",
                  unwrap(moment).scalar_type(), unwrap(moment).sizes(), " do not belong to a gradient of ",
                  g.scalar_type(), g.sizes());
    }
    // The engine's fused step works in place. From parameters of 0 it goes to the update.
    const auto update = at::zeros_like(g);
    const auto m = unwrap(first).clone(at::MemoryFormat::Contiguous);
    const auto v = unwrap(second).clone(at::MemoryFormat::Contiguous);
    const auto count = at::full({}, step, g.options().dtype(at::kFloat));
    at::_fused_adam_({update}, {g}, {m}, {v}, {}, {count}, learning_rate, beta1, beta2, /*weight_decay=*/0, epsilon,
                     /*amsgrad=*/false, /*maximize=*/false);
    wrap_all({update, m, v}, out);
  });
}

namespace {

/// No dimensions means all of them.
std::vector<int64_t> reduced(const at::Tensor &x, const int64_t *dimensions, int64_t count) {
  std::vector<int64_t> result(dimensions, dimensions + count);
  if (count == 0) {
    for (int64_t i = 0; i < x.dim(); ++i) result.push_back(i);
  }
  return result;
}

}  // namespace

#define CTORCH_DEFINE_REDUCTION(name)                                                                                 \
  int ctorch_##name(const ctorch_tensor *x, const int64_t *dimensions, int64_t count, bool keep,                      \
                    ctorch_tensor **out) {                                                                            \
    return produce(out, [&] { return at::name(unwrap(x), reduced(unwrap(x), dimensions, count), keep); });            \
  }
CTORCH_REDUCTIONS(CTORCH_DEFINE_REDUCTION)

int ctorch_var(const ctorch_tensor *x, const int64_t *dimensions, int64_t count, int correction, bool keep,
               ctorch_tensor **out) {
  return produce(out, [&] {
    const auto over = reduced(unwrap(x), dimensions, count);
    return at::var(unwrap(x), at::OptionalIntArrayRef(over), at::Scalar(correction), keep);
  });
}

int ctorch_kth_smallest(const ctorch_tensor *x, int64_t k, ctorch_tensor **out) {
  return produce(out, [&] { return std::get<0>(at::kthvalue(unwrap(x).reshape({-1}), k)); });
}

int ctorch_all(const ctorch_tensor *x, ctorch_tensor **out) {
  return produce(out, [&] { return at::all(unwrap(x)); });
}

int ctorch_any(const ctorch_tensor *x, ctorch_tensor **out) {
  return produce(out, [&] { return at::any(unwrap(x)); });
}

int ctorch_argmax(const ctorch_tensor *x, int64_t dimension, bool keep, ctorch_tensor **out) {
  return produce(out, [&] { return at::argmax(unwrap(x), dimension, keep); });
}

int ctorch_cumsum(const ctorch_tensor *x, int64_t dimension, ctorch_tensor **out) {
  return produce(out, [&] { return at::cumsum(unwrap(x), dimension); });
}

int ctorch_argsort(const ctorch_tensor *x, int64_t dimension, bool descending, ctorch_tensor **out) {
  return produce(out, [&] { return at::argsort(unwrap(x), /*stable=*/true, dimension, descending); });
}
