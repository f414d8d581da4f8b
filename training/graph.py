"""Writes a trained network down as an ONNX graph, node by node, with pre- and post-processing inside.

`image` uint8 [batch, height, width, 3] → `enlarged` uint8 [batch, height·s, width·s, 3]. Built by hand rather than
traced: every node is standard, named and accounted for, no shape depends on the data, and the reduced set of operators
runs on any onnxruntime build, CPU or CUDA. x8 is one graph too: the x4 network, a clip to 0–1, then the x2 network,
without rounding in between. `export_sr.py` compares the result with the network in torch; keep forward() and this alike.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from network import GREY

OPSET = 17
IR_VERSION = 8  # what opset 17 came with; older runtimes refuse newer ones


class GraphWriter:
    def __init__(self):
        self.nodes, self.constants, self.known = [], [], set()

    def constant(self, name, array):
        if name not in self.known:
            self.known.add(name)
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def scalar(self, name, value):
        return self.constant(name, np.array(value, np.float32))

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def convolution(self, layer, x, output):
        weight = self.constant(f"{output}.weight", layer.weight.detach().cpu().numpy())
        bias = self.constant(f"{output}.bias", layer.bias.detach().cpu().numpy())
        return self.node("Conv", [x, weight, bias], output, kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    def network(self, model, x, prefix):
        """float RGB 0–1, NCHW, to the same `model.scale` times larger; the counterpart of Enlarger.forward."""
        centred = self.node("Sub", [x, self.scalar("grey", GREY)], f"{prefix}.centred")
        features = self.convolution(model.head, centred, f"{prefix}.head")
        for index, block in enumerate(model.body):
            at = f"{prefix}.block{index}"
            inner = self.convolution(block.convolution1, self.node("Relu", [features], f"{at}.relu1"), f"{at}.convolution1")
            inner = self.convolution(block.convolution2, self.node("Relu", [inner], f"{at}.relu2"), f"{at}.convolution2")
            features = self.node("Add", [features, inner], f"{at}.sum")
        detail = self.convolution(model.tail, self.node("Relu", [features], f"{prefix}.relu"), f"{prefix}.tail")
        # CRD is the channel order of torch's pixel_shuffle.
        detail = self.node("DepthToSpace", [detail], f"{prefix}.shuffled", blocksize=model.scale, mode="CRD")
        factors = self.constant(f"{prefix}.factors", np.array([1, 1, model.scale, model.scale], np.float32))
        nearest = self.node(
            "Resize", [x, "", factors], f"{prefix}.nearest",
            mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )  # fmt: skip
        sum_ = self.node("Add", [nearest, detail], f"{prefix}.sum")
        return self.node("Clip", [sum_, self.scalar("black", 0), self.scalar("white", 1)], f"{prefix}.clipped")


def build_graph(models):
    """One model, or several run one after another, as an onnx.ModelProto that has passed the checker."""
    writer = GraphWriter()
    scale = int(np.prod([model.scale for model in models]))
    planes = writer.node("Transpose", ["image"], "planes", perm=[0, 3, 1, 2])
    floats = writer.node("Cast", [planes], "floats", to=TensorProto.FLOAT)
    x = writer.node("Div", [floats, writer.scalar("levels", 255)], "unit")
    for model in models:
        x = writer.network(model, x, f"x{model.scale}")
    levels = writer.node("Mul", [x, "levels"], "scaled")
    rounded = writer.node("Round", [levels], "rounded")
    bytes_ = writer.node("Cast", [rounded], "bytes", to=TensorProto.UINT8)
    writer.node("Transpose", [bytes_], "enlarged", perm=[0, 2, 3, 1])
    shape_in = ["batch", "height", "width", 3]
    shape_out = ["batch", f"height*{scale}", f"width*{scale}", 3]
    graph = helper.make_graph(
        writer.nodes,
        f"enlarge_x{scale}",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, shape_in)],
        [helper.make_tensor_value_info("enlarged", TensorProto.UINT8, shape_out)],
        writer.constants,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="outboard-training"
    )
    onnx.checker.check_model(model, full_check=True)
    return model
