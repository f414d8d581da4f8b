"""Arithmetic of boxes: x1, y1, x2, y2 from the top left corner."""


def overlap(a, b, axis):
    """Of two boxes along x (0) or y (1), as a share of the shorter; negative values are the gap in points."""
    inside = min(a[axis + 2], b[axis + 2]) - max(a[axis], b[axis])
    if inside <= 0:
        return inside
    return inside / max(1e-6, min(a[axis + 2] - a[axis], b[axis + 2] - b[axis]))


def gap(a, b, axis):
    return max(a[axis], b[axis]) - min(a[axis + 2], b[axis + 2])


def around(boxes):
    x1, y1, x2, y2 = zip(*boxes)
    return (min(x1), min(y1), max(x2), max(y2))


def area(box):
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def share_inside(box, other):
    """How much of `box` lies within `other`, 0–1."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    return max(0, width) * max(0, height) / max(1e-6, area(box))


def centre_inside(box, other):
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return other[0] <= x <= other[2] and other[1] <= y <= other[3]


def group(boxes, joined):
    """Unions of all boxes that `joined` connects, directly or through others, again until nothing changes."""
    changed = True
    while changed:
        changed, result = False, []
        for box in boxes:
            place = next((place for place, other in enumerate(result) if joined(box, other)), None)
            if place is None:
                result.append(box)
            else:
                result[place], changed = around([box, result[place]]), True
        boxes = result
    return boxes
