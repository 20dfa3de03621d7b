"""Operators on tensors so small that mostly the way to libtorch is timed."""

import torch
from torch import nn
from torch.nn import functional as F


def add():
    x, y = torch.ones(1), torch.ones(1)

    def run(iterations):
        for _ in range(iterations):
            x + y

    return 0, run


def matmul():
    a, b = torch.randn(32, 32), torch.randn(32, 32)

    def run(iterations):
        for _ in range(iterations):
            a @ b

    return 0, run


def linear():
    layer = nn.Linear(32, 32)
    x = torch.randn(16, 32)

    @torch.inference_mode()
    def run(iterations):
        for _ in range(iterations):
            F.silu(layer(x))

    return 0, run


def chain():
    x = torch.randn(64)

    def run(iterations):
        for _ in range(iterations):
            y = x
            for _ in range(250):
                y = y * 0.999
                y = y + x
                y = F.silu(y)
                y = y - x

    return 0, run


def gradient():
    network = nn.Sequential(nn.Linear(2, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 2))
    parameters = list(network.parameters())
    x, y = torch.randn(16, 2), torch.randn(16, 2)

    def run(iterations):
        for _ in range(iterations):
            torch.autograd.grad((network(x) - y).square().mean(), parameters)

    return sum(p.numel() for p in parameters), run


def make(name):
    return {
        "add-1": add, "matmul-32": matmul, "linear-silu-16x32": linear, "chain-of-1000": chain,
        "mlp-gradient-16x32": gradient,
    }[name]()
