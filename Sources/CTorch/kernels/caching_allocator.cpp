// An allocator that keeps large blocks for the next tensor of their size, and takes them in huge pages where there are any.
//
// Freed to the C library, a block of this kind either goes back to the system or, since it must be aligned, often does not fit
// a request of the size that it had: each new tensor then faults its pages in and has them cleared, which takes longer than to
// fill it. Iterative solvers and training steps ask for the same sizes again and again.
#include "../libtorch.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <sys/mman.h>
#endif

#include <deque>
#include <list>
#include <mutex>
#include <unordered_map>

#include "../support.h"
#include "switches.h"

using namespace ctorch;

namespace {

constexpr size_t smallest_kept = size_t(1) << 20;  // Below, the C library does well.
constexpr size_t most_kept = size_t(1) << 30;
constexpr size_t header_size = 64;  // Before the elements, which stay aligned: the size of the block.

constexpr size_t huge_page = size_t(1) << 21;
constexpr size_t smallest_mapped = 2 * huge_page;

size_t rounded(size_t size) { return (size + huge_page - 1) / huge_page * huge_page; }

/// New memory. Large blocks get whole huge pages, of which far fewer have to be faulted in and looked up.
void *obtain(size_t size) {
#ifdef __linux__
  if (size >= smallest_mapped) {
    const size_t whole = rounded(size);
    void *const mapping =
        mmap(nullptr, whole + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TORCH_CHECK(mapping != MAP_FAILED, "not enough memory: you tried to allocate ", size, " bytes");
    // Of what is mapped one huge page more than needed, the ends before and after the first boundary go back.
    const auto start = reinterpret_cast<uintptr_t>(mapping);
    const auto aligned = (start + huge_page - 1) / huge_page * huge_page;
    if (aligned > start) munmap(mapping, aligned - start);
    if (const size_t rest = start + huge_page - aligned) munmap(reinterpret_cast<void *>(aligned + whole), rest);
    void *const block = reinterpret_cast<void *>(aligned);
    madvise(block, whole, MADV_HUGEPAGE);
    return block;
  }
#endif
  return c10::alloc_cpu(size);
}

void give_back(void *block, size_t size) {
#ifdef __linux__
  if (size >= smallest_mapped) {
    munmap(block, rounded(size));
    return;
  }
#endif
  c10::free_cpu(block);
}

/// The kept blocks, of which those that were kept longest go first where there is no room.
struct Blocks {
  std::mutex mutex;
  struct Block {
    void *start;
    size_t size;
  };
  std::list<Block> in_order;
  std::unordered_map<size_t, std::deque<std::list<Block>::iterator>> by_size;
  size_t kept = 0;

  /// A kept block of the size, or null.
  void *take(size_t size) {
    const std::lock_guard lock(mutex);
    const auto found = by_size.find(size);
    if (found == by_size.end() || found->second.empty()) return nullptr;
    const auto newest = found->second.back();
    found->second.pop_back();
    void *const start = newest->start;
    in_order.erase(newest);
    kept -= size;
    return start;
  }

  /// Keeps a block, or says that it is to be freed.
  bool keep(void *block, size_t size) noexcept {
    try {
      const std::lock_guard lock(mutex);
      if (size > most_kept) return false;
      // Sizes that were kept for long without use must not keep new ones out.
      while (kept + size > most_kept) release_oldest();
      auto &same = by_size[size];
      const auto newest = in_order.insert(in_order.end(), {block, size});
      try {
        same.push_back(newest);
      } catch (...) {
        in_order.erase(newest);
        throw;
      }
      kept += size;
      return true;
    } catch (...) {
      return false;
    }
  }

  void release() {
    const std::lock_guard lock(mutex);
    while (!in_order.empty()) release_oldest();
  }

 private:
  /// Of one size, the oldest is the first.
  void release_oldest() {
    const auto [start, size] = in_order.front();
    const auto same = by_size.find(size);
    same->second.pop_front();
    if (same->second.empty()) by_size.erase(same);
    in_order.pop_front();
    kept -= size;
    give_back(start, size);
  }
};

/// Never destroyed: tensors may be freed after static objects are.
Blocks &blocks() {
  static auto *const instance = new Blocks;
  return *instance;
}

void free_block(void *data) {
  if (!data) return;
  void *block = static_cast<char *>(data) - header_size;
  const size_t size = *static_cast<size_t *>(block);
  if (size < smallest_kept || !blocks().keep(block, size)) give_back(block, size);
}

struct CachingAllocator final : at::Allocator {
  at::DataPtr allocate(size_t count) override {
    const auto device = at::Device(at::kCPU);
    if (count == 0) return {nullptr, nullptr, &free_block, device};
    TORCH_CHECK(count <= PTRDIFF_MAX - 2 * huge_page, "not enough memory: you tried to allocate ", count, " bytes");
    const size_t size = count + header_size;
    void *block = size >= smallest_kept ? blocks().take(size) : nullptr;
    if (!block) {
      try {
        block = obtain(size);
      } catch (const c10::Error &) {
        blocks().release();
        block = obtain(size);
      }
    }
    *static_cast<size_t *>(block) = size;
    void *data = static_cast<char *>(block) + header_size;
    return {data, data, &free_block, device};
  }

  at::DeleterFnPtr raw_deleter() const override { return &free_block; }

  void copy_data(void *to, const void *from, size_t count) const override { default_copy_data(to, from, count); }
};

}  // namespace

void ctorch_keep_freed_memory(void) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // The most that every version of glibc accepts.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
  if (!is_on(Kernel::caching_allocator)) return;
  static auto *const allocator = new CachingAllocator;
  c10::SetCPUAllocator(allocator, /*priority=*/1);
}
