"""Makes the pipelines of diffusers and what it draws with them; see README.md. Run in this folder."""
import shutil

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMPipeline, DDPMScheduler, UNet2DModel
from safetensors.torch import save_file

torch.manual_seed(0)
results = {}
for name, options in {
    "linear": {"clip_sample": True},
    "cosine": {"beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction", "clip_sample": False},
}.items():
    unet = UNet2DModel(
        sample_size=8, in_channels=1, out_channels=1, block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "UpBlock2D"), attention_head_dim=4,
    ).eval()
    # Small random outputs would hardly tell one step from the next.
    with torch.no_grad():
        unet.conv_out.weight *= 3
    scheduler = DDPMScheduler(variance_type="fixed_small", **options)
    shutil.rmtree(name, ignore_errors=True)
    DDPMPipeline(unet=unet, scheduler=scheduler).save_pretrained(name)
    noise = torch.randn(7, 2, 1, 8, 8, dtype=torch.float64)
    results[f"{name}/noise"] = noise.clone()

    def draw(scheduler, steps, ancestral, **step):
        scheduler.set_timesteps(steps)
        # diffusers begins with unit variance, this process with 1 - alpha-bar: the same state is compared.
        x = noise[0].float() * (1 - scheduler.alphas_cumprod[scheduler.timesteps[0]]).sqrt()
        draws = iter(noise[1:].float())
        for t in scheduler.timesteps:
            with torch.no_grad():
                out = unet(x, t).sample
            if ancestral:
                # The scheduler draws its noise itself: give it ours.
                original = scheduler.step.__globals__["randn_tensor"]
                scheduler.step.__globals__["randn_tensor"] = lambda *a, **k: next(draws)
                x = scheduler.step(out, t, x).prev_sample
                scheduler.step.__globals__["randn_tensor"] = original
            else:
                x = scheduler.step(out, t, x, **step).prev_sample
        return x.double()

    results[f"{name}/ddpm"] = draw(scheduler, 6, True)
    ddim = DDIMScheduler.from_config(scheduler.config, set_alpha_to_one=True)
    results[f"{name}/ddim"] = draw(ddim, 5, False, eta=0.0, use_clipped_model_output=True)
    trailing = DDIMScheduler.from_config(scheduler.config, timestep_spacing="trailing")
    results[f"{name}/ddim-trailing"] = draw(trailing, 4, False, eta=0.0, use_clipped_model_output=True)
    for schedule in ["linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"]:
        results[f"alphas/{schedule}"] = DDPMScheduler(beta_schedule=schedule).alphas_cumprod.double()
save_file({key: value.contiguous() for key, value in results.items()}, "pipelines.safetensors")
