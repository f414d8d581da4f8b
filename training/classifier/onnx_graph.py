"""Writes the classifier down as an ONNX graph, with everything around the network inside.

`image` uint8 [batch, 32, 32, 3] RGB → `class_ids` int64 [batch, classes] and `scores` float32 [batch, classes], best
first. The picture and its mirror image run as one batch of twice the size; batch norms are folded into the convolutions.
`export.py` compares the result with the network in torch; keep forward() and this alike.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper

from graph import IR_VERSION, OPSET, GraphWriter

from .labelled_pictures import SIDE
from .network import LOGIT_SCALE


def array(tensor):
    return tensor.detach().cpu().numpy()


class ClassifierWriter(GraphWriter):
    def normed(self, layer, x, at):
        """Without a pooling the norm is folded into the convolution; behind one it cannot be, its factors may be negative."""
        norm = layer.norm
        factor = norm.weight / (norm.running_var + norm.eps).sqrt()
        bias = array(norm.bias - norm.running_mean * factor)
        shape = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
        if not layer.pooled:
            weight = self.constant(f"{at}.weight", array(layer.convolution.weight * factor[:, None, None, None]))
            x = self.node("Conv", [x, weight, self.constant(f"{at}.bias", bias)], f"{at}.convolved", **shape)
        else:
            x = self.node(
                "Conv", [x, self.constant(f"{at}.weight", array(layer.convolution.weight))], f"{at}.convolved", **shape
            )
            x = self.node("MaxPool", [x], f"{at}.pooled", kernel_shape=[2, 2], strides=[2, 2])
            x = self.node("Mul", [x, self.constant(f"{at}.factor", array(factor).reshape(1, -1, 1, 1))], f"{at}.scaled")
            x = self.node("Add", [x, self.constant(f"{at}.bias", bias.reshape(1, -1, 1, 1))], f"{at}.shifted")
        return self.node("Relu", [x], f"{at}.active")

    def logits(self, model, x):
        names = [self.constant(f"whiten.{part}", array(getattr(model.whiten, part))) for part in ("weight", "bias")]
        x = self.node("Relu", [self.node("Conv", [x, *names], "whitened", kernel_shape=[2, 2])], "whitened.active")
        for index, stage in enumerate(model.stages):
            x = self.normed(stage.reduce, x, f"stage{index}.reduce")
            inner = self.normed(stage.inner, x, f"stage{index}.inner")
            x = self.node("Add", [x, inner], f"stage{index}.sum")
        strongest = self.node("ReduceMax", [x], "strongest", axes=[2, 3], keepdims=0)
        return self.node(
            "MatMul", [strongest, self.constant("decide", array(model.decide.weight.T) * LOGIT_SCALE)], "logits"
        )


def build_graph(model, classes):
    """An onnx.ModelProto that has passed the checker."""
    writer = ClassifierWriter()
    planes = writer.node("Transpose", ["image"], "planes", perm=[0, 3, 1, 2])
    floats = writer.node("Cast", [planes], "floats", to=TensorProto.FLOAT)
    unit = writer.node("Div", [floats, writer.scalar("levels", 255)], "unit")
    ends = {name: np.array([value], np.int64) for name, value in (("last", -1), ("before", -SIDE - 1), ("columns", 3))}
    slices = [writer.constant(name, value) for name, value in ends.items()]
    mirrored = writer.node("Slice", [unit, *slices, slices[0]], "mirrored")
    logits = writer.logits(model, writer.node("Concat", [unit, mirrored], "both", axis=0))
    writer.nodes.append(helper.make_node("Split", [logits], ["seen", "seen.mirrored"], name="apart", axis=0))
    mean = writer.node("Mul", [writer.node("Add", ["seen", "seen.mirrored"], "sum"), writer.scalar("half", 0.5)], "mean")
    chances = writer.node("Softmax", [mean], "chances", axis=1)
    count = writer.constant("classes", np.array([classes], np.int64))
    writer.nodes.append(helper.make_node("TopK", [chances, count], ["scores", "class_ids"], name="best", axis=1))
    graph = helper.make_graph(
        writer.nodes,
        "classify",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", SIDE, SIDE, 3])],
        [
            helper.make_tensor_value_info("class_ids", TensorProto.INT64, ["batch", classes]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", classes]),
        ],
        writer.constants,
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="outboard-training"
    )
    onnx.checker.check_model(made, full_check=True)
    return made
