"""Makes trajectories.safetensors: noise levels and trajectories of k-diffusion's and diffusers' samplers on a mixture's exact denoiser.

The mixture is that of Tests/SamplersTests/Problems.swift, in double precision. All samplers start from sigma_0 times the first noise and
take the others in turn where they draw any. Keys:

    noise              [draws, samples, 2]
    grid/NAME          noise levels without the last 0, by k-diffusion
    sigmas/CASE        those of a case, likewise
    states/CASE        the states after each step, [steps, samples, 2], in units of the data

Not compared, because they are wrong there: single steps of k-diffusion's SDE forms (they fail), and diffusers' DDIM with
"linspace" timesteps (its strides differ from its timesteps).

Run in this folder: python make_trajectories.py
(made with k-diffusion 0.1.1.post1, diffusers 0.42.1, torch 2.11.0, safetensors 0.8.0, on x86-64)
"""

import importlib.util
import os
import sys
import types

import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
torch.manual_seed(11)


def k_diffusion_sampling():
    """k-diffusion's samplers without the rest of the package, which needs much that they do not."""
    folder = os.path.dirname(importlib.util.find_spec("k_diffusion").origin)
    package = types.ModuleType("k_diffusion")
    package.__path__ = [folder]
    sys.modules["k_diffusion"] = package
    utils = types.ModuleType("k_diffusion.utils")
    utils.append_dims = lambda x, rank: x[(...,) + (None,) * (rank - x.ndim)]
    sys.modules["k_diffusion.utils"] = utils
    package.utils = utils
    import k_diffusion.sampling as sampling

    return sampling


k = k_diffusion_sampling()
WEIGHTS = torch.tensor([0.5, 0.3, 0.2])
MEANS = torch.tensor([[1.0, 0.3], [-1.0, 0.7], [-0.6, -1.2]])
COVARIANCES = torch.tensor([[[0.15, 0.08], [0.08, 0.2]], [[0.3, -0.1], [-0.1, 0.1]], [[0.05, 0.0], [0.0, 0.05]]])
SAMPLES, DRAWS = 5, 40
noise = torch.randn(DRAWS, SAMPLES, 2)


def denoise(x, sigma):
    """E[x0 | x] for x = x0 + sigma·noise."""
    sigma = torch.as_tensor(sigma).reshape(-1)[0].double()
    noisy = COVARIANCES + sigma**2 * torch.eye(2)
    differences = x[:, None, :] - MEANS
    solved = torch.linalg.solve(noisy, differences[..., None])[..., 0]
    logits = WEIGHTS.log() - 0.5 * torch.logdet(noisy) - 0.5 * (differences * solved).sum(-1)
    means = MEANS + (COVARIANCES @ solved[..., None])[..., 0]
    return (logits.softmax(-1)[..., None] * means).sum(1)


out = {"noise": noise}


def by_k_diffusion(name, sampler, sigmas, **options):
    states, draws = [], iter(noise[1:])
    if "eta" in options:
        options["noise_sampler"] = lambda *_: next(draws)
    last = sampler(
        lambda x, sigma: denoise(x, sigma), sigmas[0] * noise[0], sigmas, disable=True,
        callback=lambda entry: states.append(entry["x"].clone()), **options)
    out["sigmas/" + name] = sigmas[:-1].clone()
    out["states/" + name] = torch.stack(states[1:] + [last])


def by_diffusers(name, scheduler, steps, sigmas_of, step):
    scheduler.set_timesteps(steps)
    sigmas = sigmas_of(scheduler)
    draws = iter(noise[1:])
    x = sigmas[0] * noise[0]
    states = []
    # diffusers' state is x/√(1 + σ²).
    noisy = x / (1 + sigmas[0] ** 2).sqrt()
    for i, t in enumerate(scheduler.timesteps):
        scale = 1 / (1 + sigmas[i] ** 2).sqrt()
        x = noisy / scale
        epsilon = (x - denoise(x, sigmas[i])) / sigmas[i]
        noisy = step(scheduler, epsilon, t, noisy, draws)
        following = sigmas[i + 1] if i + 1 < len(sigmas) else torch.zeros(())
        states.append(noisy * (1 + following**2).sqrt())
    out["sigmas/" + name] = sigmas
    out["states/" + name] = torch.stack(states)


def ddim(eta):
    def step(scheduler, epsilon, t, x, draws):
        return scheduler.step(epsilon, t, x, eta=eta, variance_noise=next(draws) if eta else None).prev_sample

    return step


def alphas_of(scheduler):
    signal = scheduler.alphas_cumprod.double()[scheduler.timesteps]
    return ((1 - signal) / signal).sqrt()


def multistep(scheduler, epsilon, t, x, draws):
    return scheduler.step(epsilon, t, x).prev_sample


for n in (1, 2, 10):
    if n > 1:
        out[f"grid/karras-{n}"] = k.get_sigmas_karras(n, 0.002, 80.0, 7.0)[:-1]
    out[f"grid/exponential-{n}"] = k.get_sigmas_exponential(n, 0.002, 80.0)[:-1]
sigmas = k.get_sigmas_karras(12, 0.02, 20.0, 7.0).double()
by_k_diffusion("euler", k.sample_euler, sigmas)
by_k_diffusion("heun", k.sample_heun, sigmas)
by_k_diffusion("ancestral", k.sample_euler_ancestral, sigmas, eta=1.0)
by_k_diffusion("dpmpp-2m", k.sample_dpmpp_2m, sigmas)
for eta in (0.5, 1.0):
    by_k_diffusion(f"dpmpp-2m-sde-{eta}", k.sample_dpmpp_2m_sde, sigmas, eta=eta, solver_type="midpoint")
    by_k_diffusion(f"dpmpp-3m-sde-{eta}", k.sample_dpmpp_3m_sde, sigmas, eta=eta)
by_k_diffusion("dpmpp-3m", k.sample_dpmpp_3m_sde, sigmas, eta=0.0)

settings = {"clip_sample": False, "timestep_spacing": "trailing", "beta_start": 1e-4, "beta_end": 0.02}
for eta in (0.0, 0.6, 1.0):
    by_diffusers(f"diffusers-ddim-{eta}", DDIMScheduler(**settings), 20, alphas_of, ddim(eta))
for order in (2, 3):
    by_diffusers(
        f"diffusers-dpmpp-{order}m",
        DPMSolverMultistepScheduler(solver_order=order, use_karras_sigmas=True, final_sigmas_type="zero"), 16,
        lambda scheduler: scheduler.sigmas[:-1].double(), multistep)
save_file({name: tensor.contiguous().double() for name, tensor in out.items()}, "trajectories.safetensors")
