"""What nets.py and zoo.py share: torch's golden values, both of PyTorch's
exporters, finding a module's output in the exported graph, and the index."""
import copy
import json

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import nn


def taps(m, inner):
    """A dict that every run of m fills with inner1, inner2, ...: what the
    modules `inner` put out, as gradients can be taken of it."""
    kept = {}

    def keep(key):
        def hook(module, inputs, output):
            kept[key] = output.clone()
            return kept[key].clone()   # nothing later writes into what is kept
        return hook

    modules = dict(m.named_modules())
    for i, path in enumerate(inner):
        modules[path].register_forward_hook(keep(f"inner{i + 1}"))
    return kept


def single(t):
    return t.detach().numpy().astype(np.float32)


def golden(m, inner, parameters, x):
    """Of image 0, in double: {key: (activation, gradient)} with the keys
    input, logits, inner1, inner2 (outputs of the modules `inner`) and the
    parameters' names; the gradient is that of the largest logit, whose class
    is returned too. logits has none."""
    m = copy.deepcopy(m).double()
    kept = taps(m, inner)
    kept["input"] = x[:1].double().requires_grad_(True)
    logits = m(kept["input"])
    target = int(logits.argmax())
    wanted = {**kept, **{p: m.get_parameter(p) for p in parameters}}
    gradients = torch.autograd.grad(logits[0, target], list(wanted.values()))
    result = {k: (single(a), single(g))
              for (k, a), g in zip(wanted.items(), gradients)}
    result["logits"] = single(logits), None
    return result, target


def sensitivity(m, inner, x, values, target, noise=1e-6, runs=6):
    """{key: the largest change of that gradient, relative to its largest
    magnitude, when every sum is off by up to `noise` of the layer's largest
    magnitude, as it is in float32}, computed in double. Where the input of a
    ReLU or a max pool is that near to a kink another gradient passes: no
    error, and no float32 program can do better."""
    m = copy.deepcopy(m).double()
    g = torch.Generator().manual_seed(2)

    def disturb(module, inputs, output):
        random = torch.rand(output.shape, generator=g, dtype=output.dtype)
        return output + (2 * random - 1) * noise * output.detach().abs().max()

    for module in m.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear, nn.BatchNorm2d)):
            module.register_forward_hook(disturb)
    kept, result = taps(m, inner), {}
    for _ in range(runs):
        kept["input"] = x[:1].double().requires_grad_(True)
        logits = m(kept["input"])
        gradients = torch.autograd.grad(logits[0, target], list(kept.values()))
        for key, gradient in zip(kept, gradients):
            expected = values[key][1]
            change = np.abs(single(gradient) - expected).max()
            result[key] = max(result.get(key, 0),
                              float(change / np.abs(expected).max()))
    return result


def export(m, path, exporter, x, free=False, external=False, opset=13):
    """Writes an ONNX file from input `input` to `output`. A network with a
    free batch must be given more than one image; `opset` is for the legacy
    exporter."""
    names = dict(input_names=["input"], output_names=["output"])
    if exporter == "legacy":
        names.update(
            dynamic_axes={n: {0: "batch"} for n in ("input", "output")}
            if free else None, opset_version=opset, do_constant_folding=False,
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


def run_file(path, x, wanted):
    """Runs an ONNX file with onnxruntime. Returns {key: name in the file} of
    the values that equal the wanted arrays (a key without such a value is
    left out), and the file's output."""
    proto = onnx.load(path)
    known = {o.name for o in proto.graph.output}
    for node in proto.graph.node:
        for o in node.output:
            if o and o not in known:
                proto.graph.output.append(onnx.ValueInfoProto(name=o))
    s = session(proto.SerializeToString())
    values = dict(zip([o.name for o in s.get_outputs()],
                      s.run(None, {"input": x.numpy()})))
    output = values["output"]
    values["input"] = x.numpy()
    for t in proto.graph.initializer:
        values.setdefault(t.name, numpy_helper.to_array(t))
    names = {}
    for key, (array, _) in wanted.items():
        found = [n for n, v in values.items() if v.dtype == np.float32
                 and close(v, array, 1e-4)]
        if found:
            names[key] = key if key in found else found[0]
    return names, output


# ---- the index -------------------------------------------------------------

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

    def save(self, path):
        np.save(path, np.concatenate(self.arrays))


def checks(names, values, numbers, changes={}):
    """One entry for each value of the file: shape, where its activation and
    its gradient begin in the network's numbers, the gradient's sensitivity."""
    result = []
    for key in names:
        activation, gradient = values[key]
        check = dict(value=names[key], shape=activation.shape)
        if key in ("inner1", "inner2") or gradient is None:
            check["activation"] = numbers.offset(key, activation)
        if gradient is not None:
            check["gradient"] = numbers.offset(key + " gradient", gradient)
        if key in changes:
            check["sensitivity"] = float(f"{changes[key]:.1e}")
        result.append(check)
    return result


def write_index(folder, files):
    with open(f"{folder}/index.json", "w") as f:
        f.write('{"files": [\n' + ",\n".join(json.dumps(e) for e in files) +
                "\n]}\n")
