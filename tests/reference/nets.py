"""Small networks with golden values: tests/data/nets.

    python nets.py [FOLDER]        (default: ../data/nets)

Twelve networks of a few thousand seeded parameters, composed of torchvision's
own blocks, so that the operators are written as the exporters write the large
networks. Each is exported by both of PyTorch's exporters. index.json names,
for every file, the values and where their numbers lie; see README.md.

Made with torch 2.14.1, torchvision 0.29.1, onnx 1.23.2, onnxruntime 1.32.0.
"""
import copy
import json
import logging
import os
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from networks import NETS, build, images, int8_scale

FREE = {"plain", "shuffle", "mobile3"}          # networks with a free batch
PROBABILITIES = {"mobile3"}                     # networks that end in softmax
EXTERNAL = {"dense"}                            # dynamo file with .data file
# stored form of the weights: name -> network whose legacy file is rewritten
REWRITTEN = {"fp16": "plain", "int8": "mobile2"}


# ---- golden values ---------------------------------------------------------

def golden(m, name, x):
    """Of image 0, in double: {key: (activation, gradient)} with the keys
    input, logits, inner1, inner2 and the parameters' names; the gradient is
    that of the largest logit, its class is returned too."""
    m = copy.deepcopy(m).double()
    _, *inner, parameters = NETS[name]
    kept = {}

    def keep(key):
        def hook(module, inputs, output):
            kept[key] = output.clone()
            return kept[key].clone()   # nothing later writes into what is kept
        return hook

    modules = dict(m.named_modules())
    for i, path in enumerate(inner):
        modules[path].register_forward_hook(keep(f"inner{i + 1}"))
    kept["input"] = x[:1].double().requires_grad_(True)
    logits = m(kept["input"])
    target = int(logits.argmax())
    wanted = {**kept, **{p: m.get_parameter(p) for p in parameters}}
    gradients = torch.autograd.grad(logits[0, target], list(wanted.values()))
    single = lambda t: t.detach().numpy().astype(np.float32)
    result = {k: (single(a), single(g))
              for (k, a), g in zip(wanted.items(), gradients)}
    assert all(np.abs(g).max() > 1e-4 for _, g in result.values()), name
    result["logits"] = single(logits), None
    return result, target


# ---- files -----------------------------------------------------------------

def export(m, path, exporter, free, external=False):
    x = images(2 if free else 1, 7)
    names = dict(input_names=["input"], output_names=["output"])
    if exporter == "legacy":
        names.update(
            dynamic_axes={n: {0: "batch"} for n in ("input", "output")}
            if free else None, opset_version=13, do_constant_folding=False,
            training=torch.onnx.TrainingMode.PRESERVE, dynamo=False)
        torch.onnx.export(m, (x,), path, **names)
        return
    shapes = ({0: torch.export.Dim("batch")},) if free else None
    torch.onnx.export(m, (x,), path, dynamo=True, dynamic_shapes=shapes,
                      external_data=external, verbose=False, **names)
    proto = onnx.load(path, load_external_data=False)
    strip(proto)
    onnx.save(proto, path)


def strip(proto):
    """Drops what is about the exporting machine or only repeats: of the
    metadata, the module paths stay."""
    for node in proto.graph.node:
        scopes = [p for p in node.metadata_props
                  if p.key == "pkg.torch.onnx.name_scopes"]
        del node.metadata_props[:]
        node.metadata_props.extend(scopes)
        node.doc_string = ""
    for value in [*proto.graph.value_info, *proto.graph.input,
                  *proto.graph.output, *proto.graph.initializer]:
        del value.metadata_props[:]
    del proto.graph.metadata_props[:]


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


def session(source):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = \
        onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(source, options,
                                        providers=["CPUExecutionProvider"])


def close(a, b, tolerance):
    return a.shape == b.shape and \
        np.abs(a - b).max() <= tolerance * np.abs(b).max()


def value_names(path, x, wanted):
    """{key: name in the file} of the values that equal the wanted arrays
    when onnxruntime runs the file; a key without such a value is left out."""
    proto = onnx.load(path)
    known = {o.name for o in proto.graph.output}
    for node in proto.graph.node:
        for o in node.output:
            if o and o not in known:
                proto.graph.output.append(onnx.ValueInfoProto(name=o))
    s = session(proto.SerializeToString())
    values = dict(zip([o.name for o in s.get_outputs()],
                      s.run(None, {"input": x.numpy()})))
    values["input"] = x.numpy()
    for t in proto.graph.initializer:
        values.setdefault(t.name, numpy_helper.to_array(t))
    names = {}
    for key, array in wanted.items():
        found = [n for n, v in values.items() if v.dtype == np.float32
                 and close(v, array, 1e-5)]
        if found:
            names[key] = key if key in found else found[0]
    return names


class Numbers:
    """A network's golden numbers: one flat float32 array, cut by offsets."""
    def __init__(self):
        self.arrays, self.offsets, self.count = [], {}, 0

    def offset(self, key, array):
        if key not in self.offsets:
            self.offsets[key] = self.count
            self.arrays.append(array.ravel())
            self.count += array.size
        return self.offsets[key]


def checks(names, values, numbers):
    """One entry for each value of the file: shape, where its activation and
    its gradient begin in the network's numbers."""
    result = []
    for key in names:
        activation, gradient = values[key]
        check = dict(value=names[key], shape=activation.shape)
        if key in ("inner1", "inner2", "logits", "probabilities"):
            check["activation"] = numbers.offset(key, activation)
        if gradient is not None:
            check["gradient"] = numbers.offset(key + " gradient", gradient)
        result.append(check)
    return result


def entry(folder, file, name, values, target, x, numbers):
    """One file's part of the index, after onnxruntime agreed with torch."""
    path = os.path.join(folder, file)
    names = value_names(path, x[:1], {k: a for k, (a, _) in values.items()})
    output = session(path).run(None, {"input": x[:1].numpy()})[0]
    last = "probabilities" if name in PROBABILITIES else "logits"
    assert close(output, values[last][0], 1e-5), (file, output)
    assert {"input", "inner1", "inner2", "logits"} <= set(names), (file, names)
    first = onnx.load(path).graph.input[0].type.tensor_type.shape.dim[0]
    return dict(file=file, numbers=name + ".npy", logits=names["logits"],
                target=target, free_batch=bool(first.dim_param),
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
    values, target = golden(m, network, x)
    if name in PROBABILITIES:
        m, values = with_softmax(m, values, x)
    entries, numbers = [], Numbers()
    for exporter in ["legacy"] if form else ["legacy", "dynamo"]:
        file = f"{name}.onnx" if form else f"{name}.{exporter}.onnx"
        export(m, f"{folder}/{file}", exporter, network in FREE,
               name in EXTERNAL)
        if form:
            rewrite(f"{folder}/{file}", form)
        entries.append(entry(folder, file, name, values, target, x, numbers))
    np.save(f"{folder}/{name}.npy", np.concatenate(numbers.arrays))
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
    with open(f"{folder}/index.json", "w") as f:
        f.write('{"input": "input.npy", "files": [\n' +
                ",\n".join(json.dumps(e) for e in files) + "\n]}\n")


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    main(sys.argv[1] if len(sys.argv) > 1 else f"{here}/../data/nets")
