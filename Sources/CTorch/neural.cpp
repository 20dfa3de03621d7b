// Layers of neural networks as functions.
#include "support.h"

using namespace ctorch;

int ctorch_conv_transpose2d(const ctorch_tensor *x, const ctorch_tensor *weight, const ctorch_tensor *bias,
                            int64_t stride, int64_t padding, int64_t output_padding, ctorch_tensor **out) {
  return produce(out, [&] {
    if (output_padding == 0) {
      return at::conv_transpose2d(unwrap(x), unwrap(weight), unwrap_optional(bias), {stride, stride}, {padding, padding});
    }
    // The engine cannot differentiate output padding three times, but it can crop: `padding` pixels fall away from the
    // whole result at the start and `output_padding` fewer at the end.
    TORCH_CHECK(output_padding > 0 && output_padding < stride, "an output padding of ", output_padding,
                " does not go with a stride of ", stride);
    const auto whole = at::conv_transpose2d(unwrap(x), unwrap(weight), {}, {stride, stride});
    const int64_t end = output_padding - padding;
    const auto result = at::constant_pad_nd(whole, {-padding, end, -padding, end});
    return bias ? result + unwrap(bias).view({-1, 1, 1}) : result;
  });
}

int ctorch_layer_norm(const ctorch_tensor *x, int64_t normalized_rank, const ctorch_tensor *weight,
                      const ctorch_tensor *bias, double epsilon, ctorch_tensor **out) {
  return produce(out, [&] {
    const auto sizes = unwrap(x).sizes();
    TORCH_CHECK(normalized_rank >= 1 && normalized_rank <= static_cast<int64_t>(sizes.size()), "cannot normalise ",
                normalized_rank, " dimensions of a tensor of shape ", sizes);
    // Not at::layer_norm: its third derivative is wrong, because the second takes mean and deviation for constants. One
    // group of one channel is the same sum, and its derivatives are right to any order.
    const auto shape = sizes.slice(sizes.size() - normalized_rank);
    for (const auto *affine : {weight, bias}) {
      TORCH_CHECK(!affine || unwrap(affine).sizes() == shape, "weight and bias must have the normalised shape ", shape);
    }
    const int64_t length = c10::multiply_integers(shape);
    const int64_t rows = c10::multiply_integers(sizes.slice(0, sizes.size() - normalized_rank));
    if (unwrap(x).numel() == 0) return unwrap(x).clone();
    auto result = at::group_norm(unwrap(x).reshape({rows, 1, length}), 1, {}, {}, epsilon).view(sizes);
    if (weight && bias) return at::addcmul(unwrap(bias), result, unwrap(weight));
    if (weight) return result * unwrap(weight);
    return bias ? result + unwrap(bias) : result;
  });
}

int ctorch_softmax(const ctorch_tensor *x, int64_t dimension, ctorch_tensor **out) {
  return produce(out, [&] { return at::softmax(unwrap(x), dimension); });
}

int ctorch_log_softmax(const ctorch_tensor *x, int64_t dimension, ctorch_tensor **out) {
  return produce(out, [&] { return at::log_softmax(unwrap(x), dimension); });
}

int ctorch_upsample_nearest2d(const ctorch_tensor *x, int64_t height, int64_t width, ctorch_tensor **out) {
  return produce(out, [&] { return at::upsample_nearest2d(unwrap(x), {height, width}); });
}

int ctorch_upsample_bicubic2d(const ctorch_tensor *x, int64_t height, int64_t width, ctorch_tensor **out) {
  return produce(out, [&] { return at::upsample_bicubic2d(unwrap(x), {height, width}, /*align_corners=*/false); });
}

int ctorch_upsample_bilinear2d(const ctorch_tensor *x, int64_t height, int64_t width, ctorch_tensor **out) {
  return produce(out, [&] { return at::upsample_bilinear2d(unwrap(x), {height, width}, /*align_corners=*/false); });
}

int ctorch_avg_pool2d(const ctorch_tensor *x, int64_t kernel, int64_t stride, int64_t padding, ctorch_tensor **out) {
  return produce(out, [&] { return at::avg_pool2d(unwrap(x), {kernel, kernel}, {stride, stride}, {padding, padding}); });
}
