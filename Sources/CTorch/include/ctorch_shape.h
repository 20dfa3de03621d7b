// Views, joins, selections.
#pragma once

#include "ctorch_base.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

CTORCH_API int ctorch_reshape(const ctorch_tensor *x, const int64_t *_Nullable sizes, int64_t rank,
                              ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_expand(const ctorch_tensor *x, const int64_t *_Nullable sizes, int64_t rank,
                             ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_permute(const ctorch_tensor *x, const int64_t *_Nullable dimensions, int64_t rank,
                              ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_transpose(const ctorch_tensor *x, int64_t first, int64_t second,
                                ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_unsqueeze(const ctorch_tensor *x, int64_t dimension, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_squeeze(const ctorch_tensor *x, int64_t dimension, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_contiguous(const ctorch_tensor *x, ctorch_tensor *_Nullable *_Nonnull out);
/// A copy (or the tensor itself) with channels innermost in memory; shape and values are unchanged. Rank 4 only.
CTORCH_API int ctorch_channels_last(const ctorch_tensor *x, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_cat(const ctorch_tensor *_Nonnull const *_Nonnull tensors, int64_t count, int64_t dimension,
                          ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_stack(const ctorch_tensor *_Nonnull const *_Nonnull tensors, int64_t count, int64_t dimension,
                            ctorch_tensor *_Nullable *_Nonnull out);
/// Cuts x along `dimension` into `count` views of the given lengths, which must add up to its size there.
CTORCH_API int ctorch_split(const ctorch_tensor *x, const int64_t *lengths, int64_t count, int64_t dimension,
                            ctorch_tensor *_Nullable *_Nonnull out);
/// Joins the elements of all tensors, each in row-major order, in one vector.
CTORCH_API int ctorch_flatten_all(const ctorch_tensor *_Nonnull const *_Nonnull tensors, int64_t count,
                                  ctorch_tensor *_Nullable *_Nonnull out);
/// Cuts a vector into tensors shaped like the given ones: the inverse of ctorch_flatten_all. The results are views.
CTORCH_API int ctorch_unflatten_like(const ctorch_tensor *vector, const ctorch_tensor *_Nonnull const *_Nonnull like,
                                     int64_t count, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_slice(const ctorch_tensor *x, int64_t dimension, int64_t start, int64_t end, int64_t step,
                            ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_select(const ctorch_tensor *x, int64_t dimension, int64_t index,
                             ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_index_select(const ctorch_tensor *x, int64_t dimension, const ctorch_tensor *indices,
                                   ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_gather(const ctorch_tensor *x, int64_t dimension, const ctorch_tensor *indices,
                             ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_flip(const ctorch_tensor *x, const int64_t *dimensions, int64_t count,
                           ctorch_tensor *_Nullable *_Nonnull out);
/// Pads with a constant; `padding` holds (before, after) pairs from the last dimension backwards.
CTORCH_API int ctorch_pad(const ctorch_tensor *x, const int64_t *padding, int64_t count, double value,
                          ctorch_tensor *_Nullable *_Nonnull out);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
