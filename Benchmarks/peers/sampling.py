"""64 pictures by Heun's sampler of Karras et al. (2022), algorithm 2, in 18 steps, with the state in float64."""

import torch

import networks

COUNT = 64
STEPS = 18


def make(name):
    network = networks.make(name).eval()
    shape, class_count = networks.SHAPE[name], networks.CLASS_COUNT[name]
    labels = torch.arange(COUNT) % class_count if class_count else None

    def denoise(x, t):
        sigma = t.to(torch.float32).expand(COUNT)
        return networks.denoise(network, x.to(torch.float32), sigma, labels).to(torch.float64)

    @torch.inference_mode()
    def sample(sigma_min=0.002, sigma_max=80, rho=7):
        i = torch.arange(STEPS, dtype=torch.float64)
        t = (sigma_max ** (1 / rho) + i / (STEPS - 1) * (sigma_min ** (1 / rho) - sigma_max ** (1 / rho))) ** rho
        t = torch.cat([t, torch.zeros_like(t[:1])])
        x = torch.randn(COUNT, *shape, dtype=torch.float64) * t[0]
        for step in range(STEPS):
            current, following = t[step], t[step + 1]
            d = (x - denoise(x, current)) / current
            next_x = x + (following - current) * d
            if step < STEPS - 1:
                d_next = (next_x - denoise(next_x, following)) / following
                next_x = x + (following - current) * (0.5 * d + 0.5 * d_next)
            x = next_x
        return x

    def run(iterations):
        for _ in range(iterations):
            sample()

    return networks.parameter_count(network), run
