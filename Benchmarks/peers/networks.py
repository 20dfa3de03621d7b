"""The networks of Benchmarks/Cases/Networks.swift."""

import math

import torch
from torch import nn
from torch.nn import functional as F

SIGMA_DATA = 0.5
BATCH_SIZE = {"mlp": 512, "unet-8x8": 128, "unet-28x28": 64}
SHAPE = {"mlp": (2,), "unet-8x8": (1, 8, 8), "unet-28x28": (1, 28, 28)}
CLASS_COUNT = {"mlp": 0, "unet-8x8": 10, "unet-28x28": 0}


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(width, width)
        self.embedding = nn.Linear(width, width)
        self.second = nn.Linear(width, width)

    def forward(self, h, e):
        return h + self.second(F.silu(self.first(F.silu(h)) + self.embedding(e)))


class MLP(nn.Module):
    def __init__(self, features=2, width=128, blocks=3):
        super().__init__()
        half = width // 2
        self.register_buffer("frequencies", torch.exp(-math.log(1000) * torch.arange(half) / half))
        self.input = nn.Linear(features, width)
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.output = nn.Linear(width, features)

    def forward(self, x, noise, labels):
        angles = noise[:, None] * self.frequencies
        e = torch.cat([angles.cos(), angles.sin()], dim=1)
        e = F.silu(self.second(F.silu(self.first(e))))
        h = self.input(x)
        for block in self.blocks:
            h = block(h, e)
        return self.output(F.silu(h))


class UNet(nn.Module):
    """diffusers' UNet2DModel with the configuration of ScoreKit's U-Nets."""

    def __init__(self, side, channels, class_count):
        super().__init__()
        from diffusers import UNet2DModel

        self.network = UNet2DModel(
            sample_size=side, in_channels=1, out_channels=1, layers_per_block=1, block_out_channels=channels,
            down_block_types=["DownBlock2D"] * len(channels), up_block_types=["UpBlock2D"] * len(channels),
            attention_head_dim=None, norm_num_groups=8, num_class_embeds=class_count + 1 if class_count else None)

    def forward(self, x, noise, labels):
        return self.network(x, noise, class_labels=labels, return_dict=False)[0]


def make(name):
    if name == "mlp":
        return MLP()
    return {"unet-8x8": lambda: UNet(8, [32, 64], 10), "unet-28x28": lambda: UNet(28, [32, 64, 64], 0)}[name]()


def parameter_count(network):
    return sum(p.numel() for p in network.parameters())


def denoise(network, x, sigma, labels):
    """The preconditioned denoiser of Karras et al. (2022), with one noise level for each example."""
    s = sigma.view(-1, *[1] * (x.dim() - 1))
    variance = s.square() + SIGMA_DATA**2
    deviation = variance.sqrt()
    f = network(x / deviation, sigma.log() * 2.5, labels)
    return x * (SIGMA_DATA**2 / variance) + f * (s * SIGMA_DATA / deviation)
