// The variable that OpenMP reads when it is loaded, which is before main.
//
// OpenMP's threads wait for each other by spinning, for milliseconds. If another program needs the processor too, this time
// is lost: a run beside another run was nine times slower than with a short spin, which costs nothing if the processor is free.
// The runtime has no function for it, only the variable GOMP_SPINCOUNT. Setting the variable early enough does not work: the
// C library overwrites what functions of .preinit_array set, and Swift finds a program's arguments by where the environment
// lies, which must not move before Swift has looked. So the program has a getenv of its own, which knows the answer.
#include "ctorch_environment.h"

#ifdef __linux__

#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

// No constructors: these are used before those of this program run.
namespace {
constexpr const char *name_of_spin_count = "GOMP_SPINCOUNT";
char spin_count[] = "2000";

using Getenv = char *(*)(const char *);
std::atomic<Getenv> library_getenv{nullptr};
/// Whether anybody, which is OpenMP, was told the spin count.
std::atomic<bool> was_told{false};

/// The C library's getenv.
char *find(const char *name) {
  Getenv function = library_getenv.load(std::memory_order_relaxed);
  if (!function) {
    function = reinterpret_cast<Getenv>(dlsym(RTLD_NEXT, "getenv"));
    library_getenv.store(function, std::memory_order_relaxed);
  }
  if (function) return function(name);
  const size_t length = std::strlen(name);
  for (char **entry = environ; entry && *entry; ++entry) {
    if (std::strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
  }
  return nullptr;
}

/// Whether the user has set the variable, or the other one with its meaning.
bool user_has_decided() { return find(name_of_spin_count) || find("OMP_WAIT_POLICY"); }
}  // namespace

// Weak: a program may have one of its own.
extern "C" __attribute__((weak, visibility("default"))) char *getenv(const char *name) noexcept {
  if (std::strcmp(name, name_of_spin_count) != 0 || user_has_decided()) return find(name);
  was_told = true;
  return spin_count;
}

bool ctorch_set_spin_count(void) {
  if (user_has_decided()) return false;
  return setenv(name_of_spin_count, spin_count, /*overwrite=*/0) == 0 && !was_told;
}

#else

bool ctorch_set_spin_count(void) { return false; }

#endif
