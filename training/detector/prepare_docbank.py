"""Makes the data set out of DocBank's sample papers: page pictures, and their blocks in COCO's form.

    python -m detector.prepare_docbank --papers FOLDER --out DATA

FOLDER holds pairs `NAME_black.pdf` (what a reader sees) and `NAME_color.pdf` (the same pages, where the colour of the
text tells its class). Papers, not pages, are split into train and test: pages of one paper look alike, and a page-wise
split would flatter the detector.
"""

import argparse
import json
import random
from collections import Counter
from pathlib import Path

import pypdfium2
from PIL import Image

from .labels import CLASSES
from .page_layout import layout
from .page_marks import read_marks

PIXELS_HIGH = 960  # of a page, half as many again as the network sees, so that training can move and scale it


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--papers", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--test-papers", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def render(page):
    width, height = page.get_size()
    twice = page.render(scale=2 * PIXELS_HIGH / height, grayscale=True).to_pil().convert("L")
    return twice.resize((round(width * PIXELS_HIGH / height), PIXELS_HIGH), Image.Resampling.LANCZOS)


def as_coco(split):
    return {
        "info": {"papers": split["papers"]},
        "categories": [{"id": index, "name": name} for index, name in enumerate(CLASSES)],
        "images": split["images"],
        "annotations": split["annotations"],
    }


def add_paper(split, colour_path, folder, left_out):
    name = colour_path.name.removesuffix("_color.pdf")
    coloured = pypdfium2.PdfDocument(colour_path)
    plain = pypdfium2.PdfDocument(colour_path.with_name(f"{name}_black.pdf"))
    if len(coloured) != len(plain):
        left_out["pages do not match"] += len(plain)
        return
    split["papers"] += 1
    for number in range(len(plain)):
        page, twin = plain[number], coloured[number]
        if page.get_size() != twin.get_size() or page.get_rotation() or page.get_mediabox() != page.get_cropbox():
            left_out["rotated or cropped"] += 1
            continue
        marks = read_marks(twin)
        blocks, fault = layout(marks)
        if fault:
            left_out[fault] += 1
            continue
        file = f"{name}.{number + 1}.png"
        if (folder / file).exists():
            picture = Image.open(folder / file)
        else:
            picture = render(page)
            picture.save(folder / file)
        scale, image_id = PIXELS_HIGH / marks.height, len(split["images"])
        split["images"].append({"id": image_id, "file_name": file, "width": picture.width, "height": picture.height})
        for block in blocks:
            x1, y1, x2, y2 = (round(value * scale, 1) for value in block.box)
            split["annotations"].append(
                {
                    "id": len(split["annotations"]),
                    "image_id": image_id,
                    "category_id": block.kind,
                    "bbox": [x1, y1, round(x2 - x1, 1), round(y2 - y1, 1)],
                }
            )


def main():
    options = parse()
    papers = sorted(options.papers.rglob("*_color.pdf"))
    random.Random(options.seed).shuffle(papers)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, part in (("test", papers[: options.test_papers]), ("train", papers[options.test_papers :])):
        folder = options.out / name
        folder.mkdir(exist_ok=True)
        split, left_out = {"papers": 0, "images": [], "annotations": []}, Counter()
        for path in part:
            add_paper(split, path, folder, left_out)
        (options.out / f"{name}.json").write_text(json.dumps(as_coco(split)))
        counts = Counter(CLASSES[a["category_id"]] for a in split["annotations"])
        print(
            f"{name}: {split['papers']} papers, {len(split['images'])} pages, {dict(counts)}; left out {dict(left_out)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
