"""Writes CARD.md beside the graphs: what the model is, what it is not for, what it was trained on and how well it does.

Own figures come from the evaluation run and own facts from the checkpoints; the only numbers typed here are those that
others published, each with its source.
"""

from pictures import JPEG_QUALITIES
from train_sr import EMA_DECAY, FINAL_PART, JPEG_FROM, JPEG_SHARE, WARM_UP_STEPS

DESCRIPTIONS = {
    "tiny": "Enlarges photographs 2, 4 or 8 times; small enough to answer at once on a laptop's CPU.",
    "base": "Enlarges photographs 2, 4 or 8 times; slower and sharper than tiny, meant for quality and for GPUs.",
}

# PSNR on Y over Set5, as published.
PUBLISHED = {
    "FSRCNN": {"x2": 37.00, "x4": 30.72},
    "LapSRN": {"x2": 37.52, "x4": 31.54, "x8": 26.15},
}
SOURCES = """FSRCNN: Dong, Loy, Tang, "Accelerating the Super-Resolution Convolutional Neural Network", ECCV 2016.
LapSRN: Lai, Huang, Ahuja, Yang, "Deep Laplacian Pyramid Networks for Fast and Accurate Super-Resolution", CVPR 2017."""

CARD = """# {name}, version {version}

{description}

Input: `image`, uint8 [batch, height, width, 3], RGB. Output: `enlarged`, the same, each side 2, 4 or 8 times longer.
Reading the bytes, scaling to 0–1 and back, clipping and rounding are part of the graph; nothing needs doing outside.

| file | scale | bytes | receptive radius (input pixels) | tile |
| --- | --- | --- | --- | --- |
{files}

## What it is for

Enlarging clean photographs: catalogue pictures, thumbnails, scans of prints. It sharpens edges and lines that plain
interpolation leaves soft, and it invents no content.

## Limits

- It was trained to undo plain bicubic reduction, and saw light JPEG compression now and then (qualities {qualities}). It
  is no remover of noise or motion blur, and the artefacts of strong or repeated compression grow with the picture.
- Fine texture that the small picture does not hold stays lost, above all at x4 and x8: skin, foliage and fabric look
  smooth. Small text stays unreadable if it was unreadable.
- It must not be used to identify people or to read number plates: a sharper edge is a guess, not evidence.
- RGB only. Alpha has to be enlarged apart. Pictures are taken as sRGB.

## Data and licence

Trained on {data}:
{pictures} pictures, each also at three quarters and at half its size.

{licence}

## How it was trained

{parameters} parameters at x2: {width} channels, {blocks} residual blocks of two 3×3 convolutions without batch norm, all at low
resolution, then a pixel shuffle; the nearest-enlarged input is added. No pooling, no attention: tile-wise running gives
the same bytes as the whole picture, which the exporter proves before it writes this card.

Loss L1 on RGB; Adam, {warm_up} steps of warm-up, then a cosine down to {final} of the rate; moving average of the weights ({ema});
eight flips and turns; pictures drawn by area. The low-resolution twin is MATLAB's antialiased bicubic, in 8 bits;
after the first {jpeg_from} of the budget (the first budget, where a run was prolonged), {jpeg_share} of the patches take one that
went through JPEG.

| scale | steps | minutes | patches a step | patch | rate | seed | hardware |
| --- | --- | --- | --- | --- | --- | --- | --- |
{training}

Minutes are wall-clock minutes on cores that other work may have shared; steps and minutes are sums over resumed runs.
The trunk of x4 starts from that of x2. x8 has no weights of its own: it is x4, then x2, in one graph without rounding in between.

## How good it is

PSNR in dB on Y of {eval_name}, a border of the scale shaved, measured on the exported graphs in onnxruntime (uint8 in, uint8 out).

| | {scales} |
| --- | {rules} |
{measured}

Published figures are quoted, not measured here:
{sources}
FSRCNN's authors trained on T91 and General100, LapSRN's on T91 and 200 pictures of BSDS.

## Train it on your own photographs

    python training/train_all.py --data FOLDER --eval FOLDER --out models --minutes 120

See `training/README.md`.
"""


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def write(manifest, facts, model, described):
    """facts: {scale: what the checkpoint recorded}; model: the x2 network."""
    ((eval_name, metrics),) = manifest["metrics"].items()
    scales = list(metrics)
    measured = [
        row("bicubic", *(f"{metrics[scale]['bicubic_psnr_y']:.2f}" for scale in scales)),
        row(f"**{manifest['name']}**", *(f"**{metrics[scale]['psnr_y']:.2f}**" for scale in scales)),
    ]
    sources = ""
    if eval_name == "Set5":
        for name, figures in PUBLISHED.items():
            measured.append(row(f"{name}, published", *(f"{figures[s]:.2f}" if s in figures else "–" for s in scales)))
        sources = SOURCES
    return CARD.format(
        **{key: manifest[key] for key in ("name", "version", "description", "licence", "parameters")},
        files="\n".join(
            row(g["file"], g["scale"], g["bytes"], g["receptive_radius"], f"{g['tile']['width']}²") for g in manifest["graphs"]
        ),
        data=described["data"],
        pictures=max(fact["pictures"] for fact in facts.values()),
        width=model.width,
        blocks=model.blocks,
        warm_up=WARM_UP_STEPS,
        final=f"{FINAL_PART:.0%}",
        ema=EMA_DECAY,
        jpeg_from=f"{JPEG_FROM:.0%}",
        jpeg_share=f"{JPEG_SHARE:.0%}",
        qualities="–".join(map(str, JPEG_QUALITIES)),
        training="\n".join(
            row(
                f"x{scale}", fact["step"], f"{fact['seconds'] / 60:.0f}", fact["batch"], f"{fact['patch']}²",
                fact["rate"], fact["seed"], fact["hardware"],
            )  # fmt: skip
            for scale, fact in facts.items()
        ),
        eval_name=eval_name,
        scales=" | ".join(scales),
        rules=" | ".join("---" for _ in scales),
        measured="\n".join(measured),
        sources=sources,
    )
