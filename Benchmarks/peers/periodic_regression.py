"""Periodic regression by NUOX, the companion library of arXiv 2510.19634, with the settings of its own example.

    python3 -m pip install jax flax optax git+https://github.com/h-roy/nsm
    python3 periodic_regression.py [--seeds 0 1 2] [--steps 5000]

Prints a row for each seed and their medians, as `swift run -c release periodic-regression --runs 5` does.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import flax.linen
import jax
import jax.numpy as jnp
import numpy
import optax
from jax.flatten_util import ravel_pytree
from nuox import make_project_grad
from nuox.linalg import lstsq_custom_vjp, lstsq_lsmr
from nuox.optax_nullspace import make_update_fn

PERIOD = 2 * numpy.pi


def root_mean_square(values):
    return float(jnp.sqrt(jnp.mean(jnp.square(values))))


def train(seed, steps, correction_rate=0.01, iterations=50, warmup=100, learning_rate=3e-3):
    """The loss, the violation and the error after the last step, and the milliseconds of one."""
    points, weights = jax.random.split(jax.random.PRNGKey(seed))
    x = jnp.linspace(-numpy.pi, numpy.pi, 500)[:, None]
    collocation = 4 * jax.random.normal(points, (2000, 1)) - PERIOD
    dense, tanh = flax.linen.Dense, jax.nn.tanh
    network = flax.linen.Sequential([dense(16), tanh, dense(16), tanh, dense(1)])
    theta, unravel = ravel_pytree(network.init(weights, x))

    def f(theta, x):
        return network.apply(unravel(theta), x)

    def loss(theta, x, y):
        return jnp.mean(jnp.square(f(theta, x) - y)) / 2

    def difference(theta, *, at):
        return f(theta, at + PERIOD) - f(theta, at)

    optimizer = optax.chain(
        make_project_grad(
            difference, wm_epochs=warmup, num_batches=1, gamma=correction_rate,
            least_squares_solver=lstsq_custom_vjp(lstsq_lsmr(maxiter=iterations))),
        optax.adam(learning_rate))
    update = make_update_fn(loss, optimizer, difference)
    state = optimizer.init(theta)
    y = jnp.sin(x)
    update(theta, state, x, y, at=collocation)  # Compiles it.
    start = time.perf_counter()
    for _ in range(steps):
        _, theta, state, _ = update(theta, state, x, y, at=collocation)
    theta.block_until_ready()
    milliseconds = (time.perf_counter() - start) * 1000 / steps
    wide = jnp.linspace(-1.5 * PERIOD, 1.5 * PERIOD, 1000)[:, None]
    return (
        float(loss(theta, x, y)), root_mean_square(difference(theta, at=collocation)),
        root_mean_square(f(theta, wide) - jnp.sin(wide)), milliseconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--steps", type=int, default=5000)
    options = parser.parse_args()

    def row(name, result):
        print("{:8}{:.1e}    {:.1e}  {:18.4f}  {:9.2f}".format(name, *result), flush=True)

    print("seed       loss  violation  error on [-3π, 3π]  ms a step")
    results = []
    for seed in options.seeds:
        results.append(train(seed, options.steps))
        row(str(seed), results[-1])
    row("median", [statistics.median(column) for column in zip(*results)])


if __name__ == "__main__":
    main()
