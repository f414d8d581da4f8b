"""Turns the x2 and x4 checkpoints of a tier into the model folder that is served: graphs, model.json and CARD.md.

Nothing in the folder is typed by hand. Each graph is compared with the network in torch, proven exact in tiles, then
measured as exported; the checkpoint's own record says how it was trained. An export that fails any of these writes no
model.json, and a folder without model.json is not a model.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import torch

import check_tiling
import evaluate
import model_card
import network
from graph import build_graph

# Peak activations decide the tile. A window of x8 holds the x2 network's features at x4: 128² in means 512² × width × 4
# bytes a layer (32 channels 32 MiB, 64 channels 64 MiB), two or three layers alive at once, and 1024² × 3 floats out
# (12 MiB a copy). x2 and x4 hold features at low resolution only: 256² × 64 × 4 = 16 MiB a layer, 12 MiB out at x4.
TILES = {2: 256, 4: 256, 8: 128}


def load(path):
    kept = torch.load(path, map_location="cpu", weights_only=True)
    model = network.build(kept["tier"], kept["scale"])
    model.load_state_dict(kept.pop("ema"))
    del kept["model"], kept["optimizer"]
    return model.eval(), kept


@torch.no_grad()
def run_in_torch(models, picture):
    planes = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    for model in models:
        planes = model(planes).clamp(0, 1)
    return (planes[0] * 255).round().byte().permute(1, 2, 0).numpy()


@torch.no_grad()
def check_reach(model):
    """No output may change further away than the computed radius, in doubles, where even the faintest change shows."""
    radius = network.receptive_radius(model)
    middle = radius + 4
    picture = torch.rand(1, 3, 2 * middle + 1, 2 * middle + 1, dtype=torch.float64)
    changed = picture.clone()
    changed[..., middle, middle] += 10
    exact = network.Enlarger(model.scale, model.width, model.blocks).double()
    exact.load_state_dict(model.state_dict())
    pixels = (exact(picture) != exact(changed)).any(dim=1)[0].nonzero() // model.scale
    seen = int((pixels - middle).abs().max())
    if seen > radius:
        raise SystemExit(f"The network reaches {seen} pixels, more than the computed {radius}.")


def check_against_torch(path, models):
    picture = check_tiling.test_picture(41, 53, seed=7)
    difference = evaluate.run_graph(path)(picture).astype(int) - run_in_torch(models, picture)
    if np.abs(difference).max() > 1:
        raise SystemExit(f"{path} differs from the network in torch by up to {np.abs(difference).max()} levels.")


def export(tier, checkpoints, out, eval_folder, described):
    """checkpoints: {scale: path}; described: {'licence', 'data'}. Returns the folder written."""
    folder = out / f"super-resolution-{tier}" / "1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").unlink(missing_ok=True)
    loaded = {scale: load(path) for scale, path in checkpoints.items()}
    networks = {scale: model for scale, (model, _) in loaded.items()}
    chains = {2: [networks[2]], 4: [networks[4]], 8: [networks[4], networks[2]]}
    graphs, metrics = [], {}
    for scale, models in chains.items():
        path = folder / f"x{scale}.onnx"
        onnx.save(build_graph(models), path)
        check_against_torch(path, models)
        for model in models:
            check_reach(model)
        radius = network.receptive_radius(models[0]) if len(models) == 1 else network.fused_radius(*models)
        tile, seen = check_tiling.check(path, radius)
        metrics |= evaluate.measure(evaluate.run_graph(path), eval_folder)
        print(f"{path.name}: exact in tiles of {tile} at radius {radius} (seen {seen}); {metrics[f'x{scale}']}", flush=True)
        graphs.append(describe_graph(path, scale, radius))
    manifest = {
        "schema_version": 1,
        "name": f"super-resolution-{tier}",
        "version": "1",
        "task": "super-resolution",
        "description": model_card.DESCRIPTIONS[tier],
        "licence": described["licence"],
        "parameters": network.parameter_count(networks[2]),
        "graphs": graphs,
        "metrics": {described["eval_name"]: metrics},
    }
    facts = {scale: kept for scale, (_, kept) in loaded.items()}
    (folder / "CARD.md").write_text(model_card.write(manifest, facts, networks[2], described))
    (folder / "model.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return folder


def describe_graph(path, scale, radius):
    picture = {"dtype": "uint8", "layout": "NHWC", "channels": 3}
    return {
        "scale": scale,
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
        "input": {"name": "image", **picture},
        "output": {"name": "enlarged", **picture},
        "receptive_radius": radius,
        "tile": {"height": TILES[scale], "width": TILES[scale]},
    }


def add_arguments(parser):
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--eval", required=True, type=Path, help="folder of pictures never trained on")
    parser.add_argument("--eval-name", help="what the card calls it; default: the folder's name")
    parser.add_argument("--data-name", default="your own pictures", help="what the card calls the training data")
    parser.add_argument("--licence", default="weights: as the pictures they were trained on allow")


def described(options):
    name = options.eval_name or options.eval.resolve().name
    return {"licence": options.licence, "data": options.data_name, "eval_name": name}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tier", choices=network.TIERS, default="tiny")
    parser.add_argument("--x2", required=True, type=Path, help="checkpoint")
    parser.add_argument("--x4", required=True, type=Path, help="checkpoint")
    add_arguments(parser)
    chosen = parser.parse_args()
    print(export(chosen.tier, {2: chosen.x2, 4: chosen.x4}, chosen.out, chosen.eval, described(chosen)))
