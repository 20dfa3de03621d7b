// Decompositions and sparse products.
#include "libtorch.h"

#include <ATen/core/grad_mode.h>

#include "support.h"

using namespace ctorch;

namespace {

/// Drops warnings: libtorch tells everyone who uses a sparse tensor that they are in beta.
struct Quiet : c10::WarningHandler {
  void process(const c10::Warning &) override {}
};

}  // namespace

int ctorch_svd(const ctorch_tensor *x, ctorch_tensor **out) {
  return guarded([&] {
    auto [u, s, vt] = at::linalg_svd(unwrap(x), /*full_matrices=*/false);
    wrap_all({u, s, vt}, out);
  });
}

int ctorch_cholesky(const ctorch_tensor *x, ctorch_tensor **out) {
  return produce(out, [&] { return at::linalg_cholesky(unwrap(x)); });
}

int ctorch_solve_lower(const ctorch_tensor *factor, const ctorch_tensor *b, bool transposed, ctorch_tensor **out) {
  return produce(out, [&] {
    const auto &l = unwrap(factor);
    return transposed ? at::linalg_solve_triangular(l.mT(), unwrap(b), /*upper=*/true)
                      : at::linalg_solve_triangular(l, unwrap(b), /*upper=*/false);
  });
}

int ctorch_diagonal(const ctorch_tensor *x, ctorch_tensor **out) {
  return produce(out, [&] { return at::diagonal(unwrap(x)); });
}

int ctorch_csr_product(const ctorch_tensor *row_offsets, const ctorch_tensor *columns, const ctorch_tensor *values,
                       int64_t row_count, int64_t column_count, const ctorch_tensor *x, ctorch_tensor **out) {
  return produce(out, [&] {
    const at::NoGradGuard unrecorded;
    Quiet quiet;
    const c10::WarningUtils::WarningHandlerGuard guard(&quiet);
    // The caller has checked the structure once; checking it for each product would cost as much as the product.
    const auto matrix = at::_sparse_csr_tensor_unsafe(
        unwrap(row_offsets), unwrap(columns), unwrap(values), {row_count, column_count},
        unwrap(values).options().layout(at::kSparseCsr));
    return at::mv(matrix, unwrap(x));
  });
}
