"""Least-squares problems of Benchmarks/Cases/LeastSquaresSolveCases.swift by the LSMR of SciPy, matfree and lineax.

The numbers come in NumPy's files, and so does ScoreKit's solution, which must be the same.
"""

import os

import numpy


def load(folder, name):
    return numpy.load(os.path.join(folder, name + ".npy"))


def make(name, folder):
    kind, dtype, package = name.split("-")
    solve = {"scipy": scipy_solver, "matfree": matfree_solver, "lineax": lineax_solver}[package](
        kind, dtype, folder, float(load(folder, "tolerance")[0]))
    x, count = solve()
    expected = load(folder, "x")
    error = numpy.linalg.norm(x - expected) / numpy.linalg.norm(expected)
    # Where both stop, the residual is small, and x is off by up to the condition number, about 10, times that.
    if not error < 1e3 * float(load(folder, "tolerance")[0]):
        raise SystemExit(f"{name}: the solutions differ by {error:.1e}: they are not the same")

    def run(iterations):
        for _ in range(iterations):
            solve()

    return int(count), run


def scipy_solver(kind, dtype, folder, tolerance):
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import lsmr

    b = load(folder, "b")
    if kind == "dense":
        a = load(folder, "matrix")
    else:
        rows, columns, offsets = sparse_structure(folder)
        a = csr_array((load(folder, "values"), columns, offsets), shape=rows)

    def solve():
        x, _, count = lsmr(a, b, atol=tolerance, btol=tolerance, conlim=1e8, maxiter=10 * min(a.shape))[:3]
        return x, count

    return solve


def sparse_structure(folder):
    shape = tuple(int(n) for n in load(folder, "shape"))
    columns = load(folder, "columns").astype(numpy.int32)
    offsets = numpy.arange(shape[0] + 1, dtype=numpy.int32) * (len(columns) // shape[0])
    return shape, columns, offsets


def jax_matrix(kind, dtype, folder):
    """The matrix as arrays that JAX can trace, and its product with a vector as a function of both."""
    import jax

    jax.config.update("jax_enable_x64", dtype == "float64")
    import jax.numpy as jnp

    b = jnp.asarray(load(folder, "b"))
    if kind == "dense":
        matrix = jnp.asarray(load(folder, "matrix"))
        return b, matrix.shape, matrix, lambda matrix, x: matrix @ x, lambda matrix, y: y @ matrix
    shape, columns, offsets = sparse_structure(folder)
    rows = jnp.repeat(jnp.arange(shape[0], dtype=jnp.int32), offsets[1])
    columns = jnp.asarray(columns)
    values = jnp.asarray(load(folder, "values"))

    # On a processor this was faster than jax.experimental.sparse's BCOO and BCSR.
    def product(matrix, x):
        values, rows, columns = matrix
        return jax.ops.segment_sum(values * x[columns], rows, num_segments=shape[0], indices_are_sorted=True)

    def adjoint(matrix, y):
        values, rows, columns = matrix
        return jax.ops.segment_sum(values * y[rows], columns, num_segments=shape[1])

    return b, shape, (values, rows, columns), product, adjoint


def matfree_solver(kind, dtype, folder, tolerance):
    b, shape, matrix, _, adjoint = jax_matrix(kind, dtype, folder)
    import jax
    from matfree import lstsq

    lsmr = lstsq.lsmr(atol=tolerance, btol=tolerance, ctol=1e-8, maxiter=10 * min(shape))

    @jax.jit
    def compiled(b, matrix):
        x, statistics = lsmr(lambda y, matrix: adjoint(matrix, y), b, matrix)
        return x, statistics["iteration_count"]

    return lambda: jax.block_until_ready(compiled(b, matrix))


def lineax_solver(kind, dtype, folder, tolerance):
    b, shape, matrix, product, _ = jax_matrix(kind, dtype, folder)
    import jax
    import lineax

    # Its rtol is atol and btol of the others; its atol, an absolute one, is an addition.
    solver = lineax.LSMR(rtol=tolerance, atol=0.0, conlim=1e8)

    @jax.jit
    def compiled(b, matrix):
        if kind == "dense":
            operator = lineax.MatrixLinearOperator(matrix)
        else:
            operator = lineax.FunctionLinearOperator(
                lambda x: product(matrix, x), jax.ShapeDtypeStruct((shape[1],), b.dtype))
        solution = lineax.linear_solve(operator, b, solver, throw=False)
        return solution.value, solution.stats["num_steps"]

    return lambda: jax.block_until_ready(compiled(b, matrix))
