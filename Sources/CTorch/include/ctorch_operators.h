// Elementwise operators, comparisons, reductions, products of matrices.
#pragma once

#include "ctorch_base.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

#define CTORCH_UNARY_OPERATORS(X)                                                                                     \
  X(neg) X(abs) X(sign) X(exp) X(expm1) X(log) X(log1p) X(sqrt) X(rsqrt) X(square) X(reciprocal) X(sin) X(cos)        \
  X(tanh) X(erf) X(erfinv) X(sigmoid) X(relu) X(mish) X(floor) X(ceil) X(round) X(isfinite) X(logical_not)

#define CTORCH_BINARY_OPERATORS(X)                                                                                    \
  X(add) X(sub) X(mul) X(div) X(pow) X(maximum) X(minimum) X(atan2) X(eq) X(ne) X(lt) X(le) X(gt) X(ge)               \
  X(logical_and) X(logical_or) X(matmul)

#define CTORCH_SCALAR_OPERATORS(X) X(add) X(mul) X(div) X(pow) X(rsub) X(eq) X(ne) X(lt) X(le) X(gt) X(ge)

#define CTORCH_DECLARE_UNARY(name)                                                                                    \
  CTORCH_API int ctorch_##name(const ctorch_tensor *x, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_UNARY_OPERATORS(CTORCH_DECLARE_UNARY)
#undef CTORCH_DECLARE_UNARY

#define CTORCH_DECLARE_BINARY(name)                                                                                   \
  CTORCH_API int ctorch_##name(const ctorch_tensor *x, const ctorch_tensor *y, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_BINARY_OPERATORS(CTORCH_DECLARE_BINARY)
#undef CTORCH_DECLARE_BINARY

// With a whole-numbered scalar, a tensor of integers stays a tensor of integers.
#define CTORCH_DECLARE_SCALAR(name)                                                                                   \
  CTORCH_API int ctorch_##name##_scalar(const ctorch_tensor *x, double y, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_SCALAR_OPERATORS(CTORCH_DECLARE_SCALAR)
#undef CTORCH_DECLARE_SCALAR

CTORCH_API int ctorch_gelu(const ctorch_tensor *x, bool tanh_approximation, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_softplus(const ctorch_tensor *x, double beta, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_clamp(const ctorch_tensor *x, double low, double high, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_where(const ctorch_tensor *mask, const ctorch_tensor *x, const ctorch_tensor *y,
                            ctorch_tensor *_Nullable *_Nonnull out);
/// x + weight·(y − x).
CTORCH_API int ctorch_lerp(const ctorch_tensor *x, const ctorch_tensor *y, double weight,
                           ctorch_tensor *_Nullable *_Nonnull out);
/// x + value·y·z.
CTORCH_API int ctorch_addcmul(const ctorch_tensor *x, const ctorch_tensor *y, const ctorch_tensor *z, double value,
                              ctorch_tensor *_Nullable *_Nonnull out);
/// One step of Adam in one pass and without a record: the update of the parameters, then the new first and second moments.
CTORCH_API int ctorch_adam(const ctorch_tensor *gradient, const ctorch_tensor *first, const ctorch_tensor *second,
                           int64_t step, double learning_rate, double beta1, double beta2, double epsilon,
                           ctorch_tensor *_Nullable *_Nonnull out);

#define CTORCH_REDUCTIONS(X) X(sum) X(mean) X(amax) X(amin) X(logsumexp)
#define CTORCH_DECLARE_REDUCTION(name)                                                                                \
  CTORCH_API int ctorch_##name(const ctorch_tensor *x, const int64_t *_Nullable dimensions, int64_t count,            \
                               bool keep, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_REDUCTIONS(CTORCH_DECLARE_REDUCTION)
#undef CTORCH_DECLARE_REDUCTION

/// The variance with the given correction (1 for the unbiased estimate).
CTORCH_API int ctorch_var(const ctorch_tensor *x, const int64_t *_Nullable dimensions, int64_t count, int correction,
                          bool keep, ctorch_tensor *_Nullable *_Nonnull out);
/// The k-th smallest of all elements, counted from 1.
CTORCH_API int ctorch_kth_smallest(const ctorch_tensor *x, int64_t k, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_all(const ctorch_tensor *x, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_any(const ctorch_tensor *x, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_argmax(const ctorch_tensor *x, int64_t dimension, bool keep,
                             ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_cumsum(const ctorch_tensor *x, int64_t dimension, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_argsort(const ctorch_tensor *x, int64_t dimension, bool descending,
                              ctorch_tensor *_Nullable *_Nonnull out);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
