"""From the marks on a page to its labelled blocks, with the known faults of the colouring mended.

Known faults: running heads and page numbers are coloured as body text, drawings made of strokes have no object of their
own, words inside drawings are coloured as body text, and some journals' title and reference commands were missed by the
colouring. A page on which a fault cannot be mended is reported as unfit and is used nowhere, not for measuring either.
"""

import re
from dataclasses import dataclass

import numpy as np

from .blocks import (
    EQUATION, FIGURE, PARAGRAPH, RELATION, TABLE, WORD, area, around, find_gutter, find_lines, gap, group, group_lines, line_pitch,
    overlap, settle_equations, settle_strays, share_inside,
)  # fmt: skip
from .labels import CLASSES, class_id

TITLE, AUTHOR, ABSTRACT, REFERENCE, SECTION = map(class_id, ("title", "author", "abstract", "reference", "section"))
MARGIN = 0.1  # of the page's height, where running heads and page numbers stand
FOOTNOTE = class_id("footnote")
HEADING = re.compile(r"^(abstract|summary|references?|bibliography|acknowledge?ments?|introduction)[.:]?$", re.IGNORECASE)
EQUATION_NUMBER = re.compile(r"^\(?[A-Z]?\.?\d{1,3}(\.\d{1,3})*[a-z]?\)$")
REFERENCE_LINE = re.compile(r"^(\[\d{1,3}\]|\[[A-Z][A-Za-z+]{1,6}\d\d[a-z]?\])")


@dataclass
class Block:
    kind: int
    box: tuple
    text: str


def centre_inside(box, other):
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return other[0] <= x <= other[2] and other[1] <= y <= other[3]


def find_figures(marks):
    """Embedded pictures, and clusters of strokes that hold more drawing than text."""
    page_area = marks.width * marks.height
    size = float(np.median(marks.sizes)) if len(marks.sizes) else 10.0
    near = lambda a, b: gap(a, b, 0) < 1.2 * size and gap(a, b, 1) < 1.2 * size  # noqa: E731
    pictures = [tuple(box) for box in marks.pictures if area(box) < 0.9 * page_area]
    pictures = [box for box in group(pictures, near) if area(box) > 0.003 * page_area]
    loose = [tuple(box) for box in marks.strokes if area(box) < 0.5 * page_area]
    loose = [box for box in loose if not any(share_inside(box, picture) > 0.5 for picture in pictures)]
    tall = [box for box in loose if box[3] - box[1] > 3 and box[2] - box[0] > 0.2]
    if len(tall) > 4000:
        tall = tall[:: len(tall) // 4000 + 1]
    for cluster in group(tall, near):
        inside = [box for box in tall if centre_inside(box, cluster)]
        words = marks.boxes[[centre_inside(box, cluster) for box in marks.boxes]] if len(marks.boxes) else []
        text = sum(area(box) for box in words) / max(1e-6, area(cluster))
        if len(inside) >= 6 and area(cluster) > 0.012 * page_area and cluster[3] - cluster[1] > 4 * size and text < 0.15:
            pictures.append(cluster)
    return group(pictures, near)


def body_characters(marks, figures):
    """Masks out what belongs to a figure: words inside it, unless they are coloured as something else than body text."""
    keep = np.ones(len(marks.boxes), bool)
    for index, box in enumerate(marks.boxes):
        if marks.classes[index] in (PARAGRAPH, -1) and any(centre_inside(box, figure) for figure in figures):
            keep[index] = False
    return keep


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
    sizes = {id(block): max((line.size for line in lines if centre_inside(line.box, block.box)), default=0) for block in blocks}
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
        below = [b for b in blocks if b.kind == PARAGRAPH and b.box[1] > block.box[3] and overlap(b.box, block.box, 0) > 0.3]
        if ruled and not below:
            block.kind = FOOTNOTE


def include_rules(blocks, marks, pitch):
    """A table reaches to the rules above, below and between its rows."""
    for block in blocks:
        if block.kind == TABLE:
            x1, y1, x2, y2 = block.box
            wide = (x1 - 2 * pitch, y1 - pitch, x2 + 2 * pitch, y2 + pitch)
            rules = [tuple(r) for r in marks.strokes if r[3] - r[1] < 2 and share_inside((r[0], r[1], r[2], r[1] + 2), wide) > 0.7]
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


def layout(marks):
    """([Block], reason why the page is unfit or None)."""
    figures = find_figures(marks)
    lines = settle_strays(find_lines(marks, body_characters(marks, figures)))
    if not lines:
        return [Block(FIGURE, box, "") for box in figures], None if figures else "nothing on it"
    pitch, gutter = line_pitch(lines), find_gutter(lines, marks.width)
    size = float(np.median([line.size for line in lines]))
    settle_equations(lines, pitch, gutter)
    blocks = [Block(FIGURE, box, "") for box in figures]
    for kind in {line.kind for line in lines}:
        for box, text in group_lines(lines, kind, pitch, gutter):
            blocks.append(Block(kind, box, text))
    blocks = [block for block in blocks if not is_running_head(block, blocks, marks, size, pitch)]
    mend_title(blocks, lines)
    mend_front(blocks)
    mend_equations(blocks)
    mend_footnotes(blocks, lines, marks, size)
    include_rules(blocks, marks, pitch)
    blocks = [block for block in blocks if block.kind != PARAGRAPH or len(block.text) > 4]
    blocks = join_blocks(blocks, ABSTRACT, 2 * pitch)
    blocks = drop_overlaps(join_blocks(blocks, AUTHOR, 3 * pitch))
    smallest = 0.4 * size
    blocks = [b for b in blocks if b.box[2] - b.box[0] > 2 * smallest and b.box[3] - b.box[1] > smallest]
    return blocks, unfit(blocks, lines, marks.height)
