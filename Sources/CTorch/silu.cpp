// x·σ(x) with a second derivative in one pass.
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <mutex>

#include "avx2.h"
#include "parallel.h"
#include "support.h"

using namespace ctorch;

namespace {

using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

/// For cotangents q of ȳ·y'(x): those of ȳ, q·y'(x), and of x, q·ȳ·y''(x), with s = σ(x).
template <class T>
__attribute__((always_inline)) inline void differentiate(const T *q, const T *cotangent, const T *x, const T *s,
                                                         T *cotangent_gradient, T *x_gradient, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const T rest = 1 - s[i];
    cotangent_gradient[i] = q[i] * s[i] * (1 + x[i] * rest);
    x_gradient[i] = q[i] * cotangent[i] * s[i] * rest * (2 + x[i] * (rest - s[i]));
  }
}

template <class T>
void differentiate_any(const T *q, const T *g, const T *x, const T *s, T *dg, T *dx, int64_t count) {
  differentiate(q, g, x, s, dg, dx, count);
}

template <class T>
CTORCH_AVX2 void differentiate_avx2(const T *q, const T *g, const T *x, const T *s, T *dg, T *dx, int64_t count) {
  differentiate(q, g, x, s, dg, dx, count);
}

template <class T>
variable_list second_derivatives(const at::Tensor &q, const at::Tensor &g, const at::Tensor &x) {
  const auto s = at::sigmoid(x);
  const auto dg = at::empty_like(x), dx = at::empty_like(x);
  const auto *q_data = static_cast<const T *>(q.const_data_ptr()), *g_data = static_cast<const T *>(g.const_data_ptr());
  const auto *x_data = static_cast<const T *>(x.const_data_ptr()), *s_data = static_cast<const T *>(s.const_data_ptr());
  auto *dg_data = static_cast<T *>(dg.mutable_data_ptr()), *dx_data = static_cast<T *>(dx.mutable_data_ptr());
  parallel_ranges(x.numel(), 1 << 14, [&](int64_t begin, int64_t end) {
    const auto kernel = has_avx2 ? differentiate_avx2<T> : differentiate_any<T>;
    kernel(q_data + begin, g_data + begin, x_data + begin, s_data + begin, dg_data + begin, dx_data + begin, end - begin);
  });
  return {dg, dx};
}

/// The derivative of ȳ·y'(x) in ȳ and x.
struct SiLUGradientNode : torch::autograd::Node {
  SavedVariable cotangent, input;

  variable_list apply(variable_list &&gradients) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!gradients[0].defined()) return variable_list(2);
    const auto q = gradients[0].contiguous(), g = cotangent.unpack().contiguous(), x = input.unpack();
    if (!at::GradMode::is_enabled()) {
      return x.scalar_type() == at::kFloat ? second_derivatives<float>(q, g, x) : second_derivatives<double>(q, g, x);
    }
    const auto s = at::sigmoid(x);
    const auto rest = 1 - s;
    return {q * s * (1 + x * rest), q * g * s * rest * (2 + x * (rest - s))};
  }

  void release_variables() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    cotangent.reset_data();
    input.reset_data();
  }

  std::string name() const override { return "SiLUGradient"; }
};

/// The derivative of y(x).
struct SiLUNode : torch::autograd::Node {
  SavedVariable input;

  variable_list apply(variable_list &&gradients) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto &g = gradients[0];
    if (!g.defined()) return variable_list(1);
    const auto x = input.unpack();
    at::Tensor result;
    {
      const at::NoGradGuard unrecorded;
      result = at::silu_backward(g, x);
    }
    if (torch::autograd::compute_requires_grad(g, x)) {
      auto node = std::shared_ptr<SiLUGradientNode>(new SiLUGradientNode, torch::autograd::deleteNode);
      node->set_next_edges(torch::autograd::collect_next_edges(g, x));
      node->cotangent = SavedVariable(g, /*is_output=*/false);
      node->input = SavedVariable(x, /*is_output=*/false);
      torch::autograd::set_history(result, node);
    }
    return {result};
  }

  void release_variables() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    input.reset_data();
  }

  std::string name() const override { return "SiLU"; }
};

}  // namespace

int ctorch_silu(const ctorch_tensor *x, ctorch_tensor **out) {
  return produce(out, [&] {
    const auto &input = unwrap(x);
    const bool is_ours = input.is_cpu() && input.is_contiguous() &&
                         (input.scalar_type() == at::kFloat || input.scalar_type() == at::kDouble);
    if (!is_ours || !torch::autograd::compute_requires_grad(input)) return at::silu(input);
    at::Tensor result;
    {
      const at::NoGradGuard unrecorded;
      result = at::silu(input);
    }
    auto node = std::shared_ptr<SiLUNode>(new SiLUNode, torch::autograd::deleteNode);
    node->set_next_edges(torch::autograd::collect_next_edges(input));
    node->input = SavedVariable(input, /*is_output=*/false);
    torch::autograd::set_history(result, node);
    return result;
  });
}
