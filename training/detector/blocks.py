"""Groups the characters of a page into blocks: one box for each stretch of neighbouring lines of one class.

Characters become lines, lines become blocks. Distances are measured in the page's own line pitch and font size, so that
one set of tolerances serves dense two-column papers and double-spaced manuscripts. Nothing grows across the gutter of a
two-column page unless it crosses it itself.
"""

import re
from dataclasses import dataclass

import numpy as np

from .labels import CLASSES, UNKNOWN, class_id

PARAGRAPH, FIGURE, EQUATION, TABLE, CAPTION = map(class_id, ("paragraph", "figure", "equation", "table", "caption"))
LABELLED = {CLASSES.index(name) for name in ("list", "reference", "footnote", "section", "caption")}
RELATION = re.compile(r"[=<>≤≥≈∼≡∈→]")
WORD = re.compile(r"[A-Za-z]{4}")
CAPTION_START = re.compile(r"^(fig|table|tab\.|scheme|algorithm)", re.IGNORECASE)


@dataclass(frozen=True)
class Reach:
    """How far apart two lines of one block may be: across in font sizes, down in line pitches (from line to line)."""

    across: float
    down: float


REACH = {name: Reach(1.0, 1.4) for name in CLASSES} | {
    "title": Reach(1.5, 2.2),
    "author": Reach(4.0, 3.0),
    "abstract": Reach(1.2, 2.2),
    "section": Reach(2.5, 1.3),
    "list": Reach(2.0, 1.8),
    "equation": Reach(40.0, 2.0),
    "table": Reach(12.0, 3.0),
    "figure": Reach(2.0, 2.0),
    "reference": Reach(2.0, 2.2),
    "footnote": Reach(1.5, 1.6),
}


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


@dataclass
class Line:
    kind: int
    box: tuple
    size: float
    text: str


def find_lines(marks, keep):
    """Runs of characters that follow each other on one line in one class; `keep` masks the characters used."""
    lines, run, current = [], [], None
    boxes, sizes, classes = marks.boxes.tolist(), marks.sizes.tolist(), marks.classes.tolist()

    def close():
        if run:
            text = "".join(chr(code) for code in marks.codes[run])
            lines.append(Line(classes[run[0]], current, float(np.median(marks.sizes[run])), text))

    for index in np.flatnonzero(keep).tolist():
        box = boxes[index]
        if run:
            size = max(sizes[index], sizes[run[-1]], 4)
            same_line = overlap(box, current, 1) > 0.2 and -2 * size < box[0] - boxes[run[-1]][2] < 1.3 * size
            if not same_line or classes[index] != classes[run[-1]]:
                close()
                run = []
        current = around([current, box]) if run else tuple(box)
        run.append(index)
    close()
    return lines


def settle_strays(lines):
    """Links, and single words in a colour of their own, take the class of the line they stand in; "[3]", "2.", a bullet
    or "Figure 4:" at the start of a line that of what follows."""
    for line, follower in zip(lines, lines[1:]):
        if line.kind in (PARAGRAPH, UNKNOWN) and follower.kind in LABELLED and overlap(line.box, follower.box, 1) > 0.4:
            short = len(line.text) <= 6 or follower.kind == CAPTION and CAPTION_START.match(line.text)
            if short and -line.size < follower.box[0] - line.box[2] < 3 * line.size:
                line.kind = follower.kind
    for index, line in enumerate(lines):
        beside = [
            other for other in lines[max(0, index - 1) : index + 2]
            if other is not line and overlap(line.box, other.box, 1) > 0.4 and gap(line.box, other.box, 0) < 1.3 * line.size
        ]  # fmt: skip
        kinds = {other.kind for other in beside} - {UNKNOWN}
        if line.kind == UNKNOWN and kinds:
            line.kind = kinds.pop()
        elif line.kind in (PARAGRAPH, EQUATION) and len(beside) == 2 and kinds and line.kind not in kinds:
            shortest = min(other.box[2] - other.box[0] for other in beside)
            if line.box[2] - line.box[0] < shortest:
                line.kind = kinds.pop()
    return [line for line in lines if line.kind != UNKNOWN]


def line_pitch(lines):
    """The usual distance from line to line, in points: of each line with words to the next one below it."""
    worded, distances = [line for line in lines if WORD.search(line.text)], []
    for line in worded:
        downs = [
            (other.box[1] + other.box[3] - line.box[1] - line.box[3]) / 2
            for other in worded if other.kind == line.kind and overlap(other.box, line.box, 0) > 0.3
        ]  # fmt: skip
        nearest = min((down for down in downs if down > 0.7 * line.size), default=0)
        if 0 < nearest < 3 * line.size:
            distances.append(nearest)
    return float(np.median(distances)) if distances else 12.0


def settle_equations(lines, pitch, gutter):
    """Displayed formulas that were left in the colour of body text: indented rows without a word, with a relation near."""
    text = [line for line in lines if line.kind == PARAGRAPH]
    found = []
    for place in (0, 1, 2):
        column = [line for line in text if side(line.box, gutter) == place]
        worded = [line for line in column if WORD.search(line.text)]
        if not worded:
            continue
        margin = float(np.median([line.box[0] for line in worded if line.box[2] - line.box[0] > 8 * line.size] or [0]))
        for line in column:
            row = [other for other in column if overlap(other.box, line.box, 1) > 0.3]
            indent = min(other.box[0] for other in row) - margin
            if indent > 1.5 * line.size and not any(WORD.search(other.text) for other in row):
                found.append(line)
    related = [line.box for line in found if RELATION.search(line.text)]
    for line in found:
        if any(gap(line.box, box, 1) < pitch for box in related):
            line.kind = EQUATION


def find_gutter(lines, width):
    """x of the white strip between two columns, or None."""
    text = [line.box for line in lines if line.box[2] - line.box[0] > 0.2 * width]
    if len(text) < 8:
        return None
    best = None
    for x in np.linspace(0.42 * width, 0.58 * width, 33):
        crossing = sum(box[0] < x < box[2] for box in text)
        if best is None or crossing < best[0]:
            best = (crossing, x)
    crossing, x = best
    left, right = sum(box[2] <= x for box in text), sum(box[0] >= x for box in text)
    return x if left + right > 1.5 * crossing and min(left, right) >= 3 else None


def side(box, gutter):
    """0 left of the gutter, 1 right of it, 2 across it or without one."""
    if gutter is None or box[0] < gutter - 4 < gutter + 4 < box[2]:
        return 2
    return int((box[0] + box[2]) / 2 > gutter)


def belong_together(a, b, reach, pitch, size, gutter):
    if 2 not in (side(a, gutter), side(b, gutter)) and side(a, gutter) != side(b, gutter):
        return False
    if overlap(a, b, 1) > 0.3:
        return gap(a, b, 0) < reach.across * size
    # A line of text is about 0.75 of its font size high; the rest of the pitch is the white between two lines.
    return overlap(a, b, 0) > 0.2 and gap(a, b, 1) < reach.down * pitch - 0.75 * size


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


def group_lines(lines, kind, pitch, gutter):
    """Blocks of one class as [(box, text)]."""
    reach, lines = REACH[CLASSES[kind]], [line for line in lines if line.kind == kind]
    groups = list(range(len(lines)))

    def root(index):
        while groups[index] != index:
            index = groups[index]
        return index

    for first, a in enumerate(lines):
        for second in range(first):
            b = lines[second]
            size = max(a.size, b.size)
            own_pitch = max(pitch, 1.15 * size)
            if root(first) != root(second) and belong_together(a.box, b.box, reach, own_pitch, size, gutter):
                groups[root(first)] = root(second)
    members = {}
    for index, line in enumerate(lines):
        members.setdefault(root(index), []).append(line)
    return [(around([line.box for line in block]), " ".join(line.text for line in block)) for block in members.values()]
