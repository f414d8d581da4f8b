"""Measures enlargement as the papers do: PSNR on MATLAB's Y, a border of `scale` pixels shaved off.

What is measured is the exported graph, uint8 in and uint8 out, run by onnxruntime: rounding, clipping and mistakes of the
export are all in the figure. A checkpoint can be measured too, while training goes on. The bicubic column beside it is
the check of the method: Set5 must read 33.66 at x2 and 28.42 at x4.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime

import degrade
from pictures import list_pictures, read_picture


def luma(picture):
    """Y of MATLAB's rgb2ycbcr, 16–235, unrounded."""
    return picture.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255 + 16


def psnr_y(picture, reference, shave):
    inner = (slice(shave, -shave), slice(shave, -shave))
    error = luma(picture)[inner] - luma(reference)[inner]
    return float(10 * np.log10(255**2 / np.mean(error**2)))


def run_graph(path):
    """A function from uint8 [height, width, 3] to its enlargement."""
    options = onnxruntime.SessionOptions()
    # Threads that spin while they wait make hundreds of small runs crawl on a busy machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda picture: session.run(None, {name: picture[None]})[0][0]


def run_checkpoint(path):
    import torch

    import network

    kept = torch.load(path, map_location="cpu", weights_only=True)
    model = network.build(kept["tier"], kept["scale"])
    model.load_state_dict(kept["ema"])

    @torch.no_grad()
    def enlarge(picture):
        planes = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255
        return (model(planes)[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()

    return enlarge


def find_scale(enlarge):
    """Measured on a small probe, since a graph's declared shapes need not be true."""
    return enlarge(np.zeros((16, 16, 3), np.uint8)).shape[0] // 16


def mean_psnr(enlarge, paths, scale):
    values = []
    for path in paths:
        high = degrade.crop_to_multiple(read_picture(path), scale)
        values.append(psnr_y(enlarge(degrade.reduce(high, scale)), high, shave=scale))
    return float(np.mean(values))


def bicubic_psnr(folder, scale):
    return mean_psnr(lambda low: degrade.enlarge_bicubic(low, scale), list_pictures([folder]), scale)


def measure(enlarge, folder):
    """{'x2': {'psnr_y': …, 'bicubic_psnr_y': …}}, rounded to hundredths of a decibel."""
    scale = find_scale(enlarge)
    ours = mean_psnr(enlarge, list_pictures([folder]), scale)
    return {f"x{scale}": {"psnr_y": round(ours, 2), "bicubic_psnr_y": round(bicubic_psnr(folder, scale), 2)}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="exported .onnx graphs, or .pt checkpoints")
    parser.add_argument("--eval", required=True, type=Path, help="folder of pictures never trained on")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    figures = {}
    print(f"{'file':32} {'scale':>5} {'PSNR Y':>8} {'bicubic':>8}")
    for path in options.files:
        measured = measure(run_checkpoint(path) if path.suffix == ".pt" else run_graph(path), options.eval)
        for scale, row in measured.items():
            print(f"{str(path)[-32:]:32} {scale:>5} {row['psnr_y']:8.2f} {row['bicubic_psnr_y']:8.2f}")
        figures |= measured
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
