"""The classes, and the text colours that DocBank marks them with.

A class id is its place in CLASSES: weights, data sets and `model.json` rely on the order.
"""

CLASSES = (
    "title", "author", "abstract", "section", "paragraph", "list",
    "equation", "table", "figure", "caption", "reference", "footnote",
)  # fmt: skip
TITLE, AUTHOR, ABSTRACT, SECTION, PARAGRAPH, LIST, EQUATION, TABLE, FIGURE, CAPTION, REFERENCE, FOOTNOTE = range(
    len(CLASSES)
)

# Fill colours of the text in a `*_color.pdf`. Dates are rare and belong to the head of the paper, as authors do. Colours
# not listed here are links or the authors' own; they take the class of the text around them.
CLASS_OF_COLOUR = {
    (0x00, 0x00, 0x00): "paragraph",
    (0x70, 0x18, 0x00): "title",
    (0x70, 0x56, 0x00): "author",
    (0x70, 0xE0, 0x00): "author",
    (0xE0, 0x40, 0x00): "abstract",
    (0xE0, 0x20, 0x00): "section",
    (0x30, 0x20, 0x70): "list",
    (0x18, 0x20, 0x70): "equation",
    (0x4B, 0x00, 0x82): "table",
    (0x48, 0x20, 0x00): "caption",
    (0x30, 0x90, 0x00): "reference",
    (0x90, 0x20, 0x00): "footnote",
}
UNKNOWN = -1
