// Counter-based random numbers: Philox-4×32-10 (Salmon et al. 2011), in libtorch's implementation.
#include "libtorch.h"

#include <ATen/core/PhiloxRNGEngine.h>

#include <cmath>

#include "parallel.h"
#include "support.h"

using namespace ctorch;

namespace {

constexpr double kTwoPi = 6.283185307179586476925;

// Uniform on (0, 1]: the logarithm of it is finite.
inline float open_unit(uint32_t bits) { return (static_cast<float>(bits >> 8) + 1.0f) * 0x1p-24f; }
inline float unit(uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }
inline uint64_t join(uint32_t high, uint32_t low) { return (static_cast<uint64_t>(high) << 32) | low; }
inline double open_unit(uint64_t bits) { return (static_cast<double>(bits >> 11) + 1.0) * 0x1p-53; }
inline double unit(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

template <class Real>
void box_muller(Real u, Real v, Real *pair) {
  const Real radius = std::sqrt(Real(-2) * std::log(u));
  const Real angle = Real(kTwoPi) * v;
  pair[0] = radius * std::cos(angle);
  pair[1] = radius * std::sin(angle);
}

struct Normal {
  static void fill(const uint32_t (&bits)[4], float *lanes) {
    box_muller(open_unit(bits[0]), unit(bits[1]), lanes);
    box_muller(open_unit(bits[2]), unit(bits[3]), lanes + 2);
  }
  static void fill(const uint32_t (&bits)[4], double *lanes) {
    box_muller(open_unit(join(bits[0], bits[1])), unit(join(bits[2], bits[3])), lanes);
  }
};

struct Uniform {
  static void fill(const uint32_t (&bits)[4], float *lanes) {
    for (int i = 0; i < 4; ++i) lanes[i] = unit(bits[i]);
  }
  static void fill(const uint32_t (&bits)[4], double *lanes) {
    lanes[0] = unit(join(bits[0], bits[1]));
    lanes[1] = unit(join(bits[2], bits[3]));
  }
};

template <class Real>
constexpr int64_t kLanes = sizeof(Real) == 4 ? 4 : 2;

template <class Distribution, class Real>
void fill_row(Real *row, int64_t count, uint64_t key, uint64_t stream, uint64_t offset) {
  constexpr int64_t lanes = kLanes<Real>;
  const int64_t blocks = (count + lanes - 1) / lanes;
  // The value at a position depends on its block's counter alone, so the cut between threads changes nothing.
  parallel_ranges(blocks, 2048, [&](int64_t begin, int64_t end) {
    at::Philox4_32 engine(key, stream, offset + static_cast<uint64_t>(begin));
    for (int64_t block = begin; block < end; ++block) {
      const uint32_t bits[4] = {engine(), engine(), engine(), engine()};
      Real values[lanes];
      Distribution::fill(bits, values);
      const int64_t start = block * lanes;
      for (int64_t i = 0; i < std::min(lanes, count - start); ++i) row[start + i] = values[i];
    }
  });
}

template <class Distribution>
int draw(const uint64_t *keys, int64_t key_count, bool batched, uint64_t stream, uint64_t offset, int dtype,
         const int64_t *sizes, int64_t rank, ctorch_tensor **out) {
  return produce(out, [&] {
    const auto type = static_cast<at::ScalarType>(dtype);
    TORCH_CHECK(type == at::kFloat || type == at::kDouble, "random numbers are drawn as float32 or float64, not as ",
                type);
    std::vector<int64_t> shape;
    if (batched) shape.push_back(key_count);
    shape.insert(shape.end(), sizes, sizes + rank);
    if (is_outlining()) return at::empty(shape, at::TensorOptions().dtype(type).device(at::kMeta));
    auto result = at::empty(shape, type);
    const int64_t count = key_count == 0 ? 0 : result.numel() / key_count;
    for (int64_t i = 0; i < key_count; ++i) {
      if (type == at::kFloat) {
        fill_row<Distribution>(result.mutable_data_ptr<float>() + i * count, count, keys[i], stream, offset);
      } else {
        fill_row<Distribution>(result.mutable_data_ptr<double>() + i * count, count, keys[i], stream, offset);
      }
    }
    return result;
  });
}

}  // namespace

int ctorch_normal(const uint64_t *keys, int64_t key_count, bool batched, uint64_t stream, uint64_t offset, int dtype,
                  const int64_t *sizes, int64_t rank, ctorch_tensor **out) {
  return draw<Normal>(keys, key_count, batched, stream, offset, dtype, sizes, rank, out);
}

int ctorch_uniform(const uint64_t *keys, int64_t key_count, bool batched, uint64_t stream, uint64_t offset, int dtype,
                   const int64_t *sizes, int64_t rank, ctorch_tensor **out) {
  return draw<Uniform>(keys, key_count, batched, stream, offset, dtype, sizes, rank, out);
}

uint64_t ctorch_random_blocks(int64_t element_count, int dtype) {
  const int64_t lanes = dtype == CTORCH_FLOAT64 ? kLanes<double> : kLanes<float>;
  return static_cast<uint64_t>((element_count + lanes - 1) / lanes);
}

uint64_t ctorch_random_bits(uint64_t key, uint64_t stream, uint64_t offset) {
  at::Philox4_32 engine(key, stream, offset);
  const uint32_t high = engine();
  return join(high, engine());
}
