// Affine maps whose derivatives of any order are products of matrices, one node of the graph for each.
//
// The engine transposes by nodes of their own, before and behind each product; where matrices are small, they take longer than
// the products.
#include "../libtorch.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/mm_cpu_dispatch.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <mutex>

#include "../support.h"
#include "switches.h"

using namespace ctorch;

namespace {

using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

at::Tensor product(const at::Tensor &a, bool transposes_a, const at::Tensor &b, bool transposes_b);

/// The derivative of A·B, where A and B are transposed or not.
struct ProductNode : torch::autograd::Node {
  SavedVariable left, right;
  bool transposes_left = false, transposes_right = false;

  variable_list apply(variable_list &&gradients) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto &g = gradients[0];
    variable_list result(2);
    if (!g.defined()) return result;
    if (task_should_compute_output(0)) {
      const auto b = right.unpack();
      result[0] = transposes_left ? product(b, transposes_right, g, true) : product(g, false, b, !transposes_right);
    }
    if (task_should_compute_output(1)) {
      const auto a = left.unpack();
      result[1] = transposes_right ? product(g, true, a, transposes_left) : product(a, !transposes_left, g, false);
    }
    return result;
  }

  void release_variables() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    left.reset_data();
    right.reset_data();
  }

  std::string name() const override { return "Product"; }
};

/// The product of two matrices, each transposed or not, recorded.
at::Tensor product(const at::Tensor &a, bool transposes_a, const at::Tensor &b, bool transposes_b) {
  at::Tensor result;
  {
    // Dispatch and views would take as long as the product of small matrices.
    const at::AutoDispatchBelowADInplaceOrView unrecorded;
    result = at::cpu::mm(transposes_a ? a.t() : a, transposes_b ? b.t() : b);
  }
  if (torch::autograd::compute_requires_grad(a, b)) {
    auto node = std::shared_ptr<ProductNode>(new ProductNode, torch::autograd::deleteNode);
    node->set_next_edges(torch::autograd::collect_next_edges(a, b));
    node->left = SavedVariable(a, /*is_output=*/false);
    node->right = SavedVariable(b, /*is_output=*/false);
    node->transposes_left = transposes_a;
    node->transposes_right = transposes_b;
    torch::autograd::set_history(result, node);
  }
  return result;
}

/// The derivative of x·Wᵀ + b.
struct LinearNode : torch::autograd::Node {
  SavedVariable input, weight;

  variable_list apply(variable_list &&gradients) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto &g = gradients[0];
    variable_list result(num_outputs());
    if (!g.defined()) return result;
    if (task_should_compute_output(0)) result[0] = product(g, false, weight.unpack(), false);
    if (task_should_compute_output(1)) result[1] = product(g, true, input.unpack(), false);
    if (num_outputs() > 2 && task_should_compute_output(2)) result[2] = g.sum(0);
    return result;
  }

  void release_variables() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    input.reset_data();
    weight.reset_data();
  }

  std::string name() const override { return "Linear"; }
};

bool is_matrix(const at::Tensor &x, at::ScalarType type) {
  return x.is_cpu() && x.dim() == 2 && x.scalar_type() == type;
}

}  // namespace

int ctorch_linear(const ctorch_tensor *x, const ctorch_tensor *weight, const ctorch_tensor *bias,
                  ctorch_tensor **out) {
  return produce(out, [&] {
    const auto &input = unwrap(x), &w = unwrap(weight);
    const auto b = unwrap_optional(bias);
    const auto type = input.scalar_type();
    const bool is_ours = is_on(Kernel::linear) && (type == at::kFloat || type == at::kDouble) && is_matrix(input, type) &&
                         is_matrix(w, type) && (!b || (b->dim() == 1 && b->scalar_type() == type));
    if (!is_ours || !torch::autograd::compute_requires_grad(input, w, b)) return at::linear(input, w, b);
    at::Tensor result;
    {
      const at::NoGradGuard unrecorded;
      result = at::linear(input, w, b);
    }
    auto node = std::shared_ptr<LinearNode>(new LinearNode, torch::autograd::deleteNode);
    node->set_next_edges(b ? torch::autograd::collect_next_edges(input, w, *b)
                           : torch::autograd::collect_next_edges(input, w));
    node->input = SavedVariable(input, /*is_output=*/false);
    node->weight = SavedVariable(w, /*is_output=*/false);
    torch::autograd::set_history(result, node);
    return result;
  });
}
