#if !__has_include(<ATen/ATen.h>)
#error "libtorch was not found: run scripts/bootstrap, or set LIBTORCH to an unpacked libtorch 2.11."
#endif
#include <ATen/ATen.h>
extern "C" long ctorch_probe() { return at::ones({2}).numel(); }
