"""Steps of training: batch, noise, loss, gradient, clipping, Adam, moving average."""

import torch

import networks

COUNT = 2048


def make(name):
    network = networks.make(name)
    parameters = list(network.parameters())
    # The fastest of the three on a processor, before foreach=True and the default, a loop.
    optimizer = torch.optim.Adam(parameters, lr=1e-4, fused=True)
    average = [p.detach().clone() for p in parameters]
    batch_size, shape, class_count = networks.BATCH_SIZE[name], networks.SHAPE[name], networks.CLASS_COUNT[name]
    is_image = len(shape) == 3
    if is_image:
        examples = torch.randint(0, 256, (COUNT, *shape), dtype=torch.uint8)
    else:
        examples = torch.randn(COUNT, *shape) * networks.SIGMA_DATA
    labels = torch.randint(0, class_count, (COUNT,)) if class_count else None

    def batches():
        while True:
            order = torch.randperm(COUNT)
            for indices in order.split(batch_size):
                x = examples[indices]
                yield x.float() / 127.5 - 1 if is_image else x, None if labels is None else labels[indices]

    stream = batches()

    def step():
        x, y = next(stream)
        sigma = (torch.randn(len(x)) * 1.2 - 1.2).exp().clamp(0.002, 80)
        s = sigma.view(-1, *[1] * (x.dim() - 1))
        denoised = networks.denoise(network, x + torch.randn_like(x) * s, sigma, y)
        weight = 1 / s.square() + 1 / networks.SIGMA_DATA**2
        loss = (weight * (denoised - x).square()).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, parameters, 1 - 0.995)
        return loss.item()

    def run(iterations):
        for _ in range(iterations):
            step()

    return networks.parameter_count(network), run
