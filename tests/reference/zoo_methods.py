"""Compares `cxai heatmap` with other libraries on full-size networks.

    python zoo_methods.py [OPTIONS] ZOO FAMILY...

ZOO is what zoo.py made, FAMILY a module of methods/, which defines METHODS: a
dictionary from cxai's name of a method (":" and anything behind it tell
variants apart) to a Method.

    --networks LIST    (resnet18,vgg16,mobilenet_v2,embedded)
    --methods LIST     only these
    --cxai FILE        the command (build/cxai)
    --time N           also both sides' milliseconds on two threads: the
                       minimum of N runs in turns; loading is not counted

Prints, for each network and method, the largest difference relative to the
largest magnitude of the reference; where that is computed in float64, then
how far the reference itself is from it in float32, the dtype that is timed.
"!" marks more than 1e-4, or more than the reference's own float32 where that is
farther; the exit status is then 1.
"""
import argparse
import dataclasses
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import typing
import warnings

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = f"{HERE}/../.."
EMBEDDED = f"{ROOT}/data/efficientnet-lite0.int8.onnx"
TOLERANCE = 1e-4    # rounding of float32 in another order of summation
# network -> (the module that CAM methods look at, its name for cxai)
LAYERS = {"resnet18": "layer4", "resnet50": "layer4", "vgg16": "features.29",
          "mobilenet_v2": "features.18"}


@dataclasses.dataclass
class Method:
    """compute(model, x, target, layer) -> what --npy writes, (H,W) or (C,H,W).
    x is (1,C,H,W), target a class number, layer a module or, where the network
    has none of that name, None. options go to cxai's command line; with
    layered, -l too. double: the reference is computed in float64, and once
    more in float32. networks: only these."""
    compute: typing.Callable
    options: list = dataclasses.field(default_factory=list)
    layered: bool = False
    double: bool = False
    networks: typing.Optional[list] = None


class Network:
    """A torch network and the ONNX file of the same weights."""

    def __init__(self, zoo, name):
        self.layer_name = LAYERS.get(name)
        if name == "embedded":
            import onnx_torch
            self.file = EMBEDDED
            self.model = onnx_torch.load(EMBEDDED)
            pixels = np.load(f"{ROOT}/tests/data/embedded/"
                             "efficientnet-lite0.int8.band.npy")
            self.x = ((pixels[None].astype(np.float32) - 127) / 128)
        else:
            import zoo as zoo_module
            from networks import images
            self.file = f"{zoo}/{name}.legacy.onnx"
            self.x = np.load(f"{zoo}/{name}.input.npy")
            size = self.x.shape[-1]
            self.model = zoo_module.build(
                name, lambda count, seed: images(count, seed, size, size,
                                                 (4, 16, 64, size)))
        self.model.eval()
        with torch.no_grad():
            self.target = int(self.model(torch.from_numpy(self.x)).argmax())

    def layer(self):
        if self.layer_name is None:
            return getattr(self.model, "cam_layer", None)
        return self.model.get_submodule(self.layer_name)

    def reference(self, method, dtype):
        model = self.model.to(dtype)
        x = torch.from_numpy(self.x).to(dtype)
        start = time.perf_counter()
        array = method.compute(model, x, self.target, self.layer())
        return np.asarray(array), (time.perf_counter() - start) * 1e3


def run_cxai(options, network, name, method):
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/x.npy", network.x)
        command = [options.cxai, "heatmap", f"{folder}/x.npy",
                   "-m", network.file, "-t", str(network.target),
                   "--method", name.partition(":")[0], "--threads", "2",
                   "-o", f"{folder}/x.png", "--npy", f"{folder}/map.npy",
                   "--json", "-q", *method.options]
        if method.layered and network.layer_name:
            command += ["-l", network.layer_name]
        done = subprocess.run(command, capture_output=True, text=True)
        if not os.path.exists(f"{folder}/map.npy"):
            raise RuntimeError(done.stderr.strip())
        seconds = json.loads(done.stdout)["results"][0]["seconds"]
        return np.load(f"{folder}/map.npy")[0], seconds * 1e3


def distance(got, want):
    return float(np.abs(got - want).max() / np.abs(want).max())


def compare(options, network, name, method):
    """Prints one line; whether it is too far."""
    want, theirs = network.reference(method, torch.float32)
    tolerance, own = TOLERANCE, ""
    if method.double:
        single, want = want, network.reference(method, torch.float64)[0]
        tolerance = max(tolerance, distance(single, want))
        own = f", reference in float32 {distance(single, want):8.1e}"
    try:
        got, ours = run_cxai(options, network, name, method)
    except RuntimeError as e:
        print(f"  {name:28} {e} !")
        return True
    if got.shape != want.shape:
        print(f"  {name:28} shape {got.shape} instead of {want.shape} !")
        return True
    far = distance(got, want)
    bad = not far <= tolerance
    line = f"  {name:28} {far:8.1e}{'!' if bad else ' '}{own}"
    for _ in range(options.time):
        theirs = min(theirs, network.reference(method, torch.float32)[1])
        ours = min(ours, run_cxai(options, network, name, method)[1])
    if options.time:
        line += f", {ours:9.1f} ms, reference {theirs:9.1f} ms: " \
                f"{ours / theirs:.3f}"
    print(line, flush=True)
    return bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("zoo")
    parser.add_argument("families", nargs="+")
    parser.add_argument("--networks",
                        default="resnet18,vgg16,mobilenet_v2,embedded")
    parser.add_argument("--methods")
    parser.add_argument("--cxai", default=f"{ROOT}/build/cxai")
    parser.add_argument("--time", type=int, default=0)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(2)
    bad = 0
    for network_name in options.networks.split(","):
        network = Network(options.zoo, network_name)
        print(network_name, flush=True)
        for family in options.families:
            methods = importlib.import_module(f"methods.{family}").METHODS
            for name, method in methods.items():
                wanted = not options.methods or \
                    name in options.methods.split(",")
                here = not method.networks or network_name in method.networks
                if wanted and here:
                    bad += compare(options, network, name, method)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
