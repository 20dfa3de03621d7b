// Decompositions, sparse products, and the vector updates of iterative solvers.
#pragma once

#include "ctorch_base.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// The thin singular value decomposition x = U·diag(s)·Vᵀ: U, s and Vᵀ.
CTORCH_API int ctorch_svd(const ctorch_tensor *x, ctorch_tensor *_Nullable *_Nonnull out);
/// The lower Cholesky factor; an error if x is not positive definite.
CTORCH_API int ctorch_cholesky(const ctorch_tensor *x, ctorch_tensor *_Nullable *_Nonnull out);
/// X with L·X = B or, transposed, Lᵀ·X = B, for a lower triangular L.
CTORCH_API int ctorch_solve_lower(const ctorch_tensor *factor, const ctorch_tensor *b, bool transposed,
                                  ctorch_tensor *_Nullable *_Nonnull out);
CTORCH_API int ctorch_diagonal(const ctorch_tensor *x, ctorch_tensor *_Nullable *_Nonnull out);
/// The product of a matrix, or of its transpose, with a vector on all threads; its bits do not depend on their number.
/// Nothing is recorded.
CTORCH_API int ctorch_matrix_vector(const ctorch_tensor *matrix, bool transposed, const ctorch_tensor *vector,
                                    ctorch_tensor *_Nullable *_Nonnull out);
/// The product of a sparse matrix in compressed rows with a vector; nothing is recorded.
CTORCH_API int ctorch_csr_product(const ctorch_tensor *row_offsets, const ctorch_tensor *columns,
                                  const ctorch_tensor *values, int64_t row_count, int64_t column_count,
                                  const ctorch_tensor *x, ctorch_tensor *_Nullable *_Nonnull out);

/// ‖x‖₂ of all elements, summed in double precision in an order that does not depend on the number of threads, without
/// overflow.
CTORCH_API int ctorch_euclidean_norm(const ctorch_tensor *x, double *norm);
/// a·x + b·y and its norm, in one pass and without a record. The result reuses y's memory if `consumes_y` is true (the
/// caller owns the only handle) and nothing else refers to the memory.
CTORCH_API int ctorch_combine(double a, const ctorch_tensor *x, double b, const ctorch_tensor *y, bool consumes_y,
                              double *norm, ctorch_tensor *_Nullable *_Nonnull out);
/// a·x where a mask is true and y elsewhere, and the norm of x where it is true, in one pass and without a record.
CTORCH_API int ctorch_replace_scaled(const ctorch_tensor *mask, double a, const ctorch_tensor *x,
                                     const ctorch_tensor *y, double *norm, ctorch_tensor *_Nullable *_Nonnull out);
/// Three updates in one pass: g ← h + p·g, x ← x + q·g, h ← r·v + s·h for `vectors` = g, x, h; `norm` is ‖x‖₂ of the
/// new x. Memory is reused as in ctorch_combine.
CTORCH_API int ctorch_advance(const ctorch_tensor *_Nonnull const *_Nonnull vectors, const bool *consumes,
                              const ctorch_tensor *v, double p, double q, double r, double s, double *norm,
                              ctorch_tensor *_Nullable *_Nonnull out);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
