"""The embedded models as torch modules, for the references that want torch.

    from onnx_torch import load
    model = load("../../data/efficientnet-lite0.int8.onnx")
    layer = model.cam_layer

Every node becomes one module of torch.nn (an uneven padding one more before its
convolution), called after the value that it makes with "." as "_"; paths gives
the module's name of an ONNX value, cam_value the value that is pooled, cam_layer
the module that makes it.
Constants are widened as the file says, weights behind DequantizeLinear too, and
then rounded to the module's dtype.
Only the operators of data/*.onnx are known. Run as a script it compares each
file with onnxruntime:

    python onnx_torch.py [FILE...]

Made with torch 2.14.1, onnx 1.23.2, onnxruntime 1.32.0.
"""
import glob
import os
import sys

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn


class Add(nn.Module):
    def forward(self, a, b):
        return a + b


class Concat(nn.Module):
    def __init__(self, axis):
        super().__init__()
        self.axis = axis

    def forward(self, *parts):
        return torch.cat(parts, self.axis)


def parameter(array):
    return nn.Parameter(torch.from_numpy(np.array(array, np.float64)))


def dequantized(inputs, attributes):
    """Weights times the scale of their place on the axis; no zero points."""
    weights, scale = (np.asarray(i, np.float64) for i in inputs[:2])
    assert len(inputs) == 2 or not np.any(inputs[2])
    shape = [1] * weights.ndim
    shape[attributes.get("axis", 1)] = -1
    return weights * (scale.reshape(shape) if scale.ndim else scale)


def convolution(weights, bias, a):
    """[padding, if it is uneven, and] the convolution."""
    top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
    even = (top, left) == (bottom, right)
    groups = a.get("group", 1)
    conv = nn.Conv2d(weights.shape[1] * groups, weights.shape[0],
                     tuple(weights.shape[2:]), tuple(a.get("strides", [1, 1])),
                     (top, left) if even else 0,
                     tuple(a.get("dilations", [1, 1])), groups,
                     bias is not None)
    conv.weight = parameter(weights)
    if bias is not None:
        conv.bias = parameter(bias)
    return [conv] if even else [nn.ZeroPad2d((left, right, top, bottom)), conv]


def linear(weights, bias, a):
    assert a.get("alpha", 1) == a.get("beta", 1) == 1 and not a.get("transA")
    weights = weights if a.get("transB") else weights.T
    module = nn.Linear(weights.shape[1], weights.shape[0])
    module.weight, module.bias = parameter(weights), parameter(bias)
    return [module]


def max_pool(a):
    pads = a.get("pads", [0, 0, 0, 0])
    assert pads[:2] == pads[2:]
    return [nn.MaxPool2d(a["kernel_shape"], a["strides"], pads[:2],
                         ceil_mode=bool(a.get("ceil_mode")))]


def clip(low, high):
    assert low == 0 and high == 6
    return [nn.ReLU6()]


def modules_of(node, constants, a):
    """The modules that a node becomes, run one behind the other."""
    given = [constants.get(i) for i in node.input[1:]]
    return {
        "Conv": lambda: convolution(given[0], (given + [None])[1], a),
        "Gemm": lambda: linear(*given, a),
        "Clip": lambda: clip(*given),
        "Relu": lambda: [nn.ReLU()],
        "Add": lambda: [Add()],
        "Concat": lambda: [Concat(a["axis"])],
        "MaxPool": lambda: max_pool(a),
        "GlobalAveragePool": lambda: [nn.AdaptiveAvgPool2d(1)],
        "Flatten": lambda: [nn.Flatten(a.get("axis", 1))],
    }[node.op_type]()


class Graph(nn.Module):
    def __init__(self, file):
        super().__init__()
        graph = onnx.load(file).graph
        constants = {i.name: numpy_helper.to_array(i)
                     for i in graph.initializer}
        self.steps, self.paths = [], {}    # (paths, inputs, output)
        for node in graph.node:
            a = {x.name: onnx.helper.get_attribute_value(x)
                 for x in node.attribute}
            if node.op_type == "DequantizeLinear":
                constants[node.output[0]] = dequantized(
                    [constants[i] for i in node.input], a)
            else:
                self.append(node, constants, a)
        self.input, self.output = graph.input[0].name, graph.output[0].name

    def append(self, node, constants, a):
        path = node.output[0].replace(".", "_")
        modules = modules_of(node, constants, a)
        paths = [f"{path}_pad"] * (len(modules) - 1) + [path]
        for name, module in zip(paths, modules):
            self.add_module(name, module)
        self.steps.append((paths, [i for i in node.input if i not in constants],
                           node.output[0]))
        self.paths[node.output[0]] = path

    @property
    def cam_value(self):
        return next(inputs[0] for paths, inputs, _ in self.steps
                    if isinstance(self.get_submodule(paths[-1]),
                                  nn.AdaptiveAvgPool2d))

    @property
    def cam_layer(self):
        return self.get_submodule(self.paths[self.cam_value])

    def forward(self, x):
        values = {self.input: x}
        for paths, inputs, output in self.steps:
            got = [values[i] for i in inputs]
            for path in paths:
                got = [self.get_submodule(path)(*got)]
            values[output] = got[0]
        return values[self.output]


def load(file, dtype=torch.float32):
    """The module in eval mode."""
    return Graph(file).to(dtype).eval()


def check(file):
    import onnxruntime
    session = onnxruntime.InferenceSession(file)
    first = session.get_inputs()[0]
    x = np.random.default_rng(1).normal(
        size=[2] + list(first.shape[1:])).astype(np.float32)
    want = session.run(None, {first.name: x})[0]
    with torch.no_grad():
        got = load(file)(torch.from_numpy(x)).numpy()
    distance = np.abs(got - want).max() / np.abs(want).max()
    print(f"{os.path.basename(file)}: {distance:.1e} of the largest logit "
          "from onnxruntime's")
    return distance <= 1e-5


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    files = sys.argv[1:] or sorted(glob.glob(f"{here}/../../data/*.onnx"))
    sys.exit(not all([check(file) for file in files]))
