"""The one command: trains every tier at x2 and x4 on folders of pictures and writes the finished model folders.

    python training/train_all.py --data FOLDER… --eval FOLDER --out models --minutes 120

Order matters: x4 starts from the trunk of x2, and x8 is made of both. With --resume an interrupted run goes on where it
stopped, at the same --minutes, and steps that are done are passed over.
"""

import argparse
import os
from pathlib import Path

import export_sr
import network
import train_sr

# Parts of the minutes; base needs most of them, and x4 less than x2, whose trunk it inherits.
SHARES = {"tiny": {2: 0.2, 4: 0.15}, "base": {2: 0.35, 4: 0.3}}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", required=True, help="folders of pictures, searched deeply")
    parser.add_argument("--minutes", type=float, default=120, help="for everything together")
    parser.add_argument("--tiers", nargs="+", choices=network.TIERS, default=list(network.TIERS))
    parser.add_argument("--runs", type=Path, default=Path(__file__).parent / "runs", help="where checkpoints are kept")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    export_sr.add_arguments(parser)
    return parser.parse_args()


def train_tier(tier, options, minutes_in_all):
    """Returns {2: checkpoint, 4: checkpoint}."""
    checkpoints = {}
    for scale, share in SHARES[tier].items():
        checkpoints[scale] = options.runs / f"{tier}-x{scale}.pt"
        arguments = ["--data", *options.data, "--tier", tier, "--scale", scale, "--checkpoint", checkpoints[scale]]
        arguments += ["--minutes", minutes_in_all * share, "--device", options.device]
        arguments += ["--threads", options.threads, "--seed", options.seed]
        arguments += ["--resume"] if options.resume else []
        arguments += ["--init-from", checkpoints[2]] if scale == 4 else []
        train_sr.train(train_sr.parse([str(argument) for argument in arguments]))
    return checkpoints


def main():
    options = parse()
    minutes_in_all = options.minutes / sum(sum(SHARES[tier].values()) for tier in options.tiers)
    for tier in options.tiers:
        checkpoints = train_tier(tier, options, minutes_in_all)
        folder = export_sr.export(tier, checkpoints, options.out, options.eval, export_sr.described(options))
        print(f"{folder} is ready", flush=True)


if __name__ == "__main__":
    main()
