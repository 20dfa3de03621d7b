// Status codes, tensor handles, creation, inspection, devices and threads.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
#define CTORCH_API extern "C"
#else
#define CTORCH_API extern
#endif

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

typedef struct ctorch_tensor ctorch_tensor;

enum { CTORCH_OK = 0, CTORCH_ENGINE_ERROR = 1, CTORCH_CALLBACK_ERROR = 2 };

/// Element types, in the engine's own numbering.
enum {
  CTORCH_UINT8 = 0,
  CTORCH_INT32 = 3,
  CTORCH_INT64 = 4,
  CTORCH_FLOAT16 = 5,
  CTORCH_FLOAT32 = 6,
  CTORCH_FLOAT64 = 7,
  CTORCH_BOOL = 11,
  CTORCH_BFLOAT16 = 15,
};

/// Device types, in the engine's own numbering.
enum { CTORCH_CPU = 0, CTORCH_CUDA = 1, CTORCH_MPS = 13 };

/// The text of this thread's last engine error; valid until this thread's next failing call.
CTORCH_API const char *ctorch_error_message(void);
/// The Swift error object behind this thread's last CTORCH_CALLBACK_ERROR, borrowed until ctorch_clear_error.
CTORCH_API void *_Nullable ctorch_callback_error(void);
CTORCH_API void ctorch_clear_error(void);

/// The number of tensor handles that are alive in this process.
CTORCH_API int64_t ctorch_live_handles(void);
/// The number of handles that this thread made minus the number that it freed.
CTORCH_API int64_t ctorch_live_handles_of_thread(void);
CTORCH_API void ctorch_free(ctorch_tensor *tensor);
/// Another handle to the same tensor.
CTORCH_API int ctorch_alias(const ctorch_tensor *tensor, ctorch_tensor *_Nullable *_Nonnull out);

/// The version of libtorch at compile time, such as "2.11.0".
CTORCH_API const char *ctorch_version(void);
CTORCH_API int ctorch_thread_count(void);
CTORCH_API int ctorch_set_thread_count(int count);
/// Loads the engine's CUDA library from the folder that holds libtorch_cpu, if it is not loaded yet. Call it before the
/// first use of tensors: later calls fail, because the engine looks for CUDA only once.
CTORCH_API int ctorch_load_cuda(void);
CTORCH_API int ctorch_device_count(int device_type, int64_t *out);
/// Keeps freed memory for later tensors instead of returning it to the system: blocks of 1 MiB and more by size, up to
/// 1 GiB in all; with glibc, smaller blocks are kept by the C library.
CTORCH_API void ctorch_keep_freed_memory(void);

// Creation
CTORCH_API int ctorch_from_data(const void *data, int64_t byte_count, int dtype, const int64_t *_Nullable sizes,
                                int64_t rank, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_full(double value, int dtype, const int64_t *_Nullable sizes, int64_t rank, int device_type,
                           int device_index, ctorch_tensor *_Nullable *_Nonnull out);
/// Whether tensors of one value and of random numbers are made without memory on this thread: they have only a shape
/// and an element type, on the engine's "meta" device.
CTORCH_API bool ctorch_outlining(void);
CTORCH_API void ctorch_set_outlining(bool enabled);
CTORCH_API int ctorch_arange(double start, double end, double step, int dtype, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_eye(int64_t n, int dtype, ctorch_tensor *_Nullable *_Nonnull out);

// Inspection
CTORCH_API int64_t ctorch_rank(const ctorch_tensor *tensor);
CTORCH_API int64_t ctorch_size(const ctorch_tensor *tensor, int64_t dimension);
CTORCH_API int64_t ctorch_element_count(const ctorch_tensor *tensor);
CTORCH_API int ctorch_dtype(const ctorch_tensor *tensor);
CTORCH_API int ctorch_device_type(const ctorch_tensor *tensor);
CTORCH_API int ctorch_device_index(const ctorch_tensor *tensor);
/// The address of the first element.
CTORCH_API uintptr_t ctorch_address(const ctorch_tensor *tensor);
/// Copies the elements in row-major order to `data`, which has room for `byte_count` bytes, exactly the tensor's size.
CTORCH_API int ctorch_copy_out(const ctorch_tensor *tensor, void *data, int64_t byte_count);
CTORCH_API int ctorch_item(const ctorch_tensor *tensor, double *out);

// Conversion
CTORCH_API int ctorch_to_dtype(const ctorch_tensor *tensor, int dtype, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_to_device(const ctorch_tensor *tensor, int device_type, int device_index,
                                ctorch_tensor *_Nullable *_Nonnull out);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
