"""Which grid points answer for which block, and how wrong they are.

Task-aligned assignment (Feng et al., TOOD, ICCV 2021): for each block the points that already do best at class and box
together are its answers, and the score they are asked to give is how well their box fits. So a score means fit, one
branch does what elsewhere takes two (class and objectness), and suppression keeps the best box.
"""

import torch
from torch.nn import functional

ANSWERS = 10  # points a block
REACH = 1.0  # strides that a point may lie outside a block; lines of text are thinner than the grid
SCORE_POWER, FIT_POWER = 0.5, 4
BOX_WEIGHT = 2.0


def overlaps(a, b, generalised=False):
    """IoU, or GIoU, of boxes that broadcast against each other: [..., 4] and [..., 4] → [...]."""
    inner = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    area_a, area_b = ((box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1) for box in (a, b))
    union = area_a + area_b - inner + 1e-6
    if not generalised:
        return inner / union
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1) + 1e-6
    return inner / union - (hull - union) / hull


@torch.no_grad()
def assign(logits, boxes, points, strides, true_boxes, kinds):
    """For one picture: (point ids, block id of each, score asked of each)."""
    reach = torch.maximum((true_boxes[:, None, 2:] - true_boxes[:, None, :2]) / 2, REACH * strides)
    centre = (true_boxes[:, None, 2:] + true_boxes[:, None, :2]) / 2
    near = ((points * strides - centre).abs() <= reach).all(2)
    fit = overlaps(true_boxes[:, None], boxes[None]) * near
    quality = (logits[:, kinds].T.sigmoid() ** SCORE_POWER * fit**FIT_POWER + 1e-12) * near
    best, ids = quality.topk(min(ANSWERS, quality.shape[1]), dim=1)
    chosen = torch.zeros_like(quality).scatter_(1, ids, (best > 0).to(quality.dtype))
    owner = (chosen * (fit + 1e-6)).argmax(0)  # a point wanted twice answers for the block that it fits better
    taken = chosen.amax(0) > 0
    point_ids = taken.nonzero().squeeze(1)
    blocks = owner[point_ids]
    strongest, best_fit = (chosen * quality).amax(1), (chosen * fit).amax(1)
    asked = quality[blocks, point_ids] / (strongest[blocks] + 1e-12) * best_fit[blocks]
    return point_ids, blocks, asked


def loss(model, logits, boxes, truths):
    """truths: for each picture (boxes [n, 4], kinds [n]) as tensors. A scalar."""
    asked_scores, misfit = torch.zeros_like(logits), logits.new_zeros(())
    for index, (true_boxes, kinds) in enumerate(truths):
        if len(kinds) == 0:
            continue
        points, blocks, asked = assign(logits[index], boxes[index], model.points, model.strides, true_boxes, kinds)
        asked_scores[index, points, kinds[blocks]] = asked
        fit = overlaps(boxes[index, points], true_boxes[blocks], generalised=True)
        misfit = misfit + ((1 - fit) * (asked + 0.05)).sum()
    total = asked_scores.sum().clamp(min=1)
    wrong = functional.binary_cross_entropy_with_logits(logits, asked_scores, reduction="sum")
    return (wrong + BOX_WEIGHT * misfit) / total
