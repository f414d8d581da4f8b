"""Average precision as COCO and PASCAL understand it, and a table of what is taken for what.

Detections of a class are taken best first over all pictures; each claims the block of its class that it overlaps most, if
that is enough and nobody has claimed it. Precision is made falling from the right, and its area over recall is the
average precision. A class with no block in the test set has none and is left out of the mean.
"""

import numpy as np


def overlap_table(a, b):
    """IoU of boxes [n, 4] and [m, 4] as [n, m]."""
    inner = (np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])).clip(0).prod(2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clip(0).prod(1) for boxes in (a, b)]
    return inner / np.maximum(areas[0][:, None] + areas[1][None] - inner, 1e-9)


def claims(found, truths, kind, enough):
    """For all detections of a class, best first: (scores, whether each is right), and the number of true blocks."""
    scores, right, total = [], [], 0
    for detections, (boxes, kinds) in zip(found, truths):
        mine, theirs = detections[detections[:, 0] == kind], boxes[kinds == kind]
        total += len(theirs)
        mine = mine[np.argsort(-mine[:, 1], kind="stable")]
        table, free = overlap_table(mine[:, 2:], theirs), np.ones(len(theirs), bool)
        for row, score in zip(table, mine[:, 1]):
            best = int(np.argmax(row * free)) if len(theirs) else -1
            hit = best >= 0 and free[best] and row[best] >= enough
            if hit:
                free[best] = False
            scores.append(score)
            right.append(hit)
    order = np.argsort(-np.array(scores), kind="stable")
    return np.array(scores)[order], np.array(right, bool)[order], total


def average_precision(right, total):
    if total == 0:
        return None
    hits = np.cumsum(right)
    precision = np.maximum.accumulate((hits / np.arange(1, len(right) + 1))[::-1])[::-1]
    recall = hits / total
    return float(np.sum(np.diff(recall, prepend=0) * precision))


def measure(found, truths, names, threshold):
    """found: for each picture float [n, 6] of class, score, x1, y1, x2, y2; truths: (boxes [m, 4], kinds [m]).

    {class: {'blocks', 'ap50', 'precision', 'recall'}}, the last two at the threshold, and the means 'map50', 'map50_95'.
    """
    classes, strict = {}, []
    for kind, name in enumerate(names):
        scores, right, total = claims(found, truths, kind, 0.5)
        kept = right[scores >= threshold]
        exactness = [average_precision(claims(found, truths, kind, e)[1], total) for e in np.arange(0.5, 0.96, 0.05)]
        if total:
            strict.append(np.mean(exactness))
        classes[name] = {
            "blocks": total,
            "ap50": rounded(exactness[0]),
            "precision": rounded(kept.mean() if len(kept) else None),
            "recall": rounded(kept.sum() / total if total else None),
        }
    known = [row["ap50"] for row in classes.values() if row["ap50"] is not None]
    return {"map50": rounded(np.mean(known)), "map50_95": rounded(np.mean(strict)), "classes": classes}


def rounded(value):
    return None if value is None else round(float(value), 3)


def mistaken(found, truths, names, threshold):
    """What became of each class's blocks: {class: {class of the detection that overlaps it most, or 'missed': count}}."""
    table = {name: {} for name in names}
    for detections, (boxes, kinds) in zip(found, truths):
        detections = detections[detections[:, 1] >= threshold]
        overlaps = overlap_table(boxes, detections[:, 2:])
        for row, kind in zip(overlaps, kinds):
            best = int(np.argmax(row)) if len(row) else -1
            answer = names[int(detections[best, 0])] if best >= 0 and row[best] >= 0.5 else "missed"
            table[names[kind]][answer] = table[names[kind]].get(answer, 0) + 1
    return table
