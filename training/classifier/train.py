"""Trains the classifier within a budget of minutes.

    python -m classifier.train --data cifar10-jpeg.records --minutes 15

The learning rate rises and falls with the share of the budget that is spent, so a slow or busy machine makes fewer steps
but still ends well. Every other epoch sees every picture mirrored (those mirrored first are drawn by chance), which
spreads both views evenly; shifts of up to 2 pixels and, in longer runs, a square hole do the rest.
"""

import argparse
import copy
import os
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from train_sr import hardware, save

from . import labelled_pictures, network

BATCH = 256
SHIFT = 2
HOLE = 8
HOLES_FROM_EPOCH = 3  # a short run has not yet begun to learn by heart
RISE = 0.2  # of the budget
DECAY = 5e-4
SMOOTHING = 0.1
MOMENTUM = 0.9
AVERAGE_DECAY = 0.995
SAVE_EVERY_SECONDS = 60


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="a file of records, or a folder train/<class>/…, test/<class>/…")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--checkpoint", type=Path, default=Path(__file__).parents[1] / "runs" / "classifier.pt")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint if there is one")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.1)
    return parser.parse_args(arguments)


def to_planes(pictures, device="cpu"):
    planes = torch.from_numpy(np.ascontiguousarray(pictures)).to(device).permute(0, 3, 1, 2).float().div_(255)
    return planes.contiguous(memory_format=torch.channels_last)


def rate_factor(spent):
    """0–1 over the first RISE of the budget, back to nearly 0 over the rest."""
    return max(0.1, spent / RISE) if spent < RISE else max(0.003, (1 - spent) / (1 - RISE))


class Batches:
    """Batch N depends on the seed and N alone, so a resumed run sees what an uninterrupted one would have seen."""

    def __init__(self, data, seed):
        self.data, self.seed, self.a_epoch, self.order_of = data, seed, len(data.classes) // BATCH, (None, None)
        edges = ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0))
        self.padded = np.pad(data.pictures, edges, mode="reflect")
        self.first_mirrored = np.random.default_rng([seed, 0]).random(len(data.classes)) < 0.5

    def draw(self, step):
        epoch, place = divmod(step, self.a_epoch)
        if self.order_of[0] != epoch:
            self.order_of = (epoch, np.random.default_rng([self.seed, 1, epoch]).permutation(len(self.data.classes)))
        chosen = self.order_of[1][place * BATCH : (place + 1) * BATCH]
        chance, side = np.random.default_rng([self.seed, 2, step]), self.data.pictures.shape[1]
        tops, lefts = chance.integers(0, 2 * SHIFT + 1, (2, BATCH))
        down, right = tops[:, None] + np.arange(side), lefts[:, None] + np.arange(side)
        mirrored = self.first_mirrored[chosen] ^ bool(epoch % 2)
        right[mirrored] = right[mirrored, ::-1]
        batch = self.padded[chosen[:, None, None], down[:, :, None], right[:, None, :]]
        if epoch >= HOLES_FROM_EPOCH:
            for picture, top, left in zip(batch, *chance.integers(0, side - HOLE + 1, (2, BATCH))):
                picture[top : top + HOLE, left : left + HOLE] = 120
        return batch, self.data.classes[chosen]


@torch.no_grad()
def accuracy(model, data, device="cpu"):
    model.eval()
    right = 0
    for start in range(0, len(data.classes), 500):
        part = slice(start, start + 500)
        best = network.with_mirror(model, to_planes(data.pictures[part], device)).argmax(1)
        right += int((best.cpu().numpy() == data.classes[part]).sum())
    return right / len(data.classes)


def begin(options, data, names):
    model = network.Classifier(len(names))
    with torch.no_grad():
        few = to_planes(data.pictures[:5000])
        model.whiten.weight.copy_(network.whitening_filters(few))
        model.whiten.bias.copy_(-model.whiten.weight.sum((2, 3)) @ few.mean((0, 2, 3)))
    return model.to(options.device, memory_format=torch.channels_last)


def train(options):
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    splits, names = labelled_pictures.read(options.data)
    data, model = splits["train"], begin(options, splits["train"], names)
    average = copy.deepcopy(model).requires_grad_(False)
    norms = {id(p) for layer in model.modules() if isinstance(layer, nn.BatchNorm2d) for p in layer.parameters()}
    decayed = [p for p in model.parameters() if p.requires_grad and id(p) not in norms]
    others = [p for p in model.parameters() if p.requires_grad and id(p) in norms]
    groups = [{"params": decayed, "weight_decay": DECAY}, {"params": others, "weight_decay": 0}]
    optimizer = torch.optim.SGD(groups, lr=options.rate, momentum=MOMENTUM, nesterov=True)
    loss_of = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    batches, step, seconds = Batches(data, options.seed), 0, 0.0
    if options.resume and options.checkpoint.exists():
        kept = torch.load(options.checkpoint, map_location=options.device, weights_only=True)
        model.load_state_dict(kept["model"])
        average.load_state_dict(kept["ema"])
        optimizer.load_state_dict(kept["optimizer"])
        step, seconds = kept["step"], kept["seconds"]
    print(f"{network.parameter_count(model)} parameters, {len(data.classes)} pictures, from step {step}", flush=True)

    def checkpoint():
        facts = {
            "labels": names,
            "seed": options.seed,
            "step": step,
            "seconds": seconds,
            "batch": BATCH,
            "rate": options.rate,
        }
        facts |= {"pictures": len(data.classes), "hardware": hardware(options.device, options.threads)}
        weights = {"model": model.state_dict(), "ema": average.state_dict(), "optimizer": optimizer.state_dict()}
        save(options.checkpoint, facts | weights)

    clock, saved = time.monotonic(), seconds
    model.train()
    while seconds < options.minutes * 60:
        for group in optimizer.param_groups:
            group["lr"] = options.rate * rate_factor(seconds / (options.minutes * 60))
        pictures, classes = batches.draw(step)
        logits = model(to_planes(pictures, options.device))
        loss = loss_of(logits, torch.from_numpy(classes).to(options.device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        follow(average, model, min(AVERAGE_DECAY, (step + 1) / (step + 10)))
        step += 1
        now = time.monotonic()
        seconds, clock = seconds + now - clock, now
        if seconds - saved > SAVE_EVERY_SECONDS:
            saved = seconds
            checkpoint()
            print(
                f"step {step}, epoch {step / batches.a_epoch:.1f}, minute {seconds / 60:.1f}, loss {loss.item():.3f}",
                flush=True,
            )
    checkpoint()
    print(
        f"done: {step} steps in {seconds / 60:.1f} minutes; test accuracy {accuracy(average, splits['test']):.4f}",
        flush=True,
    )


@torch.no_grad()
def follow(average, model, decay):
    """Moves the average a little towards the model; the statistics of the norms are averages already and are copied."""
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
    for mine, theirs in zip(average.buffers(), model.buffers()):
        mine.copy_(theirs)


if __name__ == "__main__":
    train(parse())
