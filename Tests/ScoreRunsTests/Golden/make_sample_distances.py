"""Makes sets of features and the distances between them, by NumPy and SciPy; see README.md. Run in this folder."""
import numpy as np
from safetensors.numpy import save_file
from scipy.linalg import sqrtm
from scipy.spatial import cKDTree

generator = np.random.default_rng(0)
results = {}


def features(count, dimensions):
    """Rows of a skew distribution, whose covariance has eigenvalues of several orders of magnitude."""
    factor = generator.standard_normal((dimensions, dimensions)) * np.geomspace(2, 0.02, dimensions)
    rows = generator.standard_normal((count, dimensions)) @ factor
    return np.tanh(rows + 0.3 * generator.standard_normal(dimensions))


def frechet(x, y):
    """Heusel et al. (2017), in double precision; checked against the matrix root where covariances have full rank."""
    first, second = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    # The eigenvalues of the product are squares of the singular values of X Y^T, also where covariances are singular.
    root = np.linalg.svd((x - x.mean(0)) @ (y - y.mean(0)).T, compute_uv=False).sum()
    root /= np.sqrt((len(x) - 1) * (len(y) - 1))
    if min(len(x), len(y)) > x.shape[1]:
        np.testing.assert_allclose(np.trace(sqrtm(first @ second)).real, root, rtol=1e-7)
    return np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(first) + np.trace(second) - 2 * root


def unbiased_mmd(x, y):
    """Gretton et al. (2012), lemma 6, pair by pair."""

    def k(a, b):
        return (np.dot(a, b) / len(a) + 1) ** 3

    n, m = len(x), len(y)
    within_x = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_x + within_y - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


def covered(points, others, k=3):
    """The part of the points within some ball about another, as large as the distance to its own k-th neighbour."""
    radii = cKDTree(others).query(others, k=k + 1)[0][:, k]
    distances = np.sqrt(((points[:, None] - others[None]) ** 2).sum(-1))
    return (distances <= radii).any(1).mean()


for name, count, others, dimensions in [("tall", 180, 150, 6), ("wide", 40, 56, 64)]:
    x, y = features(count, dimensions), features(others, dimensions)
    # Some of each set lie among the other, so that precision and recall are neither 0 nor 1.
    x[: count // 3] = y[: count // 3] + 0.05 * generator.standard_normal((count // 3, dimensions))
    blocks = max(min(5, min(count, others) // 2), min(10, min(count, others) // 50))
    values = [
        unbiased_mmd(
            x[i * count // blocks : (i + 1) * count // blocks], y[i * others // blocks : (i + 1) * others // blocks])
        for i in range(blocks)
    ]
    results |= {
        f"{name}/x": x, f"{name}/y": y,
        f"{name}/frechet": np.array([frechet(x, y)]),
        f"{name}/kernel": np.array([np.mean(values), np.std(values, ddof=1) / np.sqrt(blocks)]),
        f"{name}/precision-recall": np.array([covered(x, y), covered(y, x)]),
    }
    print(name, *(results[f"{name}/{key}"] for key in ["frechet", "kernel", "precision-recall"]))
save_file({key: np.ascontiguousarray(value) for key, value in results.items()}, "sample-distances.safetensors")
