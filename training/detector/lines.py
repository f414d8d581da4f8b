"""Characters to lines: runs of one class on one line, strays settled, and the measures that a page is read with."""

import re
from dataclasses import dataclass

import numpy as np

from .boxes import around, gap, overlap
from .labels import CAPTION, EQUATION, FOOTNOTE, LIST, PARAGRAPH, REFERENCE, SECTION, UNKNOWN

LABELLED = {LIST, REFERENCE, FOOTNOTE, SECTION, CAPTION}
RELATION = re.compile(r"[=<>≤≥≈∼≡∈→]")
WORD = re.compile(r"[A-Za-z]{4}")
CAPTION_START = re.compile(r"^(fig|table|tab\.|scheme|algorithm)", re.IGNORECASE)


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
