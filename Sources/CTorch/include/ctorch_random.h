// Counter-based random numbers: Philox-4×32-10 (Salmon et al. 2011), the engine that libtorch uses on GPUs.
#pragma once

#include "ctorch_base.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// Fills a CPU tensor of shape [key_count, sizes…] (or `sizes` alone if `batched` is false, with one key): row i is
/// drawn from the stream (keys[i], stream) starting at block `offset`. A block gives four 32-bit or two 64-bit numbers.
CTORCH_API int ctorch_normal(const uint64_t *keys, int64_t key_count, bool batched, uint64_t stream, uint64_t offset,
                             int dtype, const int64_t *_Nullable sizes, int64_t rank,
                             ctorch_tensor *_Nullable *_Nonnull out);
/// The same for the uniform distribution on [0, 1).
CTORCH_API int ctorch_uniform(const uint64_t *keys, int64_t key_count, bool batched, uint64_t stream, uint64_t offset,
                              int dtype, const int64_t *_Nullable sizes, int64_t rank,
                              ctorch_tensor *_Nullable *_Nonnull out);
/// The number of blocks that one row of `element_count` elements uses up.
CTORCH_API uint64_t ctorch_random_blocks(int64_t element_count, int dtype);
/// The 64 bits at block `offset` of a stream.
CTORCH_API uint64_t ctorch_random_bits(uint64_t key, uint64_t stream, uint64_t offset);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
