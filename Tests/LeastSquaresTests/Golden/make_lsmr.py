"""Makes lsmr.json and lsmr.safetensors: problems, and what SciPy's `lsmr` answers to them.

Matrices have geometric singular values from 16 to 16/condition: SciPy's estimate of the condition number counts the 1 that its
recurrence starts with as a singular value, so that it is right for matrices of a norm above 1 alone. Beside each answer stands its spread: how far answers of SciPy's
lie apart when its products are rounded otherwise, which is tried by permuting rows and columns and by products in extended
precision. No other implementation can be asked to come closer than that.

The safetensors file holds matrices `A/NAME`, right-hand sides `b/NAME`, starting points `x0/NAME` and the answers `x/CASE`.

Run in this folder: python make_lsmr.py   (made with NumPy 2.4.6, SciPy 1.17.1, safetensors 0.8.0, on x86-64)
"""

import json

import numpy as np
from safetensors.numpy import save_file
from scipy.sparse.linalg import LinearOperator, lsmr

SHAPES = {"tall": (36, 20), "wide": (20, 36), "square": (24, 24)}
NORM = 16
CONDITIONS = {1.5: "1.5", 1e1: "1e1", 1e4: "1e4", 1e7: "1e7", 1e10: "1e10"}
DAMPINGS = [0, 1e-3 * NORM, 0.5 * NORM]
DEFICIENT_RANK = 12
VARIANTS = 200
REPRODUCIBLE = 1e-8
SCALARS = ["normr", "normar", "norma", "conda", "normx"]

rng = np.random.default_rng(20)
extended = np.longdouble


def orthonormal(rows, columns):
    return np.linalg.qr(rng.standard_normal((rows, columns)))[0]


def matrix(rows, columns, rank, condition):
    values = NORM * condition ** -(np.arange(rank) / (rank - 1))
    return (orthonormal(rows, rank) * values) @ orthonormal(columns, rank).T


def product_in_extended_precision(a):
    wide = a.astype(extended)
    return LinearOperator(
        a.shape,
        matvec=lambda x: (wide @ x.astype(extended)).astype(float),
        rmatvec=lambda y: (wide.T @ y.astype(extended)).astype(float),
        dtype=float,
    )


def true_norms(a, b, x, x0, damp):
    """‖Āx − b̄‖ and ‖Āᵀ(Āx − b̄)‖ in extended precision."""
    a, b, x = (array.astype(extended) for array in (a, b, x))
    step = x if x0 is None else x - x0.astype(extended)
    r = b - a @ x
    return (
        float(np.sqrt(r @ r + extended(damp) ** 2 * (step @ step))),
        float(np.linalg.norm((a.T @ r - extended(damp) ** 2 * step).astype(float))),
    )


def answers(a, b, x0, settings):
    """SciPy's answer, then answers to the same problem with other rounding errors; x in the original order."""
    first = lsmr(a, b, x0=x0, **settings)
    others = [lsmr(product_in_extended_precision(a), b, x0=x0, **settings)]
    order = np.random.default_rng(0)
    for _ in range(VARIANTS - 1):
        rows, columns = order.permutation(a.shape[0]), order.permutation(a.shape[1])
        permuted = np.ascontiguousarray(a[np.ix_(rows, columns)])
        answer = lsmr(permuted, b[rows], x0=None if x0 is None else x0[columns], **settings)
        x = np.empty_like(answer[0])
        x[columns] = answer[0]
        others.append((x, *answer[1:]))
    return first, others


tensors = {}
cases = []


def add(name, a_name, b_name, damp=0, x0_name=None, atol=1e-6, btol=1e-6, conlim=1e8, maxiter=None):
    a, b = tensors["A/" + a_name], tensors["b/" + b_name]
    x0 = None if x0_name is None else tensors["x0/" + x0_name]
    settings = dict(damp=damp, atol=atol, btol=btol, conlim=conlim, maxiter=maxiter or min(a.shape))
    first, others = answers(a, b, x0, settings)
    tensors["x/" + name] = first[0]
    residual, normal_residual = true_norms(a, b, first[0], x0, damp)
    case = dict(name=name, a=a_name, b=b_name, x0=x0_name, **settings, istop=int(first[1]), itn=int(first[2]))
    case |= {scalar: float(first[place]) for place, scalar in enumerate(SCALARS, start=3)}
    case |= dict(trueNormr=residual, trueNormar=normal_residual)

    # How far the other answers are away, for each number of the case.
    codes, counts = ({int(answer[place]) for answer in (first, *others)} for place in (1, 2))
    case |= dict(istops=sorted(codes), itns=[min(counts), max(counts)])
    spread = {"x": max(np.linalg.norm(other[0] - first[0]) for other in others)}
    for place, scalar in enumerate(SCALARS, start=3):
        spread[scalar] = max(abs(other[place] - first[place]) for other in others)
    true_others = [true_norms(a, b, other[0], x0, damp) for other in others]
    spread["trueNormr"] = max(abs(other[0] - residual) for other in true_others)
    spread["trueNormar"] = max(abs(other[1] - normal_residual) for other in true_others)
    is_reproducible = (
        len(codes) == len(counts) == 1
        and spread["x"] <= REPRODUCIBLE * case["normx"]
        and spread["norma"] <= REPRODUCIBLE * case["norma"]
    )
    case["spread"] = {key: float(f"{value:.1e}") for key, value in spread.items()} if is_reproducible else None
    cases.append(case)


for shape, (m, n) in SHAPES.items():
    most = 10 * min(m, n)
    for condition, label in CONDITIONS.items():
        for rank in (min(m, n), DEFICIENT_RANK) if condition > 2 else (min(m, n),):
            a_name = f"{shape} rank {rank} condition {label}"
            a = tensors["A/" + a_name] = matrix(m, n, rank, condition)
            tensors["b/" + a_name + " in range"] = a @ rng.standard_normal(n)
            if rank < m:
                tensors["b/" + a_name + " any"] = rng.standard_normal(m)
            tensors["x0/" + a_name] = rng.standard_normal(n)
            for b_name in (a_name + " in range", a_name + " any"):
                if "b/" + b_name not in tensors:
                    continue
                for damp in DAMPINGS:
                    name = f"{b_name} damping {damp}"
                    add(name + " loose", a_name, b_name, damp)
                    add(name + " tight", a_name, b_name, damp, atol=1e-12, btol=1e-12, conlim=0, maxiter=most)
                if condition in (1e1, 1e7):
                    add(b_name + " from x0", a_name, b_name, 0, a_name)
                    add(b_name + " damped from x0", a_name, b_name, DAMPINGS[2], a_name, atol=1e-10, btol=1e-10)
                if condition == 1.5:
                    add(b_name + " by atol", a_name, b_name, DAMPINGS[1], atol=1e-3, btol=0)
                    add(b_name + " by btol", a_name, b_name, atol=0, btol=1e-4)
                if condition == 1e1:
                    add(b_name + " to condition 3", a_name, b_name, conlim=3)
                if condition in (1e4, 1e10):
                    add(b_name + " to condition 100", a_name, b_name, conlim=100)
                if condition in (1.5, 1e4, 1e10):
                    add(b_name + " to precision", a_name, b_name, atol=0, btol=0, conlim=0, maxiter=2 * most)
                # From a start so far away that A·x₀ costs b its last digits, claims of convergence can be false.
                if condition == 1e1:
                    for distance in (1e7, 1e10):
                        start = f" from {distance:.0e}".replace("e+", "e")
                        far = a_name + start
                        tensors["x0/" + far] = distance * tensors["x0/" + a_name]
                        add(b_name + start + " loose", a_name, b_name, 0, far)
                        add(b_name + start + " tight", a_name, b_name, 0, far, 1e-12, 1e-12, 0, most)
                        add(b_name + " damped" + start, a_name, b_name, DAMPINGS[2], far, 1e-12, 1e-12, 0, most)
                for maxiter in (1, 5) if condition == 1e4 else ():
                    add(f"{b_name} {maxiter} iterations", a_name, b_name, DAMPINGS[1], maxiter=maxiter)

save_file(tensors, "lsmr.safetensors")
with open("lsmr.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case, separators=(",", ":"), ensure_ascii=False) for case in cases) + "\n]\n")
