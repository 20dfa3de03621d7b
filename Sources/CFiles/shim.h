// What the system offers and Swift's view of the C library leaves out.
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#ifdef __linux__
#include <fcntl.h>
#include <sys/syscall.h>
#endif

/// Exchanges what two paths name, in one step; 0, or -1 with errno set.
static inline int cfiles_exchange(const char *one, const char *other) {
#if defined(__linux__) && defined(SYS_renameat2)
  return (int)syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2 /* RENAME_EXCHANGE */);
#elif defined(__APPLE__)
  return renamex_np(one, other, 0x00000002 /* RENAME_SWAP */);
#else
  errno = ENOSYS;
  return -1;
#endif
}

/// Writes what is still buffered of standard output; 0, or the error number if any of it was not written, ever.
static inline int cfiles_flush_output(void) {
  const int had_failed = ferror(stdout);
  if (fflush(stdout) != 0) return errno;
  return had_failed ? EIO : 0;
}
