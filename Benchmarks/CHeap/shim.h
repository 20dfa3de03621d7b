// What the C library's allocator has handed out.
#pragma once

#include <stdint.h>

#if defined(__APPLE__)
#include <malloc/malloc.h>
#else
#include <malloc.h>
#endif

/// The bytes in use, or −1 where the allocator does not tell.
static inline int64_t heap_bytes(void) {
#if defined(__APPLE__)
  malloc_statistics_t statistics;
  malloc_zone_statistics(0, &statistics);
  return (int64_t)statistics.size_in_use;
#elif defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
  const struct mallinfo2 info = mallinfo2();
  return (int64_t)(info.uordblks + info.hblkhd);
#else
  return -1;
#endif
}

/// Gives memory that is not in use back to the system, where the allocator can.
static inline void heap_trim(void) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}
