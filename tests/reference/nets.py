"""Small networks with golden values: tests/data/nets.

    python nets.py [FOLDER]        (default: ../data/nets)

Fifteen networks of a few thousand seeded parameters, composed of torchvision's
own blocks, so that the operators are written as the exporters write the large
networks. Each is exported by both of PyTorch's exporters. index.json names,
for every file, the values and where their numbers lie; see README.md.

Made with torch 2.14.1, torchvision 0.29.1, onnx 1.23.2, onnxruntime 1.32.0.
"""
import copy
import logging
import os
import sys
import warnings

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from exporting import (Numbers, checks, close, export, golden, run_file,
                       write_index)
from networks import NETS, build, images, int8_scale

FREE = {"plain", "shuffle", "mobile3", "tokens"}    # with a free batch
PROBABILITIES = {"mobile3"}                     # networks that end in softmax
EXTERNAL = {"dense"}                            # dynamo file with .data file
OPSETS = {"tokens": 17}     # the legacy exporter's, where 13 has no attention
# stored form of the weights: name -> network whose legacy file is rewritten
REWRITTEN = {"fp16": "plain", "int8": "mobile2"}


def rewrite(path, form):
    """Stores weights as fp16 behind Cast, or int8 behind DequantizeLinear
    (one scale for each output channel, no zero point). The widened value
    keeps the weight's name."""
    proto = onnx.load(path)
    graph, nodes = proto.graph, []
    for t in list(graph.initializer):
        w = numpy_helper.to_array(t)
        narrow = t.name + "." + form
        if form == "fp16":
            stored = [numpy_helper.from_array(w.astype(np.float16), narrow)]
            nodes.append(helper.make_node("Cast", [narrow], [t.name],
                                          to=TensorProto.FLOAT))
        elif w.ndim > 1:
            s = int8_scale(torch.tensor(w)).numpy()
            q = np.round(w / s.reshape(-1, *[1] * (w.ndim - 1)))
            stored = [numpy_helper.from_array(q.astype(np.int8), narrow),
                      numpy_helper.from_array(s, t.name + ".scale")]
            nodes.append(helper.make_node(
                "DequantizeLinear", [s.name for s in stored], [t.name],
                axis=0))
        else:
            continue
        graph.initializer.remove(t)
        graph.initializer.extend(stored)
    all_nodes = nodes + list(graph.node)
    del graph.node[:]
    graph.node.extend(all_nodes)
    onnx.checker.check_model(proto)
    onnx.save(proto, path)


def entry(folder, file, name, values, target, x, numbers):
    """One file's part of the index, after onnxruntime agreed with torch."""
    path = os.path.join(folder, file)
    names, output = run_file(path, x[:1], values)
    last = "probabilities" if name in PROBABILITIES else "logits"
    assert close(output, values[last][0], 1e-5), (file, output)
    assert {"input", "inner1", "inner2", "logits"} <= set(names), (file, names)
    first = onnx.load(path).graph.input[0].type.tensor_type.shape.dim[0]
    return dict(file=file, input="input.npy", numbers=name + ".npy",
                logits=names["logits"], target=target,
                free_batch=bool(first.dim_param),
                checks=checks(names, values, numbers))


def with_softmax(m, values, x):
    """The network with a softmax behind it, and its golden values."""
    m = nn.Sequential(m, nn.Softmax(1)).eval()
    values = {k if "." not in k else "0." + k: v for k, v in values.items()}
    with torch.no_grad():
        p = copy.deepcopy(m).double()(x[:1].double())
    values["probabilities"] = p.numpy().astype(np.float32), None
    return m, values


def make(folder, name, network, form, x):
    """Writes one network's files and numbers; returns its index entries."""
    m = build(network, form)
    _, *inner, parameters = NETS[network]
    values, target = golden(m, inner, parameters, x)
    assert all(np.abs(g).max() > 1e-4 for _, g in values.values()
               if g is not None), name
    if name in PROBABILITIES:
        m, values = with_softmax(m, values, x)
    free = network in FREE
    entries, numbers = [], Numbers()
    for exporter in ["legacy"] if form else ["legacy", "dynamo"]:
        file = f"{name}.onnx" if form else f"{name}.{exporter}.onnx"
        export(m, f"{folder}/{file}", exporter, x[:2] if free else x[:1],
               free, name in EXTERNAL, OPSETS.get(name, 13))
        if form:
            rewrite(f"{folder}/{file}", form)
        entries.append(entry(folder, file, name, values, target, x, numbers))
    numbers.save(f"{folder}/{name}.npy")
    return entries


def main(folder):
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    os.makedirs(folder, exist_ok=True)
    x = images(3, 7)
    np.save(f"{folder}/input.npy", x.numpy())
    files = []
    for name in NETS:
        files += make(folder, name, name, None, x)
    for form, network in REWRITTEN.items():
        files += make(folder, form, network, form, x)
    write_index(folder, files)


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    main(sys.argv[1] if len(sys.argv) > 1 else f"{here}/../data/nets")
