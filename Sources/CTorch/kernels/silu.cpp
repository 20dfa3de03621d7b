// y(x) = x·σ(x) with derivatives up to the third in one pass each.
#include "../libtorch.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/sigmoid_cpu_dispatch.h>
#include <ATen/ops/silu_backward_cpu_dispatch.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <mutex>

#include "avx2.h"
#include "../parallel.h"
#include "../support.h"
#include "elements.h"
#include "switches.h"

using namespace ctorch;

namespace {

using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

/// Calls a body with 0 ..< count, whose iterations do not depend on each other.
template <class Body>
__attribute__((always_inline)) inline void loop(int64_t begin, int64_t end, const Body &body) {
#pragma clang loop vectorize(assume_safety)
  for (int64_t i = begin; i < end; ++i) body(i);
}

template <class Body>
void loop_any(int64_t begin, int64_t end, const Body &body) {
  loop(begin, end, body);
}

template <class Body>
CTORCH_AVX2 void loop_avx2(int64_t begin, int64_t end, const Body &body) {
  loop(begin, end, body);
}

template <class Body>
void for_each_element(int64_t count, const Body &body) {
  parallel_ranges(count, 1 << 14, [&](int64_t begin, int64_t end) {
    has_avx2 ? loop_avx2(begin, end, body) : loop_any(begin, end, body);
  });
}

#define CTORCH_BODY(index) [=](int64_t index) __attribute__((always_inline))

// With s = σ(x), t = 1 − s and d = t − s:
//   y' = s·(1 + x·t),   y'' = s·t·(2 + x·d),   y''' = s·t·(d·(3 + x·d) − 2·x·s·t).
// Where derivatives are recorded, s is kept with x: exponentials would take most of the time of each pass.

/// x, the input, and σ(x), a constant beside it.
struct Point {
  at::Tensor x, sigmoid;
};

/// ȳ·y'(x).
template <class T>
at::Tensor gradient_of(const at::Tensor &g, const Point &point) {
  const auto result = at::empty_like(point.x);
  const auto *gs = elements<T>(g), *xs = elements<T>(point.x), *ss = elements<T>(point.sigmoid);
  auto *out = mutable_elements<T>(result);
  for_each_element(result.numel(), CTORCH_BODY(i) { out[i] = gs[i] * ss[i] * (1 + xs[i] * (1 - ss[i])); });
  return result;
}

/// q·ȳ·y''(x).
template <class T>
at::Tensor curvature_of(const at::Tensor &q, const at::Tensor &g, const Point &point) {
  const auto result = at::empty_like(point.x);
  const auto *qs = elements<T>(q), *gs = elements<T>(g), *xs = elements<T>(point.x), *ss = elements<T>(point.sigmoid);
  auto *out = mutable_elements<T>(result);
  for_each_element(result.numel(), CTORCH_BODY(i) {
    const T s = ss[i], t = 1 - s;
    out[i] = qs[i] * gs[i] * s * t * (2 + xs[i] * (t - s));
  });
  return result;
}

/// For cotangents q of ȳ·y'(x): those of ȳ, q·y'(x), and of x, q·ȳ·y''(x).
template <class T>
variable_list second_derivatives(const at::Tensor &q, const at::Tensor &g, const Point &point) {
  const auto dg = at::empty_like(point.x), dx = at::empty_like(point.x);
  const auto *qs = elements<T>(q), *gs = elements<T>(g), *xs = elements<T>(point.x), *ss = elements<T>(point.sigmoid);
  auto *dgs = mutable_elements<T>(dg), *dxs = mutable_elements<T>(dx);
  for_each_element(dx.numel(), CTORCH_BODY(i) {
    const T s = ss[i], t = 1 - s;
    dgs[i] = qs[i] * s * (1 + xs[i] * t);
    dxs[i] = qs[i] * gs[i] * s * t * (2 + xs[i] * (t - s));
  });
  return {dg, dx};
}

/// For cotangents r of q·ȳ·y''(x): those of q, ȳ and x.
template <class T>
variable_list third_derivatives(const at::Tensor &r, const at::Tensor &q, const at::Tensor &g, const Point &point) {
  const auto dq = at::empty_like(point.x), dg = at::empty_like(point.x), dx = at::empty_like(point.x);
  const auto *rs = elements<T>(r), *qs = elements<T>(q), *gs = elements<T>(g);
  const auto *xs = elements<T>(point.x), *ss = elements<T>(point.sigmoid);
  auto *dqs = mutable_elements<T>(dq), *dgs = mutable_elements<T>(dg), *dxs = mutable_elements<T>(dx);
  for_each_element(dx.numel(), CTORCH_BODY(i) {
    const T s = ss[i], t = 1 - s, d = t - s, slope = s * t, second = slope * (2 + xs[i] * d);
    dqs[i] = rs[i] * gs[i] * second;
    dgs[i] = rs[i] * qs[i] * second;
    dxs[i] = rs[i] * qs[i] * gs[i] * slope * (d * (3 + xs[i] * d) - 2 * xs[i] * slope);
  });
  return {dq, dg, dx};
}

bool is_single(const at::Tensor &x) { return x.scalar_type() == at::kFloat; }

/// σ(x), without a record.
at::Tensor sigmoid_of(const at::Tensor &x) {
  const at::AutoDispatchBelowADInplaceOrView unrecorded;
  return at::cpu::sigmoid(x);
}

/// A node that has saved x.
struct PointNode : torch::autograd::Node {
  SavedVariable input;
  at::Tensor sigmoid;

  void save(const Point &point) {
    input = SavedVariable(point.x, /*is_output=*/false);
    sigmoid = point.sigmoid;
  }

  Point point() const { return {input.unpack(), sigmoid}; }

  void release_variables() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    input.reset_data();
    sigmoid.reset();
    release_cotangents();
  }

  virtual void release_cotangents() = 0;
};

at::Tensor gradient(const at::Tensor &g, const Point &point);
at::Tensor curvature(const at::Tensor &q, const at::Tensor &g, const Point &point);

/// The derivative of q·ȳ·y''(x) in all three.
struct SiLUCurvatureNode : PointNode {
  SavedVariable factor, cotangent;

  variable_list apply(variable_list &&gradients) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto &r = gradients[0];
    if (!r.defined()) return variable_list(3);
    const auto q = factor.unpack(), g = cotangent.unpack();
    const auto at = point();
    const bool needs_input = task_should_compute_output(2);
    if (needs_input && !at::GradMode::is_enabled()) {
      const at::AutoDispatchBelowADInplaceOrView unrecorded;
      const auto rc = r.contiguous(), qc = q.contiguous(), gc = g.contiguous();
      return is_single(at.x) ? third_derivatives<float>(rc, qc, gc, at) : third_derivatives<double>(rc, qc, gc, at);
    }
    variable_list result(3);
    if (task_should_compute_output(0)) result[0] = curvature(r, g, at);
    if (task_should_compute_output(1)) result[1] = curvature(r, q, at);
    if (needs_input) {
      const auto &x = at.x;
      const auto s = at::sigmoid(x), t = 1 - s, d = t - s, slope = s * t;
      result[2] = r * q * g * slope * (d * (3 + x * d) - 2 * x * slope);
    }
    return result;
  }

  void release_cotangents() override {
    factor.reset_data();
    cotangent.reset_data();
  }

  std::string name() const override { return "SiLUCurvature"; }
};

/// The derivative of ȳ·y'(x) in ȳ and x.
struct SiLUGradientNode : PointNode {
  SavedVariable cotangent;

  variable_list apply(variable_list &&gradients) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto &q = gradients[0];
    if (!q.defined()) return variable_list(2);
    const auto g = cotangent.unpack();
    const auto at = point();
    const bool needs_cotangent = task_should_compute_output(0), needs_input = task_should_compute_output(1);
    if (needs_cotangent && needs_input && !at::GradMode::is_enabled()) {
      const at::AutoDispatchBelowADInplaceOrView unrecorded;
      const auto qc = q.contiguous(), gc = g.contiguous();
      return is_single(at.x) ? second_derivatives<float>(qc, gc, at) : second_derivatives<double>(qc, gc, at);
    }
    variable_list result(2);
    if (needs_cotangent) result[0] = gradient(q, at);
    if (needs_input) result[1] = curvature(q, g, at);
    return result;
  }

  void release_cotangents() override { cotangent.reset_data(); }

  std::string name() const override { return "SiLUGradient"; }
};

/// ȳ·y'(x), recorded.
at::Tensor gradient(const at::Tensor &g, const Point &point) {
  at::Tensor result;
  {
    // Below the dispatch for records, which would take as long as a small pass.
    const at::AutoDispatchBelowADInplaceOrView unrecorded;
    const auto gc = g.contiguous();
    result = is_single(point.x) ? gradient_of<float>(gc, point) : gradient_of<double>(gc, point);
  }
  if (torch::autograd::compute_requires_grad(g, point.x)) {
    auto node = std::shared_ptr<SiLUGradientNode>(new SiLUGradientNode, torch::autograd::deleteNode);
    node->set_next_edges(torch::autograd::collect_next_edges(g, point.x));
    node->cotangent = SavedVariable(g, /*is_output=*/false);
    node->save(point);
    torch::autograd::set_history(result, node);
  }
  return result;
}

/// q·ȳ·y''(x), recorded.
at::Tensor curvature(const at::Tensor &q, const at::Tensor &g, const Point &point) {
  at::Tensor result;
  {
    const at::AutoDispatchBelowADInplaceOrView unrecorded;
    const auto qc = q.contiguous(), gc = g.contiguous();
    result = is_single(point.x) ? curvature_of<float>(qc, gc, point) : curvature_of<double>(qc, gc, point);
  }
  if (torch::autograd::compute_requires_grad(q, g, point.x)) {
    auto node = std::shared_ptr<SiLUCurvatureNode>(new SiLUCurvatureNode, torch::autograd::deleteNode);
    node->set_next_edges(torch::autograd::collect_next_edges(q, g, point.x));
    node->factor = SavedVariable(q, /*is_output=*/false);
    node->cotangent = SavedVariable(g, /*is_output=*/false);
    node->save(point);
    torch::autograd::set_history(result, node);
  }
  return result;
}

/// The derivative of y(x).
struct SiLUNode : torch::autograd::Node {
  SavedVariable input;

  variable_list apply(variable_list &&gradients) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto &g = gradients[0];
    if (!g.defined()) return variable_list(1);
    const auto x = input.unpack();
    if (torch::autograd::compute_requires_grad(g, x)) return {gradient(g, Point{x, sigmoid_of(x)})};
    const at::AutoDispatchBelowADInplaceOrView unrecorded;
    return {at::cpu::silu_backward(g, x)};
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
    const bool is_ours = is_on(Kernel::silu) && input.is_cpu() && input.is_contiguous() &&
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
