"""The zoo: torchvision's networks in full size, for `make zoo-check`.

    python zoo.py FOLDER [NAME ...]

Weights are seeded, not trained (networks.alive), so nothing is downloaded.
For each network, FOLDER receives NAME.legacy.onnx and NAME.dynamo.onnx, its
input and golden values from torch in double, and in index.json the same
entries as for the small networks (README.md), with onnxruntime's logits of
each file besides torch's. All seventeen take 4 GB on disk.

Made with torch 2.14.1, torchvision 0.29.1, onnx 1.23.2, onnxruntime 1.32.0.
"""
import json
import logging
import os
import sys
import warnings

import numpy as np
import torch
import torchvision

from exporting import (Numbers, checks, close, export, golden, run_file,
                       sensitivity, write_index)
from networks import alive, images

# name -> (input size, late module, middle module)
ZOO = {
    "alexnet": (224, "features.11", "features.7"),
    "vgg16": (224, "features.29", "features.20"),
    "resnet18": (224, "layer4", "layer3"),
    "resnet50": (224, "layer4", "layer3"),
    "squeezenet1_1": (224, "features", "features.9"),
    "mobilenet_v2": (224, "features.18", "features.13"),
    "mobilenet_v3_small": (224, "features.12", "features.8"),
    "densenet121": (224, "features.norm5", "features.transition2"),
    "googlenet": (224, "inception5b", "inception4c"),
    "inception_v3": (299, "Mixed_7c", "Mixed_6c"),
    "efficientnet_b0": (224, "features.8", "features.5"),
    "shufflenet_v2_x1_0": (224, "conv5", "stage3"),
    "mnasnet1_0": (224, "layers", "layers.11"),
    "regnet_y_400mf": (224, "trunk_output", "trunk_output.block3"),
    "convnext_tiny": (224, "features.7", "features.5"),
    "vit_b_16": (224, "encoder.layers.encoder_layer_11.ln_1",
                 "encoder.layers.encoder_layer_5.ln_1"),
    "swin_t": (224, "permute", "features.5"),
}
OPSETS = {"vit_b_16": 17}    # the legacy exporter's, where 13 has no attention


def untrained(name):
    options = dict(aux_logits=False, init_weights=True) \
        if name in ("googlenet", "inception_v3") else {}
    m = getattr(torchvision.models, name)(weights=None, **options)
    if options:
        m.transform_input = True    # as the pretrained ones have it
    return m


def build(name, pictures):
    torch.manual_seed(0)
    m = untrained(name)
    for b in m.modules():
        # a depthwise convolution's first variance is a hundredth: after a
        # remainder of the initial 1 the logits would not depend on the picture
        if isinstance(b, torch.nn.BatchNorm2d):
            b.running_var.zero_()
    return alive(m, pictures).requires_grad_(False)


def make(folder, name):
    """Writes one network's files; returns its index entries."""
    size, *inner = ZOO[name]

    def pictures(count, seed):
        return images(count, seed, size, size, (4, 16, 64, size))

    m, x = build(name, pictures), pictures(1, 7)
    values, target = golden(m, inner, [], x)
    changes = sensitivity(m, inner, x, values, target)
    entries, numbers = [], Numbers()
    np.save(f"{folder}/{name}.input.npy", x.numpy())
    for exporter in ("legacy", "dynamo"):
        file = f"{name}.{exporter}.onnx"
        export(m, f"{folder}/{file}", exporter, x, external=True,
               opset=OPSETS.get(name, 13))
        names, output = run_file(f"{folder}/{file}", x, values)
        assert close(output, values["logits"][0], 1e-4), file
        entries.append(dict(
            file=file, input=f"{name}.input.npy", numbers=f"{name}.npy",
            logits=names["logits"], target=target, free_batch=False,
            onnxruntime=numbers.offset(file, output),
            exact=exporter == "legacy",    # the other folds batch norms
            checks=checks(names, values, numbers, changes)))
    numbers.save(f"{folder}/{name}.npy")
    return entries


def main(folder, names):
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    os.makedirs(folder, exist_ok=True)
    files = []
    if os.path.exists(f"{folder}/index.json"):
        with open(f"{folder}/index.json") as f:
            files = json.load(f)["files"]
    for name in names:
        kept = [e for e in files if e["numbers"] != f"{name}.npy"]
        files = kept + make(folder, name)
        write_index(folder, files)
        print(name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or list(ZOO))
