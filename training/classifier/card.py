"""Writes CARD.md of the classifier: what it is, what it is not for, what it was trained on and how well it does.

Every figure comes from the checkpoint or from the evaluation run.
"""

from . import train
from .labelled_pictures import SIDE

CARD = """# {name}, version {version}

{description}

Input: `image`, uint8 [batch, {side}, {side}, 3], RGB. Outputs: `class_ids`, int64 [batch, {classes}], and `scores`, float32
[batch, {classes}], all classes, best first; the scores of a picture sum to 1. Scaling, the mirror image that is averaged in,
softmax and sorting are part of the graph. {bytes} bytes.

Classes: {labels}.

## What it is for

It shows the path of a classification job from end to end, at once and on any CPU, and it is the pattern for a
classifier of your own: replace it by one that was trained on your classes.

## Limits

- {classes} coarse classes and nothing else. Whatever a picture shows, one of them wins; a low best score is the only hint that
  none fits, and a high one is no proof.
- It was trained on {side}×{side} pixels. A photograph is cropped to its middle square and reduced to {side}×{side} before it is looked at:
  small, off-centre or several things are lost.
- The scores are softened by the way it was trained (label smoothing); they are no calibrated probabilities.
- It must not be used to decide about people or safety.

## Data and licence

Trained on {data} ({pictures} pictures).

{licence}

## How it was trained

{parameters} parameters: 2×2 whitening filters computed from the data, three stages of 3×3 convolution, pooling and a residual
convolution, the maximum over the picture, one linear layer. Cross entropy with label smoothing {smoothing}, SGD with Nesterov
momentum {momentum}, weight decay {decay}, one cycle of the rate; moving average of the weights ({average}); every other epoch
mirrored, shifts of up to {shift} pixels, a hole of {hole}×{hole} from epoch {hole_from} on.

| steps | epochs | wall-clock minutes | pictures a step | rate | seed | hardware |
| --- | --- | --- | --- | --- | --- | --- |
| {step} | {epochs:.1f} | {minutes:.0f} | {batch} | {rate} | {seed} | {hardware}, shared with other work |

## How good it is

{eval_name}, {measured} pictures that were not trained on, measured on the exported graph in onnxruntime: **{top1:.1%}** right at
the first guess, {top3:.1%} within the first three. Over 20 pictures the graph differs from the network in torch by at most {difference:.0e}.

| class | found | mostly taken for |
| --- | --- | --- |
{table}

## Train it on your own pictures

A folder `train/<class>/…` and `test/<class>/…`, pictures of any size; from the folder `training`:

    python -m classifier.train --data my-pictures --minutes 15
    python -m classifier.export --data my-pictures --out ../models

See `training/classifier/README.md`.
"""


def write(manifest, facts, described):
    ((eval_name, metrics),) = manifest["metrics"].items()
    rows = [f"| {name} | {row['recall']:.1%} | {row['mostly_taken_for']} |" for name, row in metrics["classes"].items()]
    return CARD.format(
        **{key: manifest[key] for key in ("name", "version", "description", "licence", "parameters", "classes")},
        **{key: facts[key] for key in ("pictures", "step", "batch", "rate", "seed", "hardware", "difference")},
        side=SIDE,
        bytes=manifest["graphs"][0]["bytes"],
        labels=", ".join(manifest["labels"]),
        data=described["data"],
        epochs=facts["step"] * facts["batch"] / facts["pictures"],
        minutes=facts["seconds"] / 60,
        smoothing=train.SMOOTHING,
        momentum=train.MOMENTUM,
        decay=train.DECAY,
        average=train.AVERAGE_DECAY,
        shift=train.SHIFT,
        hole=train.HOLE,
        hole_from=train.HOLES_FROM_EPOCH + 1,
        eval_name=eval_name,
        measured=metrics["pictures"],
        top1=metrics["top1"],
        top3=metrics["top3"],
        table="\n".join(rows),
    )
