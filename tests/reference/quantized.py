"""A small network quantised by onnxruntime: tests/data/quantized.

    python quantized.py [FOLDER]        (default: ../data/quantized)

qoperator.onnx and qdq.onnx are the two formats that onnxruntime writes;
input.npy is a picture, qoperator.npy and qdq.npy are what onnxruntime answers.
gradient.npy is the straight-through gradient of qdq.onnx's first output,
computed by torch in float64.

Made with torch 2.14.1, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
"""
import pathlib
import os
import sys

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (CalibrationDataReader, QuantFormat,
                                      QuantType, quantize_static)

random = np.random.default_rng(7)


def weights(name, *shape):
    scale = 1 / np.sqrt(np.prod(shape[1:]) or 1)
    values = random.standard_normal(shape) * scale
    return numpy_helper.from_array(values.astype("float32"), name)


def network():
    nodes = [
        ("Conv", "x w1 b1", "c1", dict(pads=[1, 1, 1, 1])),
        ("LeakyRelu", "c1", "r1", dict(alpha=0.1)),
        ("MaxPool", "r1", "p1", dict(kernel_shape=[2, 2], strides=[2, 2])),
        ("Conv", "p1 w2 b2", "c2", dict(pads=[1, 1, 1, 1], group=2)),
        ("Add", "c2 p1", "a1", {}),
        ("Sigmoid", "a1", "s1", {}),
        ("Mul", "a1 s1", "m1", {}),
        ("Concat", "m1 p1", "k1", dict(axis=1)),
        # a mean of three: no result lies half way between two integers
        ("AveragePool", "k1", "p2", dict(kernel_shape=[3, 1],
                                         strides=[1, 1])),
        ("GlobalAveragePool", "p2", "g1", {}),
        ("Flatten", "g1", "f1", {}),
        ("Gemm", "f1 w3 b3", "y", dict(transB=1)),
    ]
    graph = helper.make_graph(
        [helper.make_node(op, i.split(), [o], name=o, **a)
         for op, i, o, a in nodes], "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 12, 12])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5])],
        [weights("w1", 8, 3, 3, 3), weights("b1", 8),
         weights("w2", 8, 4, 3, 3), weights("b2", 8),
         weights("w3", 5, 16), weights("b3", 5)])
    return helper.make_model(graph, ir_version=8,
                             opset_imports=[helper.make_opsetid("", 17)])


class Pictures(CalibrationDataReader):
    def __init__(self):
        self.left = iter(random.uniform(-1, 1, (8, 1, 3, 12, 12)))

    def get_next(self):
        picture = next(self.left, None)
        return None if picture is None else {"x": picture.astype("float32")}


def quantize(x, scale, zero):
    """Rounds to uint8; the gradient is that of x / scale inside the range."""
    exact = x / scale
    rounded = (exact.round() + zero).detach()
    inside = (rounded >= 0) & (rounded <= 255)
    through = torch.where(inside, exact, exact.detach())
    return rounded.clamp(0, 255) + (through - exact.detach())


def dequantize(x, scale, zero, axis):
    if scale.ndim == 1 and scale.numel() > 1:
        shape = [-1 if i == axis else 1 for i in range(x.ndim)]
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return (x - zero) * scale


def run_in_torch(path, picture):
    """A QDQ file, node by node; the values by name."""
    model = onnx.load(path)
    values = {i.name: torch.tensor(numpy_helper.to_array(i).astype("f8"))
              for i in model.graph.initializer}
    values["x"] = torch.tensor(picture.astype("f8"), requires_grad=True)
    f = torch.nn.functional
    for node in model.graph.node:
        x = [values[name] for name in node.input]
        a = {at.name: helper.get_attribute_value(at) for at in node.attribute}
        values[node.output[0]] = {
            "QuantizeLinear": lambda: quantize(*x),
            "DequantizeLinear": lambda: dequantize(*x, a.get("axis", 1)),
            "Conv": lambda: f.conv2d(*x, padding=a["pads"][0],
                                     groups=a.get("group", 1)),
            "LeakyRelu": lambda: f.leaky_relu(x[0], a["alpha"]),
            "MaxPool": lambda: f.max_pool2d(x[0], 2),
            "Add": lambda: x[0] + x[1],
            "Mul": lambda: x[0] * x[1],
            "Sigmoid": lambda: x[0].sigmoid(),
            "Concat": lambda: torch.cat(x, a["axis"]),
            "AveragePool": lambda: f.avg_pool2d(x[0], (3, 1), 1),
            "GlobalAveragePool": lambda: x[0].mean((2, 3), keepdim=True),
            "Flatten": lambda: x[0].flatten(1),
            "Gemm": lambda: f.linear(*x),
        }[node.op_type]()
    return values


def main(folder):
    os.makedirs(folder, exist_ok=True)
    original = os.path.join(folder, "float.onnx")
    onnx.save(network(), original)
    picture = random.uniform(-1, 1, (1, 3, 12, 12)).astype("float32")
    np.save(os.path.join(folder, "input.npy"), picture)
    # onnxruntime's products of uint8 and int8 saturate on some processors
    for name, form, per_channel, weight_type in (
            ("qoperator", QuantFormat.QOperator, False, QuantType.QUInt8),
            ("qdq", QuantFormat.QDQ, True, QuantType.QInt8)):
        path = os.path.join(folder, name + ".onnx")
        quantize_static(original, path, Pictures(), quant_format=form,
                        per_channel=per_channel, weight_type=weight_type,
                        activation_type=QuantType.QUInt8)
        options = ort.SessionOptions()
        options.graph_optimization_level = \
            ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(path, options)
        answer, = session.run(None, {"x": picture})
        np.save(os.path.join(folder, name + ".npy"), answer)
        print(name, answer, sorted({n.op_type for n in
                                    onnx.load(path).graph.node}))
    os.remove(original)
    values = run_in_torch(os.path.join(folder, "qdq.onnx"), picture)
    y = values[onnx.load(os.path.join(folder, "qdq.onnx")).graph.output[0].name]
    answer = np.load(os.path.join(folder, "qdq.npy"))
    assert np.abs(y.detach().numpy() - answer).max() < 1e-5, "torch disagrees"
    gradient, = torch.autograd.grad(y[0, 0], values["x"])
    np.save(os.path.join(folder, "gradient.npy"),
            gradient.numpy().astype("float32"))


main(sys.argv[1] if len(sys.argv) > 1 else
     pathlib.Path(__file__).parent.parent / "data/quantized")
