"""Small networks in the idioms of exporters: tests/data/exporters.

    python exporters.py [FOLDER]        (default: ../data/exporters)

NAME.onnx is written with onnx.helper as an exporter of that name writes: its
opset, its forms of bias, flattening, padding, layout and activation, its names.
fused.onnx and fused_attention.onnx are what onnxruntime's optimiser made of two
networks. caffe2.onnx is of opset 6, which onnxruntime does not run: its answers
are those of the same network in the forms of opset 7.

NAME.npy holds onnxruntime's answers (the first output, flattened) for the
input x[i] = sin(1.7 i + 0.3), then the derivative of the answer's sum with
weights w[i] = cos(0.9 i) along d[i] = cos(2.3 i), by central differences of
onnxruntime's answers. The script stops where left and right do not agree on it.

Made with onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(11)


def weights(*shape, scale=None):
    fan = np.prod(shape[1:]) if len(shape) > 1 else 4
    return (random.standard_normal(shape) * (scale or 1 / np.sqrt(fan))
            ).astype("float32")


class Net:
    """Nodes one after the other; x is the last value's name."""

    def __init__(self, opset, shape, domain=None, ir=None):
        self.opset, self.shape, self.nodes, self.tensors = opset, shape, [], []
        self.x, self.ir, self.count = "data", ir, 0

    def tensor(self, value, name=None):
        name = name or f"const_{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, op, *inputs, name=None, domain="", outputs=1, **attributes):
        """Inputs: arrays become weights, None the last value."""
        self.count += 1
        names = [self.x if i is None else i if isinstance(i, str)
                 else self.tensor(i) for i in inputs or (None,)]
        output = [name or f"{op.lower()}_{self.count}"]
        output += [f"{output[0]}_{k}" for k in range(1, outputs)]
        self.nodes.append(helper.make_node(op, names, output, name=output[0],
                                           domain=domain, **attributes))
        self.x = output[0]
        return self.x

    def conv(self, c_in, c_out, k=3, bias=True, **attributes):
        w = [weights(c_out, c_in // attributes.get("group", 1), k, k)]
        if bias:
            w.append(weights(c_out))
        return self.add("Conv", None, *w, kernel_shape=[k, k], **attributes)

    def norm(self, channels, **attributes):
        one = np.ones(channels, "float32")
        return self.add("BatchNormalization", None,
                        one + 0.3 * weights(channels), weights(channels),
                        weights(channels), one + 0.5 * abs(weights(channels)),
                        **attributes)

    def model(self):
        graph = helper.make_graph(
            self.nodes, "net",
            [helper.make_tensor_value_info("data", TensorProto.FLOAT,
                                           self.shape)],
            [helper.make_tensor_value_info(self.x, TensorProto.FLOAT, None)],
            self.tensors)
        if self.ir == 3:  # weights were inputs, too
            for t in self.tensors:
                graph.input.append(helper.make_tensor_value_info(
                    t.name, t.data_type, t.dims))
        return helper.make_model(graph, ir_version=self.ir or 8,
                                 opset_imports=[helper.make_opsetid(
                                     "", self.opset)])


def mxnet():
    n = Net(8, [1, 3, 10, 10], ir=3)
    n.add("Sub", None, np.float32([0.5]), name="_minusscalar0")
    n.add("Div", None, np.float32([0.8]), name="_divscalar0")
    n.norm(3, epsilon=2e-5, momentum=0.9, spatial=1)
    n.conv(3, 6, bias=False, pads=[1, 1, 1, 1], strides=[1, 1], group=1,
           dilations=[1, 1])
    n.norm(6, epsilon=1e-3, momentum=0.9, spatial=1)
    a = n.add("LeakyRelu", None, alpha=0.25)
    n.conv(6, 6, group=6, pads=[1, 1, 1, 1])
    n.add("PRelu", None, abs(weights(6, 1, 1)))
    b = n.add("Elu", None, alpha=0.7)
    n.add("Sum", a, b, name="_plus0")
    n.add("LRN", None, alpha=1e-2, beta=0.75, bias=2.0, size=5)
    n.add("MaxPool", None, kernel_shape=[3, 3], strides=[2, 2],
          pads=[0, 0, 1, 1])
    n.add("AveragePool", None, kernel_shape=[2, 2], strides=[1, 1],
          pads=[0, 0, 0, 0], count_include_pad=1)
    n.add("Reshape", None, np.int64([0, -1]))
    n.add("Gemm", None, weights(7, 96), weights(7), alpha=1.0, beta=1.0,
          transA=0, transB=1)
    return n.add("LogSoftmax", None, axis=1) and n


def coreml():
    n = Net(7, [1, 3, 12, 12], ir=3)
    n.add("ImageScaler", None, scale=0.9, bias=[-0.1, 0.2, 0.3])
    n.add("Crop", None, border=[1, 2, 1, 0])
    n.conv(3, 4, auto_pad="SAME_UPPER", strides=[2, 2], dilations=[1, 1],
           group=1)
    n.add("ParametricSoftplus", None, alpha=0.8, beta=1.3)
    n.add("Affine", None, alpha=1.2, beta=-0.4)
    n.add("Upsample", None, mode="nearest", scales=[1.0, 1.0, 2.0, 2.0])
    n.conv(4, 4, auto_pad="VALID")
    n.add("ScaledTanh", None, alpha=1.7, beta=0.6)
    n.add("ThresholdedRelu", None, alpha=0.2)
    n.add("InstanceNormalization", None, 1 + weights(4), weights(4),
          epsilon=1e-2)
    n.add("GlobalAveragePool")
    n.add("Flatten", None, axis=1)
    n.add("MatMul", None, weights(4, 5))
    n.add("Add", None, weights(5))
    return n


def cntk():
    n = Net(7, [1, 3, 9, 9], ir=3)
    n.add("Sub", None, weights(3, 1, 1), name="Minus38")
    n.add("Conv", None, weights(4, 3, 3, 3), auto_pad="SAME_UPPER",
          kernel_shape=[3, 3], strides=[2, 2], dilations=[1, 1], group=1)
    n.add("Add", None, weights(4, 1, 1), name="Plus112")
    n.add("Pad", None, mode="constant", pads=[0, 0, 1, 1, 0, 0, 1, 1],
          value=0.0)
    n.add("MaxPool", None, auto_pad="NOTSET", kernel_shape=[3, 3],
          strides=[2, 2], pads=[0, 0, 0, 0])
    n.norm(4, epsilon=1e-5, spatial=1)
    a = n.x
    b = n.add("Sigmoid", a)
    n.add("Mul", a, b)
    n.add("AveragePool", None, auto_pad="VALID", kernel_shape=[2, 2],
          strides=[1, 1])
    n.add("Reshape", None, np.int64([1, 16]))
    n.add("MatMul", None, weights(16, 5), name="Times212")
    n.add("Add", None, weights(1, 5))
    return n


def matlab():
    n = Net(8, [1, 3, 11, 11])
    n.add("Sub", None, weights(1, 3, 11, 11), name="input_mean")
    n.conv(3, 6, strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1], group=1)
    n.add("Relu")
    n.add("LRN", None, alpha=1e-3, beta=0.75, bias=1.0, size=5)
    n.add("MaxPool", None, kernel_shape=[3, 3], strides=[2, 2],
          pads=[0, 0, 0, 0])
    n.conv(6, 6, group=2, pads=[1, 1, 1, 1])
    n.add("Clip", None, min=-1.0, max=1.5)
    n.add("Flatten")
    n.add("Gemm", None, weights(8, 150), weights(8), transB=1)
    n.add("Tanh")
    n.add("Gemm", None, weights(8, 5), weights(5))
    return n.add("Softmax", None, axis=1) and n


def darknet():
    n = Net(10, [1, 3, 16, 16])
    def layer(c_in, c_out, k=3, stride=1):
        n.conv(c_in, c_out, k, bias=False, auto_pad="SAME_LOWER",
               strides=[stride, stride], dilations=[1, 1])
        n.norm(c_out, epsilon=1e-5, momentum=0.99)
        return n.add("LeakyRelu", None, alpha=0.1)
    layer(3, 4)
    fine = layer(4, 6, stride=2)
    layer(6, 4, 1)
    layer(4, 6)
    fine = n.add("Add", None, fine)
    layer(6, 8, stride=2)
    layer(8, 4, 1)
    n.add("Resize", None, np.float32([1, 1, 2, 2]), mode="nearest")
    n.add("Concat", None, fine, axis=1)
    n.conv(10, 2 * 7, 1)
    n.add("Reshape", None, np.int64([1, 2, 7, 8, 8]))
    grid = n.add("Transpose", None, perm=[0, 1, 3, 4, 2])
    def part(start, end):
        return n.add("Slice", grid, np.int64([start]), np.int64([end]),
                     np.int64([4]))
    xy = n.add("Sigmoid", part(0, 2))
    wh = n.add("Mul", n.add("Exp", part(2, 4)),
               np.float32([[1, 2], [3, 1]]).reshape(1, 2, 1, 1, 2))
    score = n.add("Sigmoid", part(4, 7))
    n.add("Concat", xy, wh, score, axis=4)
    n.add("Reshape", None, np.int64([1, -1, 7]))
    return n


def tf2onnx():
    n = Net(13, [1, 10, 10, 3])
    n.add("Transpose", None, perm=[0, 3, 1, 2])
    n.add("Pad", None, np.int64([0, 0, 0, 0, 0, 0, 1, 1]))
    n.conv(3, 6, bias=False, strides=[2, 2])
    n.add("Add", None, weights(1, 6, 1, 1), name="BiasAdd")
    n.add("Relu")
    a = n.add("Min", None, np.float32(0.7), name="Relu6")
    n.add("ReduceMean", None, axes=[2, 3], keepdims=1)
    n.conv(6, 3, 1)
    n.add("Mul", n.x, n.add("Sigmoid"))
    n.conv(3, 6, 1)
    n.add("Sigmoid")
    n.add("Mul", None, a)
    n.add("Resize", None, "", np.float32([1, 1, 2, 2]), mode="linear",
          coordinate_transformation_mode="half_pixel")
    n.conv(6, 4, 3, group=2, pads=[1, 1, 1, 1])
    n.add("Transpose", None, perm=[0, 2, 3, 1], name="StatefulPartitionedCall")
    body = n.x
    n.add("Shape")
    n.add("Slice", None, np.int64([0]), np.int64([1]), np.int64([0]))
    shape = n.add("Concat", None, np.int64([100]), np.int64([4]), axis=0)
    n.add("Reshape", body, shape)
    n.add("ReduceMax", None, axes=[1], keepdims=0)
    n.add("MatMul", None, weights(4, 5))
    n.add("Add", None, weights(5))
    return n.add("Softmax", None, axis=1) and n


def keras2onnx():
    n = Net(11, [1, 9, 9, 3])
    n.add("Transpose", None, perm=[0, 3, 1, 2], name="adjusted_input")
    n.add("Conv", None, weights(4, 3, 3, 3), weights(4), dilations=[1, 1],
          group=1, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    n.norm(4, epsilon=1e-3, momentum=0.99)
    n.add("Clip", None, np.float32(0), np.float32(6))
    n.add("ConvTranspose", None, weights(4, 3, 3, 3), weights(3),
          auto_pad="SAME_UPPER", strides=[2, 2], kernel_shape=[3, 3])
    n.add("Selu")
    n.add("AveragePool", None, kernel_shape=[2, 2], strides=[2, 2],
          auto_pad="SAME_UPPER")
    n.add("GlobalAveragePool")
    n.add("Squeeze", None, axes=[2, 3])
    n.add("MatMul", None, weights(3, 5), name="dense")
    n.add("Add", None, weights(5), name="biased_tensor_name")
    return n.add("Sigmoid") and n


def paddle2onnx():
    n = Net(11, [1, 3, 10, 10])
    n.conv(3, 6, bias=False, strides=[2, 2], pads=[1, 1, 1, 1],
           dilations=[1, 1], group=1)
    a = n.norm(6, epsilon=1e-5, momentum=0.9)
    n.add("Add", None, np.float32([3]), name="p2o.Add.0")
    n.add("Clip", None, np.float32(0), np.float32(6))
    n.add("Mul", a, None)
    a = n.add("Div", None, np.float32([6]))
    n.add("GlobalAveragePool")
    n.conv(6, 2, 1, bias=False)
    body = n.x
    bias = n.add("Reshape", weights(2), np.int64([1, 2, 1, 1]))
    n.add("Add", body, bias, name="elementwise_add")
    n.add("Relu")
    n.conv(2, 6, 1)
    n.add("HardSigmoid", None, alpha=1 / 6, beta=0.5)
    n.add("Mul", a, None)
    n.add("Resize", None, np.float32([]), np.float32([]),
          np.int64([1, 6, 8, 7]), mode="linear",
          coordinate_transformation_mode="align_corners", nearest_mode="floor")
    n.add("Pad", None, np.int64([0, 0, 1, 2, 0, 0, 1, 0]), np.float32(0.1),
          mode="reflect")
    n.conv(6, 4)
    body = n.x
    n.add("Shape")
    n.add("Slice", None, np.int64([0]), np.int64([1]), np.int64([0]))
    shape = n.add("Concat", None, np.int64([-1]), axis=0)
    n.add("Reshape", body, shape)
    n.add("MatMul", None, weights(224, 5))
    n.add("Mul", None, np.float32([1.5]), name="Scale")
    n.add("Add", None, weights(5))
    return n.add("Softmax", None, axis=-1) and n


def caffe2(opset):
    """In the forms of opset 6, or 7."""
    old = opset == 6
    n = Net(opset, [1, 3, 9, 9], ir=3)
    aligned = dict(broadcast=1, axis=1) if old else {}
    test = dict(is_test=1) if old else {}
    def along(*shape):
        w = weights(*shape)
        return w if old else w.reshape(*shape, 1, 1)
    n.add("Mul", None, along(3), **aligned)
    n.conv(3, 4, bias=False, pads=[1, 1, 1, 1])
    n.add("Add", None, along(4), **aligned)
    n.norm(4, epsilon=1e-5, **test)
    slope = abs(weights(4))
    n.add("PRelu", None, slope if old else slope.reshape(4, 1, 1))
    n.add("MaxPool", None, kernel_shape=[3, 3], strides=[2, 2])
    if old:
        n.add("Upsample", None, mode="nearest", height_scale=2.0,
              width_scale=2.0)
    else:
        n.add("Upsample", None, mode="nearest", scales=[1.0, 1.0, 2.0, 2.0])
    n.add("Sub", None, np.float32([0.1]), **(dict(broadcast=1) if old else {}))
    n.add("Dropout", None, ratio=0.5, **test)
    n.add("Reshape", None, np.int64([0, -1]))
    n.add("Gemm", None, weights(256, 5), weights(5),
          **(dict(broadcast=1) if old else {}))
    return n


def vision():
    n = Net(17, [1, 3, 9, 9])
    a = n.conv(3, 6, pads=[1, 1, 1, 1])
    n.add("Relu")
    n.conv(6, 6, pads=[1, 1, 1, 1])
    n.add("Add", None, a)
    n.add("Relu")
    n.conv(6, 4)
    n.add("LeakyRelu", None, alpha=0.2)
    n.conv(4, 4)
    n.add("HardSigmoid", None, alpha=0.3, beta=0.4)
    n.conv(4, 4)
    n.add("Clip", None, np.float32(-0.4), np.float32(0.5))
    n.add("Flatten")
    n.add("Gemm", None, weights(36, 8), weights(8))
    n.add("Relu")
    n.add("Gemm", None, weights(8, 5), weights(5))
    return n


def tokens():
    n = Net(17, [1, 6, 8])
    def gelu():
        x = n.x
        n.add("Div", None, np.float32(np.sqrt(2)))
        n.add("Erf")
        n.add("Add", None, np.float32(1))
        n.add("Mul", x, None)
        return n.add("Mul", None, np.float32(0.5))
    skip = n.add("MatMul", None, weights(8, 8))
    n.add("LayerNormalization", None, 1 + 0.3 * weights(8), weights(8),
          axis=-1, epsilon=1e-5)
    n.add("MatMul", None, weights(8, 12))
    n.add("Add", None, weights(12))
    gelu()
    n.add("MatMul", None, weights(12, 8))
    n.add("Add", None, weights(8))
    n.add("Add", None, skip)
    n.add("LayerNormalization", None, 1 + 0.3 * weights(8), weights(8),
          axis=-1, epsilon=1e-5)
    q = n.x
    n.add("Transpose", q, perm=[0, 2, 1])
    n.add("MatMul", q, None)
    n.add("Mul", None, np.float32(0.3))
    n.add("Softmax", None, axis=-1)
    n.add("MatMul", None, q)
    n.add("MatMul", None, weights(8, 5))
    s = n.x
    n.add("Mul", None, np.float32(1.702))
    n.add("Sigmoid")
    n.add("Mul", s, None)
    return n


def optimized(model, path):
    options = ort.SessionOptions()
    options.graph_optimization_level = (
        ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED)
    options.optimized_model_filepath = str(path)
    ort.InferenceSession(model.SerializeToString(), options,
                         providers=["CPUExecutionProvider"])
    return onnx.load(path)


def reference(model):
    options = ort.SessionOptions()
    options.graph_optimization_level = (
        ort.GraphOptimizationLevel.ORT_DISABLE_ALL)
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options,
                                   providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    i = np.arange(np.prod(entry.shape))
    x = np.sin(1.7 * i + 0.3).reshape(entry.shape)
    d = np.cos(2.3 * i).reshape(entry.shape)

    def run(step):
        fed = (x + step * d).astype("float32")
        return session.run(None, {entry.name: fed})[0].ravel().astype("float64")

    answers = run(0)
    w = np.cos(0.9 * np.arange(answers.size))

    def slopes(h):
        right, left = ((w @ (run(s * h) - answers)) / (s * h) for s in (1, -1))
        return abs(right - left), (right + left) / 2

    # larger steps cross kinks, smaller ones drown in rounding: the best is the
    # one with the same slope to the left and to the right
    off, best = min(slopes(h) for h in (4e-3, 2e-3, 1e-3, 5e-4, 2.5e-4))
    assert off < 4e-2 * max(abs(best), 0.1), (off, best)
    return np.append(answers, best).astype("float32")


def main():
    here = pathlib.Path(__file__).parent
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1
                          else here / "../data/exporters")
    folder.mkdir(parents=True, exist_ok=True)
    for make in (mxnet, coreml, cntk, matlab, darknet, tf2onnx, keras2onnx,
                 paddle2onnx):
        model = make().model()
        onnx.save(model, folder / f"{make.__name__}.onnx")
        np.save(folder / f"{make.__name__}.npy", reference(model))
    for opset in (6, 7):
        global random
        random = np.random.default_rng(12)
        model = caffe2(opset).model()
        if opset == 6:
            onnx.save(model, folder / "caffe2.onnx")
        else:
            np.save(folder / "caffe2.npy", reference(model))
    for name, make in (("fused", vision), ("fused_tokens", tokens)):
        model = make().model()
        path = folder / f"{name}.onnx"
        kinds = {n.op_type for n in optimized(model, path).graph.node}
        print(name, *sorted(kinds))
        np.save(folder / f"{name}.npy", reference(model))


main()
