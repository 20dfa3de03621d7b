// Views, joins, selections.
#include "support.h"

using namespace ctorch;

int ctorch_reshape(const ctorch_tensor *x, const int64_t *sizes, int64_t rank, ctorch_tensor **out) {
  return produce(out, [&] { return unwrap(x).reshape(list(sizes, rank)); });
}

int ctorch_expand(const ctorch_tensor *x, const int64_t *sizes, int64_t rank, ctorch_tensor **out) {
  return produce(out, [&] { return unwrap(x).expand(list(sizes, rank)); });
}

int ctorch_permute(const ctorch_tensor *x, const int64_t *dimensions, int64_t rank, ctorch_tensor **out) {
  return produce(out, [&] { return unwrap(x).permute(list(dimensions, rank)); });
}

int ctorch_transpose(const ctorch_tensor *x, int64_t first, int64_t second, ctorch_tensor **out) {
  return produce(out, [&] { return unwrap(x).transpose(first, second); });
}

int ctorch_unsqueeze(const ctorch_tensor *x, int64_t dimension, ctorch_tensor **out) {
  return produce(out, [&] { return unwrap(x).unsqueeze(dimension); });
}

int ctorch_squeeze(const ctorch_tensor *x, int64_t dimension, ctorch_tensor **out) {
  return produce(out, [&] { return unwrap(x).squeeze(dimension); });
}

int ctorch_contiguous(const ctorch_tensor *x, ctorch_tensor **out) {
  return produce(out, [&] { return unwrap(x).contiguous(); });
}

int ctorch_channels_last(const ctorch_tensor *x, ctorch_tensor **out) {
  return produce(out, [&] { return unwrap(x).contiguous(at::MemoryFormat::ChannelsLast); });
}

int ctorch_cat(const ctorch_tensor *const *tensors, int64_t count, int64_t dimension, ctorch_tensor **out) {
  return produce(out, [&] { return at::cat(unwrap_list(tensors, count), dimension); });
}

int ctorch_stack(const ctorch_tensor *const *tensors, int64_t count, int64_t dimension, ctorch_tensor **out) {
  return produce(out, [&] { return at::stack(unwrap_list(tensors, count), dimension); });
}

int ctorch_split(const ctorch_tensor *x, const int64_t *lengths, int64_t count, int64_t dimension,
                 ctorch_tensor **out) {
  return guarded([&] {
    wrap_all(at::split_with_sizes(unwrap(x), list(lengths, count), dimension), out);
  });
}

int ctorch_flatten_all(const ctorch_tensor *const *tensors, int64_t count, ctorch_tensor **out) {
  return produce(out, [&] {
    std::vector<at::Tensor> vectors;
    vectors.reserve(count);
    for (int64_t i = 0; i < count; ++i) vectors.push_back(unwrap(tensors[i]).reshape({-1}));
    return at::cat(vectors);
  });
}

int ctorch_unflatten_like(const ctorch_tensor *vector, const ctorch_tensor *const *like, int64_t count,
                          ctorch_tensor **out) {
  return guarded([&] {
    const auto &whole = unwrap(vector);
    int64_t total = 0;
    for (int64_t i = 0; i < count; ++i) total += unwrap(like[i]).numel();
    TORCH_CHECK(whole.dim() == 1 && whole.numel() == total, "a tensor of shape ", whole.sizes(),
                " cannot be cut into ", count, " tensors of ", total, " elements in all");
    std::vector<int64_t> lengths;
    lengths.reserve(count);
    for (int64_t i = 0; i < count; ++i) lengths.push_back(unwrap(like[i]).numel());
    // One operation: the gradients of slices would each be a vector of the whole length.
    auto parts = whole.split_with_sizes(lengths);
    for (int64_t i = 0; i < count; ++i) parts[i] = parts[i].view(unwrap(like[i]).sizes());
    wrap_all(std::move(parts), out);
  });
}

int ctorch_slice(const ctorch_tensor *x, int64_t dimension, int64_t start, int64_t end, int64_t step,
                 ctorch_tensor **out) {
  return produce(out, [&] { return unwrap(x).slice(dimension, start, end, step); });
}

int ctorch_select(const ctorch_tensor *x, int64_t dimension, int64_t index, ctorch_tensor **out) {
  return produce(out, [&] { return unwrap(x).select(dimension, index); });
}

int ctorch_index_select(const ctorch_tensor *x, int64_t dimension, const ctorch_tensor *indices, ctorch_tensor **out) {
  return produce(out, [&] { return at::index_select(unwrap(x), dimension, unwrap(indices)); });
}

int ctorch_gather(const ctorch_tensor *x, int64_t dimension, const ctorch_tensor *indices, ctorch_tensor **out) {
  return produce(out, [&] { return at::gather(unwrap(x), dimension, unwrap(indices)); });
}

int ctorch_flip(const ctorch_tensor *x, const int64_t *dimensions, int64_t count, ctorch_tensor **out) {
  return produce(out, [&] { return at::flip(unwrap(x), list(dimensions, count)); });
}

int ctorch_pad(const ctorch_tensor *x, const int64_t *padding, int64_t count, double value, ctorch_tensor **out) {
  return produce(out, [&] { return at::constant_pad_nd(unwrap(x), list(padding, count), value); });
}
