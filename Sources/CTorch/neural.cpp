// Layers of neural networks as functions.
#include "support.h"

using namespace ctorch;

int ctorch_linear(const ctorch_tensor *x, const ctorch_tensor *weight, const ctorch_tensor *bias,
                  ctorch_tensor **out) {
  return produce(out, [&] { return at::linear(unwrap(x), unwrap(weight), unwrap_optional(bias)); });
}

int ctorch_conv2d(const ctorch_tensor *x, const ctorch_tensor *weight, const ctorch_tensor *bias, int64_t stride,
                  int64_t padding, int64_t dilation, int64_t groups, ctorch_tensor **out) {
  return produce(out, [&] {
    return at::conv2d(unwrap(x), unwrap(weight), unwrap_optional(bias), {stride, stride}, at::IntArrayRef({padding, padding}),
                      {dilation, dilation}, groups);
  });
}

int ctorch_conv_transpose2d(const ctorch_tensor *x, const ctorch_tensor *weight, const ctorch_tensor *bias,
                            int64_t stride, int64_t padding, int64_t output_padding, ctorch_tensor **out) {
  return produce(out, [&] {
    return at::conv_transpose2d(unwrap(x), unwrap(weight), unwrap_optional(bias), {stride, stride}, {padding, padding},
                                {output_padding, output_padding});
  });
}

int ctorch_group_norm(const ctorch_tensor *x, int64_t groups, const ctorch_tensor *weight, const ctorch_tensor *bias,
                      double epsilon, ctorch_tensor **out) {
  return produce(out,
                 [&] { return at::group_norm(unwrap(x), groups, unwrap_optional(weight), unwrap_optional(bias), epsilon); });
}

int ctorch_layer_norm(const ctorch_tensor *x, int64_t normalized_rank, const ctorch_tensor *weight,
                      const ctorch_tensor *bias, double epsilon, ctorch_tensor **out) {
  return produce(out, [&] {
    const auto sizes = unwrap(x).sizes();
    TORCH_CHECK(normalized_rank >= 1 && normalized_rank <= static_cast<int64_t>(sizes.size()), "cannot normalise ",
                normalized_rank, " dimensions of a tensor of shape ", sizes);
    return at::layer_norm(unwrap(x), sizes.slice(sizes.size() - normalized_rank), unwrap_optional(weight),
                          unwrap_optional(bias), epsilon);
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

int ctorch_upsample_bilinear2d(const ctorch_tensor *x, int64_t height, int64_t width, ctorch_tensor **out) {
  return produce(out, [&] { return at::upsample_bilinear2d(unwrap(x), {height, width}, /*align_corners=*/false); });
}

int ctorch_avg_pool2d(const ctorch_tensor *x, int64_t kernel, int64_t stride, int64_t padding, ctorch_tensor **out) {
  return produce(out, [&] { return at::avg_pool2d(unwrap(x), {kernel, kernel}, {stride, stride}, {padding, padding}); });
}
