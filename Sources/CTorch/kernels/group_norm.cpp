// Group normalisation with a second derivative in one pass.
//
// With x̂ = (x − μ)·r over the N elements of a group, y = γx̂ + β. Let h = γȳ, and ⟨·⟩ be the mean over a group.
//   x̄ = r·(h − ⟨h⟩ − x̂⟨hx̂⟩).
// For a cotangent q of x̄, with P = r·(q − ⟨q⟩ − x̂⟨qx̂⟩), ∂⟨q, x̄⟩ has the parts
//   ȳ: γ·P,   γ: Σ ȳ·P,
//   x: −r²·(x̂·(⟨qh⟩ − ⟨q⟩⟨h⟩ − 3⟨qx̂⟩⟨hx̂⟩) + ⟨hx̂⟩(q − ⟨q⟩) + ⟨qx̂⟩(h − ⟨h⟩)),
// the last by ∂r/∂x = −r²x̂/N and the derivative of the normalisation itself.
#include "../libtorch.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <mutex>

#include "avx2.h"
#include "../parallel.h"
#include "../support.h"
#include "switches.h"

using namespace ctorch;

namespace {

using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

/// Sizes of x `[batch, channels, …]`: groups of `width` channels with `pixels` elements each.
struct Layout {
  int64_t batch, channels, pixels, groups;
  double epsilon;
  int64_t width() const { return channels / groups; }
};

/// The parts of ∂⟨q, x̄⟩ in one group; that of γ before the sum over the batch.
template <class T>
__attribute__((always_inline)) inline void differentiate(const T *q, const T *g, const T *x, const T *weight, T mean,
                                                         T r, int64_t width, int64_t pixels, T *dg, T *dx, T *dweight) {
  constexpr int lanes = 16;  // Independent partial sums, so that they can be vectors.
  T sums[5][lanes] = {};
  for (int64_t c = 0; c < width; ++c) {
    const auto add = [&](int64_t i, int lane) {
      const T h = weight[c] * g[c * pixels + i], p = q[c * pixels + i], z = (x[c * pixels + i] - mean) * r;
      sums[0][lane] += p;
      sums[1][lane] += h;
      sums[2][lane] += p * z;
      sums[3][lane] += h * z;
      sums[4][lane] += p * h;
    };
    int64_t i = 0;
    for (; i + lanes <= pixels; i += lanes) {
      for (int j = 0; j < lanes; ++j) add(i + j, j);
    }
    for (; i < pixels; ++i) add(i, static_cast<int>(i % lanes));
  }
  T means[5];
  for (int k = 0; k < 5; ++k) {
    T sum = 0;
    for (int j = 0; j < lanes; ++j) sum += sums[k][j];
    means[k] = sum / static_cast<T>(width * pixels);
  }
  const T mq = means[0], mh = means[1], mqz = means[2], mhz = means[3];
  const T curvature = means[4] - mq * mh - 3 * mqz * mhz;
  for (int64_t c = 0; c < width; ++c) {
    T partial[lanes] = {};
    const auto set = [&](int64_t i, int lane) {
      const int64_t at = c * pixels + i;
      const T z = (x[at] - mean) * r, projected = r * (q[at] - mq - z * mqz);
      dg[at] = weight[c] * projected;
      dx[at] = -r * r * (z * curvature + mhz * (q[at] - mq) + mqz * (weight[c] * g[at] - mh));
      partial[lane] += g[at] * projected;
    };
    int64_t i = 0;
    for (; i + lanes <= pixels; i += lanes) {
      for (int j = 0; j < lanes; ++j) set(i + j, j);
    }
    for (; i < pixels; ++i) set(i, static_cast<int>(i % lanes));
    dweight[c] = 0;
    for (int j = 0; j < lanes; ++j) dweight[c] += partial[j];
  }
}

template <class T>
void differentiate_any(const T *q, const T *g, const T *x, const T *weight, T mean, T r, int64_t width, int64_t pixels,
                       T *dg, T *dx, T *dweight) {
  differentiate(q, g, x, weight, mean, r, width, pixels, dg, dx, dweight);
}

template <class T>
CTORCH_AVX2 void differentiate_avx2(const T *q, const T *g, const T *x, const T *weight, T mean, T r, int64_t width,
                                    int64_t pixels, T *dg, T *dx, T *dweight) {
  differentiate(q, g, x, weight, mean, r, width, pixels, dg, dx, dweight);
}

template <class T>
variable_list second_derivatives(const at::Tensor &q, const at::Tensor &g, const at::Tensor &x, const at::Tensor &weight,
                                 const at::Tensor &mean, const at::Tensor &deviation, const Layout &layout) {
  const auto data = [](const at::Tensor &t) { return static_cast<const T *>(t.const_data_ptr()); };
  const auto result = [](const at::Tensor &t) { return static_cast<T *>(t.mutable_data_ptr()); };
  const auto dg = at::empty_like(x), dx = at::empty_like(x);
  const auto dweight = at::empty({layout.batch, layout.channels}, x.options());
  const auto *q_data = data(q), *g_data = data(g), *x_data = data(x), *weight_data = data(weight);
  const auto *mean_data = data(mean), *r_data = data(deviation);
  auto *dg_data = result(dg), *dx_data = result(dx), *dweight_data = result(dweight);
  const int64_t width = layout.width(), length = width * layout.pixels;
  const int64_t grain = std::max<int64_t>(1, (1 << 14) / length);
  parallel_ranges(layout.batch * layout.groups, grain, [&](int64_t begin, int64_t end) {
    const auto kernel = has_avx2 ? differentiate_avx2<T> : differentiate_any<T>;
    for (int64_t group = begin; group < end; ++group) {
      const int64_t start = group * length;
      kernel(q_data + start, g_data + start, x_data + start, weight_data + group % layout.groups * width, mean_data[group],
             r_data[group], width, layout.pixels, dg_data + start, dx_data + start, dweight_data + group * width);
    }
  });
  return {dg, dx, dweight.sum(at::IntArrayRef({0}))};
}

/// The same quantities in recorded operators, for derivatives of higher order.
struct Recorded {
  const Layout &layout;
  at::Tensor z, r, weight;

  Recorded(const at::Tensor &x, const at::Tensor &gamma, const Layout &layout) : layout(layout) {
    const auto grouped = group(x);
    const auto centred = grouped - grouped.mean({2, 3}, true);
    r = at::rsqrt(centred.square().mean({2, 3}, true) + layout.epsilon);
    z = centred * r;
    weight = gamma.view({1, layout.groups, layout.width(), 1});
  }

  at::Tensor group(const at::Tensor &x) const {
    return x.reshape({layout.batch, layout.groups, layout.width(), layout.pixels});
  }
  at::Tensor mean(const at::Tensor &x) const { return x.mean({2, 3}, true); }
  at::Tensor projected(const at::Tensor &h) const { return r * (h - mean(h) - z * mean(h * z)); }
  at::Tensor per_channel(const at::Tensor &x) const { return x.sum(at::IntArrayRef({0, 3})).view({layout.channels}); }
};

/// The derivative of x̄ in ȳ, x and γ.
struct GroupNormGradientNode : torch::autograd::Node {
  SavedVariable cotangent, input, weight;
  at::Tensor mean, deviation;
  Layout layout;

  variable_list apply(variable_list &&gradients) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!gradients[0].defined()) return variable_list(3);
    const auto q = gradients[0].contiguous(), g = cotangent.unpack().contiguous(), x = input.unpack();
    const auto gamma = weight.unpack();
    if (!at::GradMode::is_enabled()) {
      return x.scalar_type() == at::kFloat
                 ? second_derivatives<float>(q, g, x, gamma, mean, deviation, layout)
                 : second_derivatives<double>(q, g, x, gamma, mean, deviation, layout);
    }
    const Recorded norm(x, gamma, layout);
    const auto p = norm.group(q), h = norm.weight * norm.group(g), projected = norm.projected(p);
    const auto mq = norm.mean(p), mh = norm.mean(h), mqz = norm.mean(p * norm.z), mhz = norm.mean(h * norm.z);
    const auto curvature = norm.mean(p * h) - mq * mh - 3 * mqz * mhz;
    const auto dx = -norm.r.square() * (norm.z * curvature + mhz * (p - mq) + mqz * (h - mh));
    return {(norm.weight * projected).view(g.sizes()), dx.view(x.sizes()), norm.per_channel(norm.group(g) * projected)};
  }

  void release_variables() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    cotangent.reset_data();
    input.reset_data();
    weight.reset_data();
  }

  std::string name() const override { return "GroupNormGradient"; }
};

/// The derivative of y in x, γ and β.
struct GroupNormNode : torch::autograd::Node {
  SavedVariable input, weight;
  at::Tensor mean, deviation;
  Layout layout;

  variable_list apply(variable_list &&gradients) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!gradients[0].defined()) return variable_list(3);
    const auto g = gradients[0].contiguous(), x = input.unpack(), gamma = weight.unpack();
    const std::array<bool, 3> wanted = {task_should_compute_output(0), task_should_compute_output(1),
                                        task_should_compute_output(2)};
    const bool is_recorded = torch::autograd::compute_requires_grad(g, x, gamma);
    variable_list result(3);
    if (!is_recorded || wanted[0]) {
      const at::NoGradGuard unrecorded;
      const std::array<bool, 3> mask = {wanted[0], wanted[1] && !is_recorded, wanted[2] && !is_recorded};
      std::tie(result[0], result[1], result[2]) = at::native_group_norm_backward(
          g, x, mean, deviation, gamma, layout.batch, layout.channels, layout.pixels, layout.groups, mask);
    }
    if (!is_recorded) return result;
    if (wanted[0]) {
      auto node = std::shared_ptr<GroupNormGradientNode>(new GroupNormGradientNode, torch::autograd::deleteNode);
      node->set_next_edges(torch::autograd::collect_next_edges(g, x, gamma));
      node->cotangent = SavedVariable(g, /*is_output=*/false);
      node->input = SavedVariable(x, /*is_output=*/false);
      node->weight = SavedVariable(gamma, /*is_output=*/false);
      node->mean = mean;
      node->deviation = deviation;
      node->layout = layout;
      torch::autograd::set_history(result[0], node);
    }
    if (wanted[1]) {
      const Recorded norm(x, gamma, layout);
      result[1] = norm.per_channel(norm.group(g) * norm.z);
    }
    if (wanted[2]) result[2] = g.view({layout.batch, layout.channels, layout.pixels}).sum(at::IntArrayRef({0, 2}));
    return result;
  }

  void release_variables() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    input.reset_data();
    weight.reset_data();
  }

  std::string name() const override { return "GroupNorm"; }
};

bool is_ours(const at::Tensor &x) {
  return x.is_cpu() && x.is_contiguous() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble);
}

}  // namespace

int ctorch_group_norm(const ctorch_tensor *x, int64_t groups, const ctorch_tensor *weight, const ctorch_tensor *bias,
                      double epsilon, ctorch_tensor **out) {
  return produce(out, [&] {
    const auto &input = unwrap(x);
    const auto gamma = unwrap_optional(weight), beta = unwrap_optional(bias);
    // Operands that do not fit are the engine's to refuse.
    const bool fits = is_on(Kernel::group_norm) && gamma && beta && input.dim() >= 2 && input.numel() > 0 && groups > 0 &&
                      input.size(1) % groups == 0 && is_ours(input) && is_ours(*gamma) &&
                      gamma->scalar_type() == input.scalar_type() && beta->scalar_type() == input.scalar_type() &&
                      gamma->sizes() == input.sizes().slice(1, 1) && beta->sizes() == gamma->sizes() &&
                      torch::autograd::compute_requires_grad(input, *gamma, *beta);
    if (!fits) return at::group_norm(input, groups, gamma, beta, epsilon);
    const Layout layout = {input.size(0), input.size(1), input.numel() / (input.size(0) * input.size(1)), groups, epsilon};
    auto node = std::shared_ptr<GroupNormNode>(new GroupNormNode, torch::autograd::deleteNode);
    at::Tensor result;
    {
      const at::NoGradGuard unrecorded;
      std::tie(result, node->mean, node->deviation) = at::native_group_norm(
          input, gamma, beta, layout.batch, layout.channels, layout.pixels, groups, epsilon);
    }
    node->set_next_edges(torch::autograd::collect_next_edges(input, *gamma, *beta));
    node->input = SavedVariable(input, /*is_output=*/false);
    node->weight = SavedVariable(*gamma, /*is_output=*/false);
    node->layout = layout;
    torch::autograd::set_history(result, node);
    return result;
  });
}
