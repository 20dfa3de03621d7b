// Shared by the shim's sources: handles, and the one guard through which every call passes.
#pragma once

#include "libtorch.h"

#include <ATen/ATen.h>

#include <cmath>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ctorch.h"

namespace ctorch {

/// Thrown inside a backward pass when a Swift closure failed; carries the Swift error object through the engine.
struct CallbackFailure : std::exception {
  std::shared_ptr<void> error;
  explicit CallbackFailure(std::shared_ptr<void> error) : error(std::move(error)) {}
  const char *what() const noexcept override { return "a Swift closure failed during the backward pass"; }
};

void set_message(const char *text) noexcept;
void set_failure(std::shared_ptr<void> error) noexcept;
/// Whether tensors are made without memory on this thread.
bool is_outlining() noexcept;

/// Runs `body`; turns anything it throws into a status and a message.
template <class Body>
int guarded(Body &&body) noexcept {
  try {
    body();
    return CTORCH_OK;
  } catch (const CallbackFailure &failure) {
    set_failure(failure.error);
    return CTORCH_CALLBACK_ERROR;
  } catch (const c10::Error &error) {
    set_message(error.what_without_backtrace());
  } catch (const std::exception &error) {
    set_message(error.what());
  } catch (...) {
    set_message("an unknown C++ exception");
  }
  return CTORCH_ENGINE_ERROR;
}

ctorch_tensor *wrap(at::Tensor tensor);
inline const at::Tensor &unwrap(const ctorch_tensor *handle) { return *reinterpret_cast<const at::Tensor *>(handle); }

inline std::optional<at::Tensor> unwrap_optional(const ctorch_tensor *handle) {
  return handle ? std::optional<at::Tensor>(unwrap(handle)) : std::nullopt;
}

inline std::vector<at::Tensor> unwrap_list(const ctorch_tensor *const *handles, int64_t count) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(count);
  for (int64_t i = 0; i < count; ++i) tensors.push_back(unwrap(handles[i]));
  return tensors;
}

/// Hands tensors out as handles, null for undefined ones: all of them, or none if memory runs out half-way.
void wrap_all(std::vector<at::Tensor> tensors, ctorch_tensor **out);

/// Runs `body`, which returns a tensor, and hands the tensor out as a handle.
template <class Body>
int produce(ctorch_tensor **out, Body &&body) noexcept {
  return guarded([&] { *out = wrap(body()); });
}

inline at::IntArrayRef list(const int64_t *values, int64_t count) {
  return at::IntArrayRef(values, static_cast<size_t>(count));
}

inline at::Device device(int type, int index) {
  TORCH_CHECK(index >= 0 && index < 128, "there is no device with the index ", index);
  return at::Device(static_cast<at::DeviceType>(type), static_cast<at::DeviceIndex>(index));
}

/// A whole-numbered scalar becomes an integer beside a tensor of integers, so that it does not promote it.
inline at::Scalar scalar_for(const at::Tensor &tensor, double value) {
  // Beyond ±2⁶³, and for NaN, the conversion is not defined.
  if (at::isIntegralType(tensor.scalar_type(), /*includeBool=*/false) && value >= -0x1p63 && value < 0x1p63 &&
      value == std::trunc(value)) {
    return static_cast<int64_t>(value);
  }
  return value;
}

}  // namespace ctorch
