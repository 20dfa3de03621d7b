"""Makes the folders unet-*: small random networks that diffusers saved, with an input and the output that it computed.

Run it anywhere with `pip install torch diffusers safetensors`; it writes next to itself.
"""

import pathlib

import diffusers
import torch
from safetensors.torch import save_file

CONFIGURATIONS = {
    # As the published DDPM networks: one head, cosines last, padding at one side only.
    "unet-attention": dict(
        sample_size=8, in_channels=3, out_channels=3, block_out_channels=(8, 16), layers_per_block=1,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=None, downsample_padding=0, flip_sin_to_cos=False, freq_shift=1, norm_eps=1e-6,
        norm_num_groups=4),
    # As the published class-conditional networks: two heads, resampling by residual blocks, scale and shift.
    "unet-scale-shift": dict(
        sample_size=(8, 12), in_channels=1, out_channels=1, block_out_channels=(8, 16), layers_per_block=1,
        down_block_types=("ResnetDownsampleBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "ResnetUpsampleBlock2D"), downsample_type="resnet", upsample_type="resnet",
        attention_head_dim=8, norm_num_groups=4, attn_norm_num_groups=8, resnet_time_scale_shift="scale_shift",
        mid_block_scale_factor=1.5, num_class_embeds=5, act_fn="mish", center_input_sample=True),
    # Fourier embedding, attention with resampling by residual blocks at the highest level, none in the middle.
    "unet-fourier": dict(
        sample_size=8, in_channels=1, out_channels=1, block_out_channels=(8, 12), layers_per_block=2,
        down_block_types=("AttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "AttnUpBlock2D"),
        downsample_type="resnet", upsample_type="resnet", attention_head_dim=3, norm_num_groups=2,
        time_embedding_type="fourier", time_embedding_dim=20, add_attention=False, act_fn="gelu"),
}


def randomize(model):
    """Gives every parameter random values, so that none is 0 or 1 by its initialisation."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            values = torch.randn_like(parameter)
            if parameter.ndim > 1:
                parameter.copy_(values / parameter[0].numel() ** 0.5)
            elif "norm" in name and name.endswith("weight"):
                parameter.copy_(1 + 0.3 * values)
            elif not name.startswith("time_proj"):
                parameter.copy_(0.3 * values)


def main():
    here = pathlib.Path(__file__).parent
    for seed, (name, configuration) in enumerate(CONFIGURATIONS.items()):
        torch.manual_seed(seed)
        model = diffusers.UNet2DModel(**configuration).eval()
        randomize(model)
        size = configuration["sample_size"]
        height, width = size if isinstance(size, tuple) else (size, size)
        tensors = {
            "input": torch.randn(3, configuration["in_channels"], height, width),
            "noise": torch.tensor([0.02, 1.0, 50.0] if name == "unet-fourier" else [1.0, 250.5, 999.0]),
        }
        labels = None
        if "num_class_embeds" in configuration:
            labels = torch.tensor([0, 2, 4])
            tensors["labels"] = labels
        with torch.no_grad():
            tensors["output"] = model(tensors["input"], tensors["noise"], class_labels=labels).sample
        model.save_pretrained(here / name)
        versions = {"torch": torch.__version__, "diffusers": diffusers.__version__}
        save_file(tensors, here / name / "example.safetensors", metadata=versions)
        print(name, "output of standard deviation", tensors["output"].std().item())


if __name__ == "__main__":
    main()
