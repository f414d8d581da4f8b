"""From the marks on a page to its labelled blocks: figures, lines, blocks, mending, in that order."""

import numpy as np

from .blocks import Block, group_lines
from .boxes import area, centre_inside, gap, group, share_inside
from .labels import ABSTRACT, AUTHOR, FIGURE, PARAGRAPH, UNKNOWN
from .lines import find_gutter, find_lines, line_pitch, settle_equations, settle_strays
from .mending import (
    drop_overlaps,
    include_rules,
    is_running_head,
    join_blocks,
    mend_equations,
    mend_footnotes,
    mend_front,
    mend_title,
    unfit,
)


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
        if marks.classes[index] in (PARAGRAPH, UNKNOWN) and any(centre_inside(box, figure) for figure in figures):
            keep[index] = False
    return keep


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
