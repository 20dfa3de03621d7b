// Automatic differentiation.
#pragma once

#include "ctorch_base.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// The derivative of a custom function: fills `input_gradients` (owned by its caller; null means zero) from
/// `output_gradients` (borrowed). On failure it returns false and stores an error object in `error`. The error object
/// is passed to the callback's `release_error` when it is no longer referred to.
typedef bool (*ctorch_backward)(void *context, ctorch_tensor *_Nonnull const *_Nonnull output_gradients,
                                int64_t output_count, ctorch_tensor *_Nullable *_Nonnull input_gradients,
                                int64_t input_count, void *_Nullable *_Nonnull error);

CTORCH_API bool ctorch_gradients_enabled(void);
CTORCH_API void ctorch_set_gradients_enabled(bool enabled);
CTORCH_API bool ctorch_requires_grad(const ctorch_tensor *x);
/// The engine's name of the recorded operation that made x, empty without one; valid until this thread's next call.
CTORCH_API const char *ctorch_record_name(const ctorch_tensor *x);
CTORCH_API int ctorch_detach(const ctorch_tensor *x, ctorch_tensor *_Nullable *_Nonnull out);
/// A new leaf that shares x's elements; operations on it are recorded.
CTORCH_API int ctorch_leaf(const ctorch_tensor *x, ctorch_tensor *_Nullable *_Nonnull out);

/// Gradients of Σ ⟨output, seed⟩ for each input. `seeds` may be null for scalar outputs. An input that the outputs do
/// not depend on gets a null in `out`.
CTORCH_API int ctorch_gradients(const ctorch_tensor *_Nonnull const *_Nonnull outputs, int64_t output_count,
                                const ctorch_tensor *_Nonnull const *_Nullable seeds,
                                const ctorch_tensor *_Nonnull const *_Nonnull inputs, int64_t input_count,
                                bool create_graph, bool retain_graph, ctorch_tensor *_Nullable *_Nonnull out);

/// Attaches a derivative to values that were computed without recording. `values` are borrowed; `out` receives as many
/// tensors. `context` is passed to `release_context` once, when the graph that refers to it is gone.
CTORCH_API int ctorch_custom_function(const ctorch_tensor *_Nonnull const *_Nonnull inputs, int64_t input_count,
                                      const ctorch_tensor *_Nonnull const *_Nonnull values, int64_t value_count,
                                      void *context, ctorch_backward backward, void (*release_context)(void *),
                                      void (*release_error)(void *), ctorch_tensor *_Nullable *_Nonnull out);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
