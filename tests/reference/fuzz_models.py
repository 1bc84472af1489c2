"""Seeds for fuzzing the ONNX reader: tests/fuzz/corpus/fuzz_model.

    python fuzz_models.py [FOLDER]

Models of a few hundred bytes that together hold every form that the reader
knows; fuzzing does the rest.

Made with onnx 1.23.2, numpy 2.4.6.
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "..", "fuzz", "corpus", "fuzz_model")


def raw(name, values, kind=np.float32):
    return numpy_helper.from_array(np.asarray(values, kind), name)


def typed(name, kind, values):
    return h.make_tensor(name, kind, [len(values)], values)


def model(nodes, weights=(), shape=("N", 2, 4, 4), opset=13, extra_inputs=()):
    inputs = [h.make_tensor_value_info("x", T.FLOAT, shape), *extra_inputs]
    outputs = [h.make_tensor_value_info(nodes[-1].output[0], T.FLOAT, None)]
    graph = h.make_graph(nodes, "g", inputs, outputs, weights)
    made = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)],
                        ir_version=8, producer_name="seed")
    h.set_model_props(made, {"input.mean": "0 0 0"})
    return made


def network():
    nodes = [
        h.make_node("Conv", ["x", "w", "b"], ["c"], "/a/a.0/Conv",
                    pads=[0, 0, 1, 1], strides=[1, 1], group=1),
        h.make_node("BatchNormalization", ["c", "s", "b", "b", "v"], ["n"]),
        h.make_node("Clip", ["n", "lo", "hi"], ["r"]),
        h.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2],
                    strides=[2, 2], ceil_mode=1),
        h.make_node("GlobalAveragePool", ["p"], ["m"]),
        h.make_node("Flatten", ["m"], ["f"], axis=1),
        h.make_node("Gemm", ["f", "k"], ["g"], transB=1, alpha=0.5),
        h.make_node("Softmax", ["g"], ["y"], axis=-1),
    ]
    entry = nodes[0].metadata_props.add()
    entry.key = "pkg.torch.onnx.name_scopes"
    entry.value = "['', 'a', 'a.0', 'conv2d']"
    return model(nodes, [
        raw("w", np.ones((3, 2, 2, 2))), raw("b", [0, 1, -1]),
        raw("s", [1, 2, 3]), raw("v", [1, 1, 4]), raw("lo", 0), raw("hi", 6),
        raw("k", np.eye(3)),
    ])


def old_network():
    nodes = [
        h.make_node("Pad", ["x"], ["p"], pads=[0, 0, 1, 1, 0, 0, 1, 1],
                    mode="constant", value=0.0),
        h.make_node("AveragePool", ["p"], ["a"], kernel_shape=[3, 3],
                    auto_pad="SAME_UPPER"),
        h.make_node("Clip", ["a"], ["c"], min=0.0, max=6.0),
        h.make_node("Unsqueeze", ["c"], ["u"], axes=[0]),
        h.make_node("Squeeze", ["u"], ["s"], axes=[0]),
        h.make_node("Dropout", ["s"], ["d", "mask"], ratio=0.5),
        h.make_node("ReduceMean", ["d"], ["y"], axes=[2, 3], keepdims=0),
    ]
    return model(nodes, opset=7)


def shapes():
    nodes = [
        h.make_node("Shape", ["x"], ["n"]),
        h.make_node("Constant", [], ["zero"], value_int=0),
        h.make_node("Gather", ["n", "zero"], ["batch"], axis=0),
        h.make_node("Constant", [], ["axes"], value_ints=[0]),
        h.make_node("Unsqueeze", ["batch", "axes"], ["first"]),
        h.make_node("Constant", [], ["rest"], value=raw("", [-1], np.int64)),
        h.make_node("Concat", ["first", "rest"], ["shape"], axis=0),
        h.make_node("Reshape", ["x", "shape"], ["flat"]),
        h.make_node("Slice", ["flat", "rest", "far", "axis"], ["last"]),
        h.make_node("Transpose", ["last"], ["t"], perm=[1, 0]),
        h.make_node("Constant", [], ["f"], value_floats=[0.5]),
        h.make_node("Mul", ["t", "f"], ["y"]),
    ]
    return model(nodes, [typed("far", T.INT64, [2**62]),
                         typed("axis", T.INT32, [1])], (2, 2, 4, 4))


def numbers():
    kinds = {"f": T.FLOAT, "d": T.DOUBLE, "h": T.FLOAT16, "b": T.BFLOAT16,
             "i": T.INT32, "l": T.UINT64, "t": T.BOOL, "q": T.UINT8}
    nodes, last = [], "x"
    for name, kind in kinds.items():
        nodes += [h.make_node("Cast", [name], [name + "r"], to=T.FLOAT),
                  h.make_node("Add", [last, name + "r"], [name + "y"])]
        last = name + "y"
    nodes += [
        h.make_node("DequantizeLinear", ["q8", "scale", "z8"], ["w"], axis=0),
        h.make_node("Sub", [last, "w"], ["y"]),
    ]
    return model(nodes, [
        *(typed(name, kind, [1, 0]) for name, kind in kinds.items()),
        raw("q8", [[-3, 5], [7, 0]], np.int8), raw("scale", [0.5, 2]),
        raw("z8", [0, 1], np.int8),
    ], (1, 2))


def listed_weight():
    made = model([h.make_node("Mul", ["x", "w"], ["y"])], [raw("w", [2, 3])],
                 (1, 2), extra_inputs=[
                     h.make_tensor_value_info("w", T.FLOAT, [2])])
    made.ir_version = 3
    return made


def external():
    weight = raw("w", [2, 3])
    weight.ClearField("raw_data")
    weight.data_location = T.EXTERNAL
    for key, value in (("location", "w.bin"), ("offset", "0"),
                       ("length", "8")):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    return model([h.make_node("Mul", ["x", "w"], ["y"])], [weight], (1, 2))


def branches():
    inner = h.make_graph(
        [h.make_node("Constant", [], ["c"], value=raw("", [1]))], "then", [],
        [h.make_tensor_value_info("c", T.FLOAT, [1])])
    return model([h.make_node("If", ["k"], ["y"], then_branch=inner,
                              else_branch=inner)],
                 [typed("k", T.BOOL, [1])], (1, 2))


def function():
    made = model([h.make_node("F", ["x"], ["y"], domain="local")], (), (1, 2))
    made.opset_import.append(h.make_opsetid("local", 1))
    made.functions.append(h.make_function(
        "local", "F", ["a"], ["b"], [h.make_node("Relu", ["a"], ["b"])],
        [h.make_opsetid("", 13)]))
    return made


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else FOLDER
    os.makedirs(folder, exist_ok=True)
    for make in (network, old_network, shapes, numbers, listed_weight,
                 external, branches, function):
        onnx.save(make(), os.path.join(folder, make.__name__ + ".onnx"))


if __name__ == "__main__":
    main()
