// Handles, errors, creation, inspection, conversion, devices and threads.
#include "libtorch.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "support.h"

using namespace ctorch;

namespace {
std::atomic<int64_t> live_handles{0};
thread_local int64_t live_handles_of_thread = 0;
thread_local std::string last_message;
thread_local std::shared_ptr<void> last_failure;
thread_local bool outlining = false;
}  // namespace

namespace ctorch {

void set_message(const char *text) noexcept {
  try {
    last_message = text;
  } catch (...) {
    last_message.clear();
  }
}

void set_failure(std::shared_ptr<void> error) noexcept { last_failure = std::move(error); }

bool is_outlining() noexcept { return outlining; }

ctorch_tensor *wrap(at::Tensor tensor) {
  auto *handle = new at::Tensor(std::move(tensor));
  live_handles.fetch_add(1, std::memory_order_relaxed);
  ++live_handles_of_thread;
  return reinterpret_cast<ctorch_tensor *>(handle);
}

void wrap_all(std::vector<at::Tensor> tensors, ctorch_tensor **out) {
  size_t done = 0;
  try {
    for (; done < tensors.size(); ++done) out[done] = tensors[done].defined() ? wrap(std::move(tensors[done])) : nullptr;
  } catch (...) {
    while (done-- > 0) {
      if (out[done]) ctorch_free(out[done]);
      out[done] = nullptr;
    }
    throw;
  }
}

}  // namespace ctorch

const char *ctorch_error_message(void) { return last_message.c_str(); }
void *ctorch_callback_error(void) { return last_failure.get(); }
void ctorch_clear_error(void) {
  last_failure.reset();
  last_message.clear();
}

int64_t ctorch_live_handles(void) { return live_handles.load(std::memory_order_relaxed); }
int64_t ctorch_live_handles_of_thread(void) { return live_handles_of_thread; }

void ctorch_free(ctorch_tensor *tensor) {
  delete reinterpret_cast<at::Tensor *>(tensor);
  live_handles.fetch_sub(1, std::memory_order_relaxed);
  --live_handles_of_thread;
}

int ctorch_alias(const ctorch_tensor *tensor, ctorch_tensor **out) {
  return produce(out, [&] { return unwrap(tensor); });
}

const char *ctorch_version(void) { return TORCH_VERSION; }
int ctorch_thread_count(void) { return at::get_num_threads(); }
int ctorch_set_thread_count(int count) {
  return guarded([&] { at::set_num_threads(count); });
}

int ctorch_load_cuda(void) {
  return guarded([] {
    // Not at::hasCUDA(): the first call of it, by anyone, decides for good, so the library must be there before.
    if (!c10::impl::hasDeviceGuardImpl(at::kCUDA)) {
      Dl_info info;
      std::string folder;
      // The address of a function that lives in libtorch_cpu tells where that library was loaded from.
      if (dladdr(reinterpret_cast<const void *>(&at::get_num_threads), &info) && info.dli_fname) {
        folder = info.dli_fname;
        folder.erase(folder.find_last_of('/') + 1);
      }
      const std::string path = folder + "libtorch_cuda.so";
      if (!dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
        const char *reason = dlerror();
        TORCH_CHECK(false, "libtorch's CUDA library could not be loaded (", reason ? reason : "no reason given",
                    "); set LIBTORCH to the torch folder of a PyTorch " TORCH_VERSION " with CUDA and build again, or");
      }
    }
    const auto *devices = c10::impl::getDeviceGuardImpl(at::kCUDA);
    TORCH_CHECK(devices->deviceCount() > 0, "there is no NVIDIA driver, or it shows no GPU;");
    TORCH_CHECK(at::hasCUDA(), "libtorch's CUDA library was loaded after tensors had been used, which is too late;");
    // Some kernels add in an order that differs from run to run; resuming exactly needs those that do not. cuBLAS reads the
    // variable when its first handle is made.
    setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
    // A check for mistakes, which costs a pass over new memory.
    at::globalContext().setDeterministicFillUninitializedMemory(false);
  });
}

int ctorch_device_count(int device_type, int64_t *out) {
  return guarded([&] {
    const auto type = static_cast<at::DeviceType>(device_type);
    if (type == at::kCPU) {
      *out = 1;
    } else if (!c10::impl::hasDeviceGuardImpl(type)) {
      *out = 0;
    } else {
      *out = c10::impl::getDeviceGuardImpl(type)->deviceCount();
    }
  });
}

int ctorch_from_data(const void *data, int64_t byte_count, int dtype, const int64_t *sizes, int64_t rank,
                     ctorch_tensor **out) {
  return produce(out, [&] {
    auto tensor = at::empty(list(sizes, rank), static_cast<at::ScalarType>(dtype));
    TORCH_CHECK(static_cast<int64_t>(tensor.nbytes()) == byte_count, "a tensor of ", tensor.nbytes(),
                " bytes cannot be made from ", byte_count, " bytes");
    if (byte_count > 0) std::memcpy(tensor.mutable_data_ptr(), data, byte_count);
    return tensor;
  });
}

bool ctorch_outlining(void) { return outlining; }
void ctorch_set_outlining(bool enabled) { outlining = enabled; }

int ctorch_full(double value, int dtype, const int64_t *sizes, int64_t rank, int device_type, int device_index,
                ctorch_tensor **out) {
  return produce(out, [&] {
    const auto type = static_cast<at::ScalarType>(dtype);
    if (outlining) return at::empty(list(sizes, rank), at::TensorOptions().dtype(type).device(at::kMeta));
    const auto options = at::TensorOptions().dtype(type).device(device(device_type, device_index));
    if (value == 0) return at::zeros(list(sizes, rank), options);
    return at::full(list(sizes, rank), value, options);
  });
}

int ctorch_arange(double start, double end, double step, int dtype, ctorch_tensor **out) {
  return produce(out, [&] { return at::arange(start, end, step, static_cast<at::ScalarType>(dtype)); });
}

int ctorch_eye(int64_t n, int dtype, ctorch_tensor **out) {
  return produce(out, [&] { return at::eye(n, static_cast<at::ScalarType>(dtype)); });
}

int64_t ctorch_rank(const ctorch_tensor *tensor) { return unwrap(tensor).dim(); }
int64_t ctorch_size(const ctorch_tensor *tensor, int64_t dimension) { return unwrap(tensor).sizes()[dimension]; }
int64_t ctorch_element_count(const ctorch_tensor *tensor) { return unwrap(tensor).numel(); }
int ctorch_dtype(const ctorch_tensor *tensor) { return static_cast<int>(unwrap(tensor).scalar_type()); }
int ctorch_device_type(const ctorch_tensor *tensor) { return static_cast<int>(unwrap(tensor).device().type()); }
int ctorch_device_index(const ctorch_tensor *tensor) { return std::max<int>(0, unwrap(tensor).device().index()); }

uintptr_t ctorch_address(const ctorch_tensor *tensor) {
  return reinterpret_cast<uintptr_t>(unwrap(tensor).const_data_ptr());
}

int ctorch_copy_out(const ctorch_tensor *tensor, void *data, int64_t byte_count) {
  return guarded([&] {
    const auto source = unwrap(tensor).detach().to(at::kCPU).contiguous();
    TORCH_CHECK(static_cast<int64_t>(source.nbytes()) == byte_count, "a tensor of ", source.nbytes(),
                " bytes does not fit a buffer of ", byte_count, " bytes");
    if (byte_count > 0) std::memcpy(data, source.const_data_ptr(), byte_count);
  });
}

int ctorch_item(const ctorch_tensor *tensor, double *out) {
  return guarded([&] { *out = unwrap(tensor).item().toDouble(); });
}

int ctorch_to_dtype(const ctorch_tensor *tensor, int dtype, ctorch_tensor **out) {
  return produce(out, [&] { return unwrap(tensor).to(static_cast<at::ScalarType>(dtype)); });
}

int ctorch_to_device(const ctorch_tensor *tensor, int device_type, int device_index, ctorch_tensor **out) {
  return produce(out, [&] { return unwrap(tensor).to(device(device_type, device_index)); });
}
