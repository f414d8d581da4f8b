"""Lines to blocks: one box for each stretch of neighbouring lines of one class.

Distances are measured in the page's own line pitch and font size, so that one set of tolerances serves dense two-column
papers and double-spaced manuscripts. Nothing grows across the gutter of a two-column page unless it crosses it itself.
"""

from dataclasses import dataclass

from .boxes import around, gap, overlap
from .labels import CLASSES
from .lines import side


@dataclass
class Block:
    kind: int
    box: tuple
    text: str


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


def belong_together(a, b, reach, pitch, size, gutter):
    if 2 not in (side(a, gutter), side(b, gutter)) and side(a, gutter) != side(b, gutter):
        return False
    if overlap(a, b, 1) > 0.3:
        return gap(a, b, 0) < reach.across * size
    # A line of text is about 0.75 of its font size high; the rest of the pitch is the white between two lines.
    return overlap(a, b, 0) > 0.2 and gap(a, b, 1) < reach.down * pitch - 0.75 * size


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
