// Layers of neural networks as functions.
#pragma once

#include "ctorch_base.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

CTORCH_API int ctorch_linear(const ctorch_tensor *x, const ctorch_tensor *weight, const ctorch_tensor *_Nullable bias,
                             ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_conv2d(const ctorch_tensor *x, const ctorch_tensor *weight, const ctorch_tensor *_Nullable bias,
                             int64_t stride, int64_t padding, int64_t dilation, int64_t groups,
                             ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_conv_transpose2d(const ctorch_tensor *x, const ctorch_tensor *weight,
                                       const ctorch_tensor *_Nullable bias, int64_t stride, int64_t padding,
                                       int64_t output_padding, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_group_norm(const ctorch_tensor *x, int64_t groups, const ctorch_tensor *_Nullable weight,
                                 const ctorch_tensor *_Nullable bias, double epsilon,
                                 ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_layer_norm(const ctorch_tensor *x, int64_t normalized_rank, const ctorch_tensor *_Nullable weight,
                                 const ctorch_tensor *_Nullable bias, double epsilon,
                                 ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_silu(const ctorch_tensor *x, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_softmax(const ctorch_tensor *x, int64_t dimension, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_log_softmax(const ctorch_tensor *x, int64_t dimension, ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_upsample_nearest2d(const ctorch_tensor *x, int64_t height, int64_t width,
                                         ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_upsample_bicubic2d(const ctorch_tensor *x, int64_t height, int64_t width,
                                         ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_upsample_bilinear2d(const ctorch_tensor *x, int64_t height, int64_t width,
                                          ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_avg_pool2d(const ctorch_tensor *x, int64_t kernel, int64_t stride, int64_t padding,
                                 ctorch_tensor *_Nullable *_Nonnull out);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
