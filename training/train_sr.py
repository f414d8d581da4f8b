"""Trains one tier at one scale on folders of pictures, within a budget of minutes.

The learning rate follows the part of the budget that is spent, not the number of steps: a slow or shared machine makes
fewer steps but still ends on the low learning rate that the quality depends on. Raising --minutes with --resume climbs
back up that curve, so plan the budget first. Only the moving average of the weights (`ema`) is exported.
"""

import argparse
import copy
import math
import os
import time
from pathlib import Path

import torch

import network
from pictures import Pictures

PATCH = {2: 48, 4: 32}
# Small batches learn more a minute on a CPU; a GPU needs larger ones to be busy.
BATCH = {2: 4, 4: 8}
CUDA_BATCH = {2: 32, 4: 64}
WARM_UP_STEPS = 100
FINAL_PART = 0.02
JPEG_SHARE = 0.2
JPEG_FROM = 0.33  # of the budget: learn to enlarge clean pictures first
EMA_DECAY = 0.999
SAVE_EVERY_SECONDS = 60


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", required=True, help="folders of pictures, searched deeply")
    parser.add_argument("--tier", choices=network.TIERS, default="tiny")
    parser.add_argument("--scale", type=int, choices=(2, 4), default=2)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--checkpoint", type=Path, help="default: runs/TIER-xSCALE.pt beside this file")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint if there is one")
    parser.add_argument("--init-from", type=Path, help="a checkpoint whose trunk to start from (x2 for x4)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, help="patches a step")
    parser.add_argument("--patch", type=int, help="low-resolution pixels a side")
    return parser.parse_args(arguments)


def default_checkpoint(tier, scale):
    return Path(__file__).parent / "runs" / f"{tier}-x{scale}.pt"


def start_from_trunk(model, path):
    """Takes every weight that fits: all but the tail when the scale differs."""
    trained = torch.load(path, map_location="cpu", weights_only=True)["ema"]
    own = model.state_dict()
    fitting = {name: value for name, value in trained.items() if own[name].shape == value.shape}
    model.load_state_dict({**own, **fitting})
    print(f"started from {path}: {len(fitting)} of {len(own)} tensors", flush=True)


def rate_factor(step, spent):
    """Linear warm-up, then a cosine from 1 to FINAL_PART over the part of the budget spent (0–1)."""
    cosine = FINAL_PART + (1 - FINAL_PART) * 0.5 * (1 + math.cos(math.pi * min(spent, 1)))
    return cosine * min(1, (step + 1) / WARM_UP_STEPS)


def to_planes(patches, device):
    planes = torch.from_numpy(patches).to(device).permute(0, 3, 1, 2).float().div_(255)
    return planes.contiguous(memory_format=torch.channels_last)


def hardware(device, threads):
    return torch.cuda.get_device_name() if device.startswith("cuda") else f"{threads} CPU core{'s' if threads > 1 else ''}"


def save(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    torch.save(content, unfinished)
    unfinished.replace(path)


def train(options):
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    path = options.checkpoint or default_checkpoint(options.tier, options.scale)
    amp = options.device.startswith("cuda")
    batch = options.batch or (CUDA_BATCH if amp else BATCH)[options.scale]
    patch = options.patch or PATCH[options.scale]
    pictures = Pictures(options.data, options.scale, patch, options.seed)
    model = network.build(options.tier, options.scale)
    if options.init_from:
        start_from_trunk(model, options.init_from)
    model = model.to(options.device, memory_format=torch.channels_last)
    average = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.Adam(model.parameters(), lr=options.rate)
    step, seconds = 0, 0.0
    if options.resume and path.exists():
        kept = torch.load(path, map_location=options.device, weights_only=True)
        model.load_state_dict(kept["model"])
        average.load_state_dict(kept["ema"])
        optimizer.load_state_dict(kept["optimizer"])
        step, seconds = kept["step"], kept["seconds"]
    print(
        f"{options.tier} x{options.scale}: {network.parameter_count(model)} parameters, {pictures.count} pictures"
        f" ({pictures.skipped} more did not fit in memory), seed {options.seed}, from step {step}, {options.minutes} minutes",
        flush=True,
    )

    def checkpoint():
        facts = {"tier": options.tier, "scale": options.scale, "seed": options.seed, "step": step, "seconds": seconds}
        facts |= {"pictures": pictures.count, "batch": batch, "patch": patch, "rate": options.rate}
        facts |= {"hardware": hardware(options.device, options.threads)}
        weights = {"model": model.state_dict(), "ema": average.state_dict(), "optimizer": optimizer.state_dict()}
        save(path, facts | weights)

    first = step
    clock, saved, recent = time.monotonic(), seconds, 0.0
    while seconds < options.minutes * 60:
        spent = seconds / (options.minutes * 60)
        for group in optimizer.param_groups:
            group["lr"] = options.rate * rate_factor(step, spent)
        patches = pictures.draw(options.seed, step, batch, JPEG_SHARE if spent >= JPEG_FROM else 0)
        low, high = (to_planes(part, options.device) for part in patches)
        with torch.autocast("cuda", torch.bfloat16, enabled=amp):
            enlarged = model(low)
        loss = (enlarged.float() - high).abs().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            decay = min(EMA_DECAY, (step + 1) / (step + 10))
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
        recent += (loss.detach() - recent) / min(step - first + 1, 200)
        step += 1
        now = time.monotonic()
        seconds, clock = seconds + now - clock, now
        if seconds - saved > SAVE_EVERY_SECONDS:
            saved = seconds
            checkpoint()
            print(f"step {step}, minute {seconds / 60:.1f}, loss {float(recent):.5f}", flush=True)
    checkpoint()
    print(f"done: {step} steps in {seconds / 60:.1f} minutes, loss {float(recent):.5f}, kept in {path}", flush=True)
    return path


if __name__ == "__main__":
    train(parse())
