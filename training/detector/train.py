"""Trains the detector within a budget of minutes.

    python -m detector.train --data DATA --minutes 40

DATA holds `train.json` in COCO's form and a folder `train` with its pictures. The learning rate follows the share of
the budget that is spent, so a slow or busy machine makes fewer steps but still ends on the low rate that the quality
depends on. Only the moving average of the weights (`ema`) is exported.
"""

import argparse
import copy
import os
import time
from pathlib import Path

import torch

from train_sr import hardware, rate_factor, save

from . import network
from .loss import loss
from .page_pictures import Batches, read_pages

# Small batches learn more a minute on a CPU; a GPU needs larger ones to be busy.
BATCH, CUDA_BATCH = 4, 16
DECAY = 0.03
AVERAGE_DECAY = 0.998
GRADIENT_LIMIT = 10.0
SAVE_EVERY_SECONDS = 60


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train.json and train/")
    parser.add_argument("--data-name", default="your own pages", help="what the card calls the data")
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--checkpoint", type=Path, default=Path(__file__).parents[1] / "runs" / "detector.pt")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint if there is one")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--batch", type=int, help="pages a step")
    return parser.parse_args(arguments)


def to_planes(pages, device="cpu"):
    """uint8 grey [batch, height, width] → float RGB 0–1 of [batch, 3, height, width]."""
    return torch.from_numpy(pages.copy()).to(device).float().div_(255)[:, None].expand(-1, 3, -1, -1)


def to_tensors(truths, device):
    return [(torch.from_numpy(boxes).float().to(device), torch.from_numpy(kinds).to(device)) for boxes, kinds in truths]


@torch.no_grad()
def follow(average, model, decay):
    """Moves the average towards the model; the statistics of the norms move along, the grids are constants."""
    for mine, theirs in zip(average.state_dict().values(), model.state_dict().values()):
        mine.lerp_(theirs, 1 - decay) if mine.is_floating_point() else mine.copy_(theirs)


def train(options):
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    batch = options.batch or (CUDA_BATCH if options.device.startswith("cuda") else BATCH)
    pages, names = read_pages(options.data, "train")
    model = network.Detector(len(names)).to(options.device, memory_format=torch.channels_last)
    average = copy.deepcopy(model).requires_grad_(False).eval()
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0}]
    optimizer = torch.optim.AdamW(groups, lr=options.rate)
    batches, step, seen, seconds = Batches(pages, len(names), options.seed), 0, 0, 0.0
    if options.resume and options.checkpoint.exists():
        kept = torch.load(options.checkpoint, map_location=options.device, weights_only=True)
        model.load_state_dict(kept["model"])
        average.load_state_dict(kept["ema"])
        optimizer.load_state_dict(kept["optimizer"])
        step, seen, seconds = kept["step"], kept["seen"], kept["seconds"]
    print(f"{network.parameter_count(model)} parameters, {len(pages)} pages, from step {step}", flush=True)

    def checkpoint():
        facts = {
            "labels": names,
            "seed": options.seed,
            "step": step,
            "seen": seen,
            "seconds": seconds,
            "rate": options.rate,
        }
        facts |= {"pages": len(pages), "boxes": sum(len(page.kinds) for page in pages), "data": options.data_name}
        facts |= {"hardware": hardware(options.device, options.threads)}
        weights = {"model": model.state_dict(), "ema": average.state_dict(), "optimizer": optimizer.state_dict()}
        save(options.checkpoint, facts | weights)

    clock, saved, recent, first = time.monotonic(), seconds, 0.0, step
    model.train()
    while seconds < options.minutes * 60:
        for group in optimizer.param_groups:
            group["lr"] = options.rate * rate_factor(step, seconds / (options.minutes * 60))
        pictures, truths = batches.draw(step, batch)
        logits, boxes = model(to_planes(pictures, options.device).contiguous(memory_format=torch.channels_last))
        error = loss(model, logits, boxes, to_tensors(truths, options.device))
        optimizer.zero_grad(set_to_none=True)
        error.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_LIMIT)
        optimizer.step()
        follow(average, model, min(AVERAGE_DECAY, (step + 1) / (step + 10)))
        recent += (error.item() - recent) / min(step - first + 1, 100)
        step, seen = step + 1, seen + batch
        now = time.monotonic()
        seconds, clock = seconds + now - clock, now
        if seconds - saved > SAVE_EVERY_SECONDS:
            saved = seconds
            checkpoint()
            print(f"step {step}, minute {seconds / 60:.1f}, loss {recent:.3f}", flush=True)
    checkpoint()
    print(f"done: {step} steps in {seconds / 60:.1f} minutes, loss {recent:.3f}, kept in {options.checkpoint}", flush=True)


if __name__ == "__main__":
    train(parse())
