// Included before any header of libtorch: says what to do if there are none.
#pragma once

#if !__has_include(<ATen/ATen.h>)
// A fatal error, so that it is the only one: clang would go on to the next header and complain about that one too.
#pragma clang diagnostic fatal "-W#warnings"
#warning libtorch was not found. Run scripts/bootstrap, or set LIBTORCH to an unpacked libtorch 2.11 or to the torch folder of an installed PyTorch 2.11.
#endif

#include <torch/headeronly/version.h>

static_assert(TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR == 11,
              "ScoreKit needs libtorch 2.11: run scripts/bootstrap, or point LIBTORCH at that version.");
