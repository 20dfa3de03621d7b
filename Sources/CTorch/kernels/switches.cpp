// Which of the kernels in this folder run.
#include "switches.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "../support.h"

namespace ctorch {

namespace {

constexpr const char *variable = "SCOREKIT_KERNELS_OFF";
constexpr std::array<const char *, 7> names = {
    "silu", "linear", "group-norm", "convolution", "vector-updates", "matrix-vector", "caching-allocator",
};
static_assert(names.size() == static_cast<size_t>(Kernel::caching_allocator) + 1);
constexpr uint32_t all = (1u << names.size()) - 1;

uint32_t bits_of(std::string_view name) {
  if (name == "all") return all;
  for (size_t i = 0; i < names.size(); ++i) {
    if (name == names[i]) return 1u << i;
  }
  if (!name.empty()) {
    std::string known;
    for (const auto *each : names) known += std::string(each) + ", ";
    std::fprintf(stderr, "note: %s names a kernel “%.*s” that does not exist; there are %sand all for every one\n", variable,
                 static_cast<int>(std::min<size_t>(name.size(), 100)), name.data(), known.c_str());
  }
  return 0;
}

/// The kernels that the environment turns off, one bit each.
uint32_t off_by_environment() {
  static const uint32_t off = [] {
    const char *const value = std::getenv(variable);
    uint32_t bits = 0;
    for (std::string_view rest = value ? value : ""; !rest.empty();) {
      const size_t end = std::min(rest.find(','), rest.size());
      bits |= bits_of(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return bits;
  }();
  return off;
}

thread_local uint32_t off_on_this_thread = off_by_environment();

}  // namespace

bool is_on(Kernel kernel) noexcept { return !(off_on_this_thread >> static_cast<unsigned>(kernel) & 1); }

}  // namespace ctorch

int64_t ctorch_kernel_count(void) { return static_cast<int64_t>(ctorch::names.size()); }
const char *ctorch_kernel_name(int64_t index) { return ctorch::names[static_cast<size_t>(index)]; }
uint32_t ctorch_kernels_off(void) { return ctorch::off_on_this_thread; }
void ctorch_set_kernels_off(uint32_t bits) { ctorch::off_on_this_thread = bits; }
