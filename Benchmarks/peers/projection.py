"""Training steps of Benchmarks/Cases/SymmetryCases.swift by NUOX, the companion library of arXiv 2510.19634.

A step is batch, noise, loss, gradient, clipping, Adam, projection, moving average and the loss as a number, all but the last in one
compiled function. ScoreKit's weights come in NumPy's files, with a gradient, the points of a constraint and the projected update
that follows from them, which must be the same here.
"""

import os

import jax
import jax.numpy as jnp
import numpy
import optax
from jax.flatten_util import ravel_pytree
from nuox import make_project_grad
from nuox.linalg import lstsq_custom_vjp, lstsq_lsmr

SIGMA_DATA = 0.5
BATCH_SIZE, FEATURES, WIDTH, BLOCKS, COUNT = 128, 64, 128, 3, 2048
LEARNING_RATE, AVERAGE_DECAY, ITERATIONS = 1e-3, 0.995, 8


def zeros():
    """Parameters in ScoreKit's order."""
    def linear(inputs, outputs):
        return jnp.zeros((outputs, inputs)), jnp.zeros(outputs)

    return (
        linear(FEATURES, WIDTH), [linear(WIDTH, WIDTH) for _ in range(2)],
        [[linear(WIDTH, WIDTH) for _ in range(3)] for _ in range(BLOCKS)], linear(WIDTH, FEATURES))


PARAMETER_COUNT = ravel_pytree(zeros())[0].size
unravel = ravel_pytree(zeros())[1]


def linear(layer, x):
    weight, bias = layer
    return x @ weight.T + bias


def mlp(parameters, x, noise):
    """The network of peers/networks.py."""
    first, (outer, inner), blocks, last = parameters
    angles = noise[:, None] * jnp.exp(-numpy.log(1000) * jnp.arange(WIDTH // 2) / (WIDTH // 2))
    e = jnp.concatenate([jnp.cos(angles), jnp.sin(angles)], axis=1)
    e = jax.nn.silu(linear(inner, jax.nn.silu(linear(outer, e))))
    h = linear(first, x)
    for block in blocks:
        h = h + linear(block[2], jax.nn.silu(linear(block[0], jax.nn.silu(h)) + linear(block[1], e)))
    return linear(last, jax.nn.silu(h))


def denoise(theta, x, sigma):
    """The preconditioned denoiser of Karras et al. (2022)."""
    s = sigma[:, None]
    deviation = jnp.sqrt(jnp.square(s) + SIGMA_DATA**2)
    normalized = x / deviation
    output = mlp(unravel(theta), normalized, jnp.log(sigma) * 2.5)
    return (normalized * SIGMA_DATA + output * s) * (SIGMA_DATA / deviation)


def asymmetry(theta, *, x, sigma, v):
    """(J − Jᵀ)·v/√(4nD) with the Jacobian J of the denoiser.

    J·v is taken as the transpose of w ↦ Jᵀ·w: the fastest of what was tried, before jax.linearize and its transpose, and a fifth to a third
    faster than jax.jvp beside jax.vjp.
    """
    _, pullback = jax.vjp(lambda x: denoise(theta, x, sigma), x)
    direct = jax.linear_transpose(lambda w: pullback(w)[0], v)(v)[0]
    return ((direct - pullback(v)[0]) / numpy.sqrt(4 * x.size)).ravel()


def draw(key, examples, count, mean, deviation):
    """Examples, noise levels and noisy examples."""
    keys = jax.random.split(key, 3)
    clean = examples[jax.random.randint(keys[0], (count,), 0, len(examples))].astype(jnp.float32) / 127.5 - 1
    sigma = jnp.clip(jnp.exp(jax.random.normal(keys[1], (count,)) * deviation + mean), 0.002, 80)
    return clean, sigma, clean + sigma[:, None] * jax.random.normal(keys[2], clean.shape)


def loss(theta, clean, sigma, noisy):
    weight = 1 / jnp.square(sigma) + 1 / SIGMA_DATA**2
    return jnp.mean(weight[:, None] * jnp.square(denoise(theta, noisy, sigma) - clean))


def root_metric(state):
    """M^½ of ScoreKit's NullSpaceProjected, for a state of Adam."""
    inverse = jnp.sqrt(state.nu / (1 - 0.999**state.count)) + 1e-8
    return 1 / jnp.sqrt(inverse / jnp.sqrt(jnp.mean(jnp.square(inverse))) + 1e-4)


def make_optimizer(is_preconditioned):
    """The state at first, and a function of gradient, state, weights and the constraint's points: the projected update and the state."""
    clip = optax.clip_by_global_norm(1.0)
    adam = optax.scale_by_adam()

    def residual(z, theta, root, **points):
        return asymmetry(theta + root * z, **points) if is_preconditioned else asymmetry(z, **points)

    # Of updates, a descent, where NUOX has gradients: hence the sign of γ. A negative warm-up is none.
    project = make_project_grad(
        residual, wm_epochs=-1, num_batches=1, gamma=-1.0, least_squares_solver=lstsq_custom_vjp(
            lstsq_lsmr(atol=0.0, btol=0.0, ctol=0.0, maxiter=ITERATIONS)))

    def update(gradient, state, theta, points):
        direction, state = adam.update(clip.update(gradient, clip.init(theta))[0], state)
        change = -LEARNING_RATE * direction
        start = project.init(theta)
        if not is_preconditioned:
            return project.update(change, start, (theta, (None, None), points))[0], state
        # In units in which the metric is the identity.
        root = root_metric(state)
        scaled, _ = project.update(change / root, start, (jnp.zeros_like(theta), (theta, root), points))
        return scaled * root, state

    return adam.init, update


def make(name, folder):
    def load(name):
        return jnp.asarray(numpy.load(os.path.join(folder, name + ".npy")))

    parts = name.split("-")
    point_count = int(parts[1])
    initial, update = make_optimizer(is_preconditioned=len(parts) > 2)
    theta = load("parameters")
    points = {"x": load("x"), "sigma": load("sigma"), "v": load("v")}
    if not jnp.linalg.norm(asymmetry(theta, **points) - load("residual")) < 1e-4 * jnp.linalg.norm(load("residual")):
        raise SystemExit(f"{name}: the constraints differ: they are not the same")
    projected = jax.jit(update)(load("gradient"), initial(theta), theta, points)[0]
    error = jnp.linalg.norm(projected - load("update")) / jnp.linalg.norm(load("update"))
    if not error < 1e-3:
        raise SystemExit(f"{name}: the projected updates differ by {error:.1e}: they are not the same")
    examples = jax.random.randint(jax.random.PRNGKey(0), (COUNT, FEATURES), 0, 256).astype(jnp.uint8)

    def step(state):
        theta, adam, average, key = state
        key, batch_key, point_key, sign_key = jax.random.split(key, 4)
        value, gradient = jax.value_and_grad(loss)(theta, *draw(batch_key, examples, BATCH_SIZE, -1.2, 1.2))
        _, sigma, noisy = draw(point_key, examples, point_count, -0.8, 1.3)
        points = {"x": noisy, "sigma": sigma, "v": jax.random.rademacher(sign_key, noisy.shape, jnp.float32)}
        change, adam = update(gradient, adam, theta, points)
        theta = theta + change
        return value, (theta, adam, average + (1 - AVERAGE_DECAY) * (theta - average), key)

    state = theta, initial(theta), jnp.array(theta), jax.random.PRNGKey(1)
    compiled = jax.jit(step, donate_argnums=0).lower(state).compile()

    def run(iterations):
        nonlocal state
        for _ in range(iterations):
            value, state = compiled(state)
            float(value)
        jax.block_until_ready(state)

    return PARAMETER_COUNT, run
