// Automatic differentiation, and functions whose derivative is a Swift closure.
#include "libtorch.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include "support.h"

using namespace ctorch;

bool ctorch_gradients_enabled(void) { return at::GradMode::is_enabled(); }
void ctorch_set_gradients_enabled(bool enabled) { at::GradMode::set_enabled(enabled); }
bool ctorch_requires_grad(const ctorch_tensor *x) { return unwrap(x).requires_grad(); }

const char *ctorch_record_name(const ctorch_tensor *x) {
  thread_local std::string name;
  const auto &node = unwrap(x).grad_fn();
  name = node ? node->name() : "";
  return name.c_str();
}

int ctorch_detach(const ctorch_tensor *x, ctorch_tensor **out) {
  return produce(out, [&] { return unwrap(x).detach(); });
}

int ctorch_leaf(const ctorch_tensor *x, ctorch_tensor **out) {
  return produce(out, [&] {
    auto leaf = unwrap(x).detach();
    leaf.set_requires_grad(true);
    return leaf;
  });
}

int ctorch_gradients(const ctorch_tensor *const *outputs, int64_t output_count, const ctorch_tensor *const *seeds,
                     const ctorch_tensor *const *inputs, int64_t input_count, bool create_graph, bool retain_graph,
                     ctorch_tensor **out) {
  return guarded([&] {
    const auto seed_list = seeds ? unwrap_list(seeds, output_count) : std::vector<at::Tensor>();
    wrap_all(torch::autograd::grad(unwrap_list(outputs, output_count), unwrap_list(inputs, input_count), seed_list,
                                   retain_graph, create_graph, /*allow_unused=*/true),
             out);
  });
}

namespace {

/// A node of the graph whose backward pass is a C callback.
struct CallbackNode : torch::autograd::Node {
  std::shared_ptr<void> context;
  ctorch_backward backward = nullptr;
  void (*release_error)(void *) = nullptr;
  int64_t input_count = 0;

  torch::autograd::variable_list apply(torch::autograd::variable_list &&gradients) override {
    std::vector<ctorch_tensor *> seeds;
    std::vector<ctorch_tensor *> results(input_count, nullptr);
    struct Cleanup {
      std::vector<ctorch_tensor *> &a, &b;
      ~Cleanup() {
        for (auto *list : {&a, &b}) {
          for (auto *handle : *list) {
            if (handle) ctorch_free(handle);
          }
        }
      }
    } cleanup{seeds, results};
    seeds.reserve(gradients.size());
    for (size_t i = 0; i < gradients.size(); ++i) {
      seeds.push_back(wrap(gradients[i].defined() ? gradients[i] : input_metadata(i).zeros_like()));
    }
    void *error = nullptr;
    const bool ok = backward(context.get(), seeds.data(), static_cast<int64_t>(seeds.size()), results.data(),
                             input_count, &error);
    if (!ok) throw CallbackFailure(std::shared_ptr<void>(error, release_error));
    torch::autograd::variable_list result(input_count);
    for (int64_t i = 0; i < input_count; ++i) {
      if (results[i]) result[i] = unwrap(results[i]);
    }
    return result;
  }

  std::string name() const override { return "SwiftCustomFunction"; }
};

}  // namespace

int ctorch_custom_function(const ctorch_tensor *const *inputs, int64_t input_count, const ctorch_tensor *const *values,
                           int64_t value_count, void *context, ctorch_backward backward,
                           void (*release_context)(void *), void (*release_error)(void *), ctorch_tensor **out) {
  return guarded([&] {
    std::shared_ptr<void> owned(context, release_context);
    const auto arguments = unwrap_list(inputs, input_count);
    std::vector<at::Tensor> results;
    for (int64_t i = 0; i < value_count; ++i) {
      TORCH_CHECK(at::isFloatingType(unwrap(values[i]).scalar_type()),
                  "the outputs of a custom function must be floating-point numbers to be differentiable");
      results.push_back(unwrap(values[i]).detach());
    }
    if (torch::autograd::compute_requires_grad(arguments)) {
      auto node = std::shared_ptr<CallbackNode>(new CallbackNode, torch::autograd::deleteNode);
      node->context = std::move(owned);
      node->backward = backward;
      node->release_error = release_error;
      node->input_count = input_count;
      node->set_next_edges(torch::autograd::collect_next_edges(arguments));
      for (auto &result : results) torch::autograd::set_history(result, node);
    }
    wrap_all(std::move(results), out);
  });
}
