"""Mends the known faults of the colouring, as far as they are plain.

Running heads and page numbers are coloured as body text, some journals' commands for titles, authors and footnotes were
missed, the numbers of equations stand alone, tables end before their rules. A page on which a fault cannot be mended is
unfit and is used nowhere, not for measuring either.
"""

import re

import numpy as np

from .blocks import Block
from .boxes import area, around, centre_inside, gap, group, overlap, share_inside
from .labels import ABSTRACT, AUTHOR, CLASSES, EQUATION, FOOTNOTE, PARAGRAPH, SECTION, TABLE, TITLE
from .lines import RELATION, WORD

MARGIN = 0.1  # of the page's height, where running heads and page numbers stand
HEADING = re.compile(r"^(abstract|summary|references?|bibliography|acknowledge?ments?|introduction)[.:]?$", re.IGNORECASE)
EQUATION_NUMBER = re.compile(r"^\(?[A-Z]?\.?\d{1,3}(\.\d{1,3})*[a-z]?\)$")
REFERENCE_LINE = re.compile(r"^(\[\d{1,3}\]|\[[A-Z][A-Za-z+]{1,6}\d\d[a-z]?\])")


def is_running_head(block, blocks, marks, size, pitch):
    """One line in the margin, or the outermost line of the page with more white before the next than lines have."""
    x1, y1, x2, y2 = block.box
    if block.kind != PARAGRAPH or y2 - y1 > 1.7 * size:
        return False
    if y2 < MARGIN * marks.height or y1 > (1 - MARGIN) * marks.height:
        return True
    others = [other.box for other in blocks if other is not block and overlap(other.box, block.box, 1) < 0.5]
    above, below = [box for box in others if box[1] < y2], [box for box in others if box[3] > y1]
    if not above and y2 < 2 * MARGIN * marks.height:
        return min(box[1] for box in below) - y2 > pitch if below else True
    if not below and y1 > (1 - 3 * MARGIN) * marks.height:
        return y1 - max(box[3] for box in above) > pitch if above else True
    return False


def mend_title(blocks, lines):
    """A front page without a title takes the largest body text above its author or abstract for one."""
    heads = [block for block in blocks if block.kind in (AUTHOR, ABSTRACT)]
    if not heads or any(block.kind == TITLE for block in blocks):
        return
    ceiling = min(block.box[1] for block in heads)
    sizes = {
        id(block): max((line.size for line in lines if centre_inside(line.box, block.box)), default=0) for block in blocks
    }
    above = [block for block in blocks if block.kind == PARAGRAPH and block.box[3] < ceiling + 2]
    body = float(np.median([line.size for line in lines]))
    best = max(above, key=lambda block: sizes[id(block)], default=None)
    if best is not None and sizes[id(best)] > 1.15 * body:
        best.kind = TITLE


def mend_front(blocks):
    """The word "Abstract" joins the abstract, and body text between title and abstract is about the authors."""
    titles, abstracts = ([block for block in blocks if block.kind == kind] for kind in (TITLE, ABSTRACT))
    for block in blocks:
        if block.kind == PARAGRAPH and HEADING.match(block.text):
            block.kind = ABSTRACT if abstracts and block.text.lower().startswith("abs") else SECTION
    if titles and abstracts:
        bottom, top = max(block.box[3] for block in titles), min(block.box[1] for block in abstracts)
        for block in blocks:
            if block.kind == PARAGRAPH and bottom - 2 < block.box[1] and block.box[3] < top + 2:
                block.kind = AUTHOR


def mend_equations(blocks):
    """Numbers beside an equation join it; body text without a single word, but with a relation in it, is an equation."""
    for block in blocks:
        if block.kind != PARAGRAPH:
            continue
        if EQUATION_NUMBER.match(block.text):
            beside = [b for b in blocks if b.kind == EQUATION and overlap(b.box, block.box, 1) > 0.3]
            if beside:
                nearest = min(beside, key=lambda b: max(0, gap(b.box, block.box, 0)))
                nearest.box = around([nearest.box, block.box])
            block.text = ""
        elif RELATION.search(block.text) and not WORD.search(block.text):
            block.kind = EQUATION


def mend_footnotes(blocks, lines, marks, body):
    """Small body text under a short rule, with nothing but more of its kind below it."""
    rules = [box for box in marks.strokes if box[3] - box[1] < 2 and 0.05 < (box[2] - box[0]) / marks.width < 0.5]
    for block in blocks:
        sizes = [line.size for line in lines if centre_inside(line.box, block.box)]
        if block.kind != PARAGRAPH or block.box[1] < 0.5 * marks.height or not sizes or np.median(sizes) > 0.92 * body:
            continue
        ruled = any(0 < block.box[1] - rule[3] < 1.5 * body and abs(rule[0] - block.box[0]) < 2 * body for rule in rules)
        below = [
            b for b in blocks if b.kind == PARAGRAPH and b.box[1] > block.box[3] and overlap(b.box, block.box, 0) > 0.3
        ]
        if ruled and not below:
            block.kind = FOOTNOTE


def include_rules(blocks, marks, pitch):
    """A table reaches to the rules above, below and between its rows."""
    for block in blocks:
        if block.kind == TABLE:
            x1, y1, x2, y2 = block.box
            wide = (x1 - 2 * pitch, y1 - pitch, x2 + 2 * pitch, y2 + pitch)
            rules = [
                tuple(r)
                for r in marks.strokes
                if r[3] - r[1] < 2 and share_inside((r[0], r[1], r[2], r[1] + 2), wide) > 0.7
            ]
            block.box = around([block.box, *rules])


def join_blocks(blocks, kind, distance):
    """Blocks of a class that mending has left in pieces, at most `distance` points apart from top to bottom."""
    same = [block for block in blocks if block.kind == kind]
    boxes = group([b.box for b in same], lambda a, b: overlap(a, b, 0) > 0.1 and gap(a, b, 1) < distance)
    joined = [Block(kind, box, " ".join(b.text for b in same if share_inside(b.box, box) > 0.9)) for box in boxes]
    return [block for block in blocks if block.kind != kind] + joined


def drop_overlaps(blocks):
    """The same class twice becomes one box; a speck inside another class's block is a fault of the colouring."""
    for kind in range(len(CLASSES)):
        same = [block for block in blocks if block.kind == kind]
        boxes = group([block.box for block in same], lambda a, b: max(share_inside(a, b), share_inside(b, a)) > 0.4)
        if len(boxes) < len(same):
            texts = [" ".join(block.text for block in same if share_inside(block.box, box) > 0.5) for box in boxes]
            blocks = [block for block in blocks if block.kind != kind]
            blocks += [Block(kind, box, text) for box, text in zip(boxes, texts)]
    return [
        block for block in blocks
        if not any(
            other is not block and share_inside(block.box, other.box) > 0.7 and area(block.box) < 0.5 * area(other.box)
            for other in blocks
        )
    ]  # fmt: skip


def unfit(blocks, lines, height):
    """Why the colouring of a page cannot be trusted, or None."""
    if not blocks:
        return "nothing on it"
    if sum(bool(REFERENCE_LINE.match(line.text)) for line in lines if line.kind == PARAGRAPH) >= 3:
        return "references coloured as body text"
    kinds = {block.kind for block in blocks}
    if any(block.kind == AUTHOR and block.box[3] - block.box[1] > 0.35 * height for block in blocks):
        return "abstract coloured as author"
    if kinds & {AUTHOR, ABSTRACT} and TITLE not in kinds:
        return "front page without a title"
    return None
