"""Writes the detector down as an ONNX graph, with everything around the network inside.

`image` uint8 [batch, HEIGHT, WIDTH, 3] RGB, `score_threshold` and `iou_threshold` float32 [1] → `detections` float32
[n, 7]: place in the batch, class, score, x1, y1, x2, y2 in pixels of the input; best first over the whole batch. Overlaps
of one class are suppressed in the graph, at most MOST_PER_CLASS are left of a class in a picture. Batch norms are folded
into the convolutions. `export.py` compares the result with the network in torch; keep forward() and this alike.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper

from graph import IR_VERSION, OPSET, GraphWriter

from .network import HEIGHT, LARGEST_SIDE, WIDTH

MOST_PER_CLASS = 100


def array(tensor):
    return tensor.detach().cpu().numpy()


def folded(normed):
    """(weight, bias) of one convolution that does what the convolution and the norm behind it do."""
    norm = normed.norm
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    return array(normed.convolution.weight * factor[:, None, None, None]), array(norm.bias - norm.running_mean * factor)


class DetectorWriter(GraphWriter):
    def whole(self, name, values):
        return self.constant(name, np.array(values, np.int64))

    def convolve(self, weight, bias, x, at, stride=1):
        size = weight.shape[2]
        names = [self.constant(f"{at}.weight", weight), self.constant(f"{at}.bias", bias)]
        return self.node(
            "Conv", [x, *names], at, kernel_shape=[size, size], pads=[size // 2] * 4, strides=[stride, stride]
        )  # fmt: skip

    def normed(self, layer, x, at):
        x = self.convolve(*folded(layer), x, at, layer.convolution.stride[0])
        return self.node("Relu", [x], f"{at}.active") if layer.active else x

    def stage(self, stage, x, at):
        x = self.normed(stage.reduce, x, f"{at}.reduce")
        for index, block in enumerate(stage.blocks):
            inner = self.normed(block.first, x, f"{at}.block{index}.first")
            inner = self.normed(block.second, inner, f"{at}.block{index}.second")
            x = self.node("Relu", [self.node("Add", [x, inner], f"{at}.block{index}.sum")], f"{at}.block{index}")
        return x

    def features(self, model, x):
        x, levels = self.normed(model.stem, x, "stem"), []
        for index, stage in enumerate(model.stages):
            if index == 2:
                x = self.node("Concat", [x, self.where(model, x)], "placed", axis=1)
            x = self.stage(stage, x, f"stage{index}")
            levels.append(x)
        levels = [self.normed(layer, x, f"lateral{i}") for i, (layer, x) in enumerate(zip(model.laterals, levels))]
        factors = self.constant("twice", np.array([1, 1, 2, 2], np.float32))
        for index in (1, 0):
            wider = self.node(
                "Resize", [levels[index + 1], "", factors], f"wider{index}",
                mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
            )  # fmt: skip
            joined = self.node("Add", [levels[index], wider], f"joined{index}")
            levels[index] = self.normed(model.smooth[index], joined, f"smooth{index}")
        return levels

    def where(self, model, x):
        """The planes of coordinates, as often as the batch is large."""
        constant = self.constant("where", array(model.where))
        batch = self.node(
            "Slice", [self.node("Shape", [x], "shape"), self.whole("zero", [0]), self.whole("one", [1])], "batch"
        )
        shape = self.node("Concat", [batch, self.whole("plane", model.where.shape[1:])], "where.shape", axis=0)
        return self.node("Expand", [constant, shape], "where.expanded")

    def answers(self, model, levels):
        """scores [batch, classes, points] and boxes [batch, points, 4] in pixels."""
        kinds, places = [], []
        for index, (head, level) in enumerate(zip(model.heads, levels)):
            parts = (
                ("decide", head.look, head.decide, model.classes, kinds),
                ("place", head.measure, head.place, 4, places),
            )
            for name, first, last, channels, answers in parts:
                x = self.normed(first, level, f"head{index}.{name}.normed")
                x = self.convolve(array(last.weight), array(last.bias), x, f"head{index}.{name}")
                answers.append(self.node("Reshape", [x, self.whole(f"flat{channels}", [0, channels, -1])], f"{x}.flat"))
        scores = self.node("Sigmoid", [self.node("Concat", kinds, "logits", axis=2)], "all.scores")
        places = self.node("Transpose", [self.node("Concat", places, "places", axis=2)], "places.last", perm=[0, 2, 1])
        strides = self.constant("strides", array(model.strides))
        shift, sides = (self.cut(places, name, start, start + 2, 2) for name, start in (("shift", 0), ("sides", 2)))
        shifted = self.node("Add", [shift, self.constant("points", array(model.points))], "shifted")
        centre = self.node("Mul", [shifted, strides], "centre")
        limited = self.node("Clip", [sides, "", self.scalar("largest", LARGEST_SIDE)], "sides.limited")
        half = self.node(
            "Mul",
            [self.node("Exp", [limited], "sides.whole"), self.constant("half", array(model.strides) / 2)],
            "half.sides",
        )
        corners = [self.node(kind, [centre, half], f"corner.{kind}") for kind in ("Sub", "Add")]
        boxes = self.node("Concat", corners, "boxes", axis=2)
        edges = self.constant("edges", np.array([WIDTH, HEIGHT, WIDTH, HEIGHT], np.float32))
        return scores, self.node(
            "Min", [self.node("Max", [boxes, self.scalar("nought", 0)], "boxes.low"), edges], "boxes.inside"
        )

    def cut(self, x, name, start, end, axis):
        return self.node("Slice", [x, *(self.whole(f"at{v}", [v]) for v in (start, end, axis))], name)

    def suppress(self, scores, boxes):
        """NonMaxSuppression's [n, 3] of picture, class and point, turned into rows of what was found there."""
        most = self.whole("most", [MOST_PER_CLASS])
        chosen = self.node("NonMaxSuppression", [boxes, scores, most, "iou_threshold", "score_threshold"], "chosen")
        picture_and_point = self.node("Gather", [chosen, self.whole("columns02", [0, 2])], "picture.point", axis=1)
        found_boxes = self.node("GatherND", [boxes, picture_and_point], "found.boxes")
        found_scores = self.node(
            "Unsqueeze", [self.node("GatherND", [scores, chosen], "found"), self.whole("at1", [1])], "found.scores"
        )
        kinds = self.node("Gather", [chosen, self.whole("columns01", [0, 1])], "picture.class", axis=1)
        kinds = self.node("Cast", [kinds], "picture.class.float", to=TensorProto.FLOAT)
        rows = self.node("Concat", [kinds, found_scores, found_boxes], "rows", axis=1)
        count = self.node(
            "Slice", [self.node("Shape", [rows], "rows.shape"), self.whole("at0", [0]), self.whole("at1", [1])], "count"
        )
        self.nodes.append(helper.make_node("TopK", ["found", count], ["sorted", "order"], name="order", axis=0))
        return self.node("Gather", [rows, "order"], "detections", axis=0)


def build_graph(model):
    """An onnx.ModelProto that has passed the checker."""
    writer = DetectorWriter()
    planes = writer.node("Transpose", ["image"], "planes", perm=[0, 3, 1, 2])
    floats = writer.node("Cast", [planes], "floats", to=TensorProto.FLOAT)
    # Luma as one convolution from white down: 1 − Σ luma · level / 255.
    luma = -array(model.luma).reshape(1, 3, 1, 1) / 255
    ink = writer.convolve(luma.astype(np.float32), np.ones(1, np.float32), floats, "ink")
    scores, boxes = writer.answers(model, writer.features(model, ink))
    writer.suppress(scores, boxes)
    thresholds = [helper.make_tensor_value_info(f"{name}_threshold", TensorProto.FLOAT, [1]) for name in ("score", "iou")]
    graph = helper.make_graph(
        writer.nodes,
        "detect",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", HEIGHT, WIDTH, 3]), *thresholds],
        [helper.make_tensor_value_info("detections", TensorProto.FLOAT, ["n", 7])],
        writer.constants,
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="outboard-training"
    )
    onnx.checker.check_model(made, full_check=True)
    return made
