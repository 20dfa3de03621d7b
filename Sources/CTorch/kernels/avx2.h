// For loops that are compiled twice: for any processor, and for those with AVX2.
#pragma once

#if defined(__x86_64__) && defined(__clang__)
#define CTORCH_AVX2 __attribute__((target("avx2,fma")))
#define CTORCH_HAS_AVX2 __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
#else
#define CTORCH_AVX2
#define CTORCH_HAS_AVX2 false
#endif

namespace ctorch {

inline const bool has_avx2 = CTORCH_HAS_AVX2;

}  // namespace ctorch
