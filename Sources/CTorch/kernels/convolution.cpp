// Convolution with a derivative that is cheap to differentiate again.
//
// On the processor this kernel saves at most 3 % of a step (Benchmarks/README.md, "Own kernels"). It stays because a step of
// training with an energy has other bits without it, and because it also runs on a GPU, where it has not been measured.
#include "../libtorch.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <mutex>

#include "../support.h"
#include "switches.h"

using namespace ctorch;

namespace {

/// The derivative of a convolution y = W∗x + b with stride 1: x̄ = Wᵀ∗ȳ, the transposed convolution, and W̄, b̄ as the engine
/// has them.
///
/// The engine's own derivative is a single operator for x̄, W̄ and b̄. Where it is recorded, as for the gradient of an
/// energy, the weight gradient in *its* derivative is computed as a convolution whose kernels are whole images, which takes
/// twice as long as the weight gradient that the derivative of a transposed convolution uses.
struct ConvolutionNode : torch::autograd::Node {
  torch::autograd::SavedVariable input, weight;
  std::vector<int64_t> bias_sizes, padding, dilation;
  int64_t groups = 1;

  torch::autograd::variable_list apply(torch::autograd::variable_list &&gradients) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto &cotangent = gradients[0];
    if (!cotangent.defined()) return torch::autograd::variable_list(3);
    const auto x = input.unpack(), w = weight.unpack();
    const at::OptionalIntArrayRef biases =
        bias_sizes.empty() ? at::OptionalIntArrayRef() : at::OptionalIntArrayRef(bias_sizes);
    std::array<bool, 3> wanted = {task_should_compute_output(0), task_should_compute_output(1),
                                  task_should_compute_output(2)};
    at::Tensor dx, dw, db;
    if (at::GradMode::is_enabled() && wanted[0]) {
      dx = at::convolution(cotangent, w, {}, {1, 1}, padding, dilation, /*transposed=*/true, {0, 0}, groups);
      wanted[0] = false;
    }
    if (wanted[0] || wanted[1] || wanted[2]) {
      auto [engine_dx, engine_dw, engine_db] =
          at::convolution_backward(cotangent, x, w, biases, {1, 1}, padding, dilation, /*transposed=*/false, {0, 0},
                                   groups, wanted);
      if (wanted[0]) dx = engine_dx;
      dw = engine_dw;
      db = engine_db;
    }
    return {dx, dw, db};
  }

  void release_variables() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    input.reset_data();
    weight.reset_data();
  }

  std::string name() const override { return "ConvolutionWithTransposedDerivative"; }
};

}  // namespace

int ctorch_conv2d(const ctorch_tensor *x, const ctorch_tensor *weight, const ctorch_tensor *bias, int64_t stride,
                  int64_t padding, int64_t dilation, int64_t groups, ctorch_tensor **out) {
  return produce(out, [&] {
    const auto &input = unwrap(x), &kernel = unwrap(weight);
    const auto offset = unwrap_optional(bias);
    const auto convolve = [&] {
      return at::conv2d(input, kernel, offset, {stride, stride}, at::IntArrayRef({padding, padding}), {dilation, dilation},
                        groups);
    };
    // With another stride the transposed convolution needs output padding, which the engine cannot differentiate three
    // times.
    if (!is_on(Kernel::convolution) || stride != 1 || input.dim() != 4 ||
        !torch::autograd::compute_requires_grad(input, kernel, offset.value_or(at::Tensor()))) {
      return convolve();
    }
    at::Tensor result;
    {
      const at::NoGradGuard unrecorded;
      result = convolve();
    }
    auto node = std::shared_ptr<ConvolutionNode>(new ConvolutionNode, torch::autograd::deleteNode);
    node->set_next_edges(torch::autograd::collect_next_edges(input, kernel, offset.value_or(at::Tensor())));
    node->input = torch::autograd::SavedVariable(input, /*is_output=*/false);
    node->weight = torch::autograd::SavedVariable(kernel, /*is_output=*/false);
    if (offset) node->bias_sizes = offset->sizes().vec();
    node->padding = {padding, padding};
    node->dilation = {dilation, dilation};
    node->groups = groups;
    torch::autograd::set_history(result, node);
    return result;
  });
}
