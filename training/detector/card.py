"""Writes CARD.md of the detector: what it finds, what it is not for, what it was trained on and how well it does.

Every figure comes from the checkpoint or from the evaluation run.
"""

from . import loss, network, train
from .page_pictures import SCALES

CARD = """# {name}, version {version}

{description}

Inputs: `image`, uint8 [batch, {height}, {width}, 3], RGB, the page letterboxed with white; `score_threshold` and `iou_threshold`,
float32 [1]. Output: `detections`, float32 [n, 7]: place in the batch, class, score, x1, y1, x2, y2 in pixels of the input, best
first. Grey, the decoding of boxes and the suppression of overlaps within a class are part of the graph. {bytes} bytes.

Classes, by id: {labels}. A `paragraph` is a stretch of running text without a gap in one column, not one between two
indentations; a `footnote` is what stands below the text of a page; running heads and page numbers are no class.

## What it is for

A first cut of pages of scientific papers: where are the figures, tables, formulas, headings and references. It is small and
quick, and it is meant as a start: train it on pages of your own kind before you rely on it.

## Limits

- Papers made with LaTeX, in Latin script, upright. Letters, invoices, forms, magazines, slides and photographs of pages are
  outside what it has seen, and its answers there mean little.
- A page is seen at {width}×{height} pixels, where a line of text is six or seven pixels high: lines close together are told apart by
  white space alone, and thin boxes are often a line too high or too low.
- Classes that look alike are mixed up: see the table. Hardly found at the usual score (less than a quarter of them): {weak}.
- Overlaps are suppressed within a class only: one block may come back twice, as two classes. Take the better score.
- It reads no text. Colour is dropped on purpose.

## Data and licence

Trained on {data} ({pages} pages, {blocks} blocks).

{licence}

Classes come from the colours of the text in the sample's second copy of each paper, grouped into blocks by
`training/detector/prepare_docbank.py`, with the faults of the colouring mended where they are plain and the page left out
where not. The labels remain imperfect, in the test part too, and figures below carry that.

## How it was trained

{parameters} parameters, from scratch: convolutions with batch norm, strides 8, 16 and 32 joined from coarse to fine, a head for
classes and one for boxes at each. Task-aligned assignment of {answers} points a block, cross entropy towards the overlap, GIoU; AdamW,
weight decay {decay}, a cosine of the rate; moving average of the weights ({average}); pages scaled {low:g} to {high:g} times, moved, paled and
given grain; pages with rare classes drawn more often.

| steps | pages seen, with repeats | wall-clock minutes | rate | seed | hardware |
| --- | --- | --- | --- | --- | --- |
| {step} | {seen} | {minutes:.0f} | {rate} | {seed} | {hardware}, shared with other work |

## How good it is

{eval_name}, {tested} pages that were not trained on, measured on the exported graph in onnxruntime.
**mAP at overlap 0.5: {map50:.3f}**; mean over overlaps 0.5 to 0.95: {map50_95:.3f}. Precision and recall at score {threshold}. Over 20 pages
the graph differs from the network in torch by at most {difference[0]:.0e} in score and {difference[1]:.0e} pixels.

| class | blocks | AP at 0.5 | precision | recall | of those not found: |
| --- | --- | --- | --- | --- | --- |
{table}

"Not found" counts blocks that no box of any class overlaps by half, and, by name, those that a box of another class
overlaps best.

## Train it on your own pages

Pictures of pages in `DATA/train` and `DATA/test`, boxes in `DATA/train.json` and `DATA/test.json` in COCO's form, with any
classes; from the folder `training`:

    python -m detector.train --data DATA --minutes 60
    python -m detector.export --data DATA --out ../models

See `training/detector/README.md`.
"""


def cell(value):
    return "–" if value is None else f"{value:.2f}"


def row(name, figures, taken_for):
    wrong = sorted(((count, other) for other, count in taken_for.items() if other != name), reverse=True)[:3]
    lost = ", ".join(f"{other} {count}" for count, other in wrong) or "–"
    return f"| {name} | {figures['blocks']} | {' | '.join(cell(figures[key]) for key in ('ap50', 'precision', 'recall'))} | {lost} |"


def write(manifest, facts):
    ((eval_name, metrics),) = manifest["metrics"].items()
    weak = ", ".join(name for name, figures in metrics["classes"].items() if (figures["recall"] or 0) < 0.25)
    return CARD.format(
        **{key: manifest[key] for key in ("name", "version", "description", "licence", "parameters")},
        **{key: facts[key] for key in ("data", "pages", "step", "seen", "rate", "seed", "hardware", "difference")},
        **{key: metrics[key] for key in ("map50", "map50_95", "threshold")},
        height=network.HEIGHT,
        width=network.WIDTH,
        bytes=manifest["graphs"][0]["bytes"],
        labels=", ".join(manifest["labels"]),
        blocks=facts["boxes"],
        answers=loss.ANSWERS,
        decay=train.DECAY,
        average=train.AVERAGE_DECAY,
        low=SCALES[0],
        high=SCALES[1],
        minutes=facts["seconds"] / 60,
        weak=weak or "none",
        eval_name=eval_name,
        tested=metrics["pages"],
        table="\n".join(row(name, figures, metrics["taken_for"][name]) for name, figures in metrics["classes"].items()),
    )
