"""Compares `cxai heatmap` with other libraries on full-size networks.

    python zoo_methods.py [OPTIONS] ZOO FAMILY...

ZOO is what zoo.py made, FAMILY a module of methods/, which defines METHODS: a
dictionary from cxai's name of a method (":" and anything behind it tell
variants apart) to a Method.

    --networks LIST    (resnet18,vgg16,mobilenet_v2,embedded)
    --methods LIST     only these
    --cxai FILE        the command (build/cxai)
    --double FILE      the command of a build with DOUBLE=1: also how far that
                       is from a reference computed in float64
    --threads N        of both sides (2)
    --single           leave float64 out, which takes long; what it is needed
                       for is not judged then
    --time N           also both sides' milliseconds: the minimum of N runs in
                       turns; loading is not counted

Prints, for each network and method, the largest difference relative to the
largest magnitude of the reference; where that is computed in float64, then how
far the reference itself, in float32, is from it and from cxai; float32 is timed.
"!" marks more than 1e-4, or than twice what the reference's own float32 is away
where that is farther; with --double that alone counts, and 2e-6 is too far. The
exit status is then 1.
"""
import argparse
import copy
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
IN_DOUBLE = 2e-6    # what is written is float32, as its input is
# network -> (the module that CAM methods look at, its name for cxai)
LAYERS = {"resnet18": "layer4", "resnet50": "layer4", "vgg16": "features.29",
          "mobilenet_v2": "features.18"}


@dataclasses.dataclass
class Method:
    """compute(model, x, target, layer) -> what --npy writes, (H,W) or (C,H,W).
    x is (1,C,H,W), target a class number, layer a module or, where the network
    has none of that name, None. options go to cxai's command line; with
    layered, -l too. double: the reference is computed in float64, and once
    more in float32. baseline(x as an array) -> (N,C,H,W), for --baseline.
    target: what cxai explains instead of the class, "{layer}" is the layer's
    name. networks: only these."""
    compute: typing.Callable
    options: list = dataclasses.field(default_factory=list)
    layered: bool = False
    double: bool = False
    baseline: typing.Optional[typing.Callable] = None
    target: typing.Optional[str] = None
    networks: typing.Optional[list] = None


class Network:
    """A torch network in both dtypes and the ONNX file of the same weights."""

    def __init__(self, zoo, name):
        self.layer_name = LAYERS.get(name)
        if name == "embedded":
            import onnx_torch
            self.file = EMBEDDED
            exact = onnx_torch.load(EMBEDDED, torch.float64)
            self.layer_name = exact.cam_value
            pixels = np.load(f"{ROOT}/tests/data/embedded/"
                             "efficientnet-lite0.int8.band.npy")
            self.x = ((pixels[None].astype(np.float32) - 127) / 128)
        else:
            import zoo as zoo_module
            from networks import images
            self.file = f"{zoo}/{name}.legacy.onnx"
            self.x = np.load(f"{zoo}/{name}.input.npy")
            size = self.x.shape[-1]
            exact = zoo_module.build(
                name, lambda count, seed: images(count, seed, size, size,
                                                 (4, 16, 64, size)))
        exact.eval()
        self.models = {torch.float32: copy.deepcopy(exact).float(),
                       torch.float64: exact.double()}
        with torch.no_grad():
            self.target = int(self.models[torch.float32](
                torch.from_numpy(self.x)).argmax())

    def layer(self, model):
        if hasattr(model, "cam_layer"):
            return model.cam_layer
        return self.layer_name and model.get_submodule(self.layer_name)

    def reference(self, method, dtype):
        model = self.models[dtype]
        x = torch.from_numpy(self.x).to(dtype)
        start = time.perf_counter()
        array = method.compute(model, x, self.target, self.layer(model))
        return np.asarray(array), (time.perf_counter() - start) * 1e3


def run_cxai(options, file, network, name, method):
    target = (method.target or str(network.target)).format(
        layer=network.layer_name)
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/x.npy", network.x)
        command = [file, "heatmap", f"{folder}/x.npy",
                   "-m", network.file, "-t", target,
                   "--method", name.partition(":")[0],
                   "--threads", str(options.threads),
                   "-o", f"{folder}/x.png", "--npy", f"{folder}/map.npy",
                   "--json", "-q", *method.options]
        if method.layered and network.layer_name and not method.target:
            command += ["-l", network.layer_name]
        if method.baseline:
            np.save(f"{folder}/baseline.npy",
                    np.ascontiguousarray(method.baseline(network.x)))
            command += ["--baseline", f"{folder}/baseline.npy"]
        done = subprocess.run(command, capture_output=True, text=True)
        if not os.path.exists(f"{folder}/map.npy"):
            raise RuntimeError(done.stderr.strip())
        seconds = json.loads(done.stdout)["results"][0]["seconds"]
        return np.load(f"{folder}/map.npy")[0], seconds * 1e3


def distance(got, want):
    if got.shape != want.shape:
        raise ValueError(f"shape {got.shape} instead of {want.shape}")
    return float(np.abs(got - want).max() / np.abs(want).max())


def compare_dtypes(options, network, name, method, got, single):
    """The distances from float64, and whether they are small enough."""
    exact = network.reference(method, torch.float64)[0]
    far, own = distance(got, exact), distance(single, exact)
    near = far <= max(TOLERANCE, 2 * own)
    text = f"{far:8.1e}, reference in float32 {own:8.1e} from it and " \
           f"{distance(got, single):8.1e} from ours"
    if options.double:
        far = distance(run_cxai(options, options.double, network, name,
                                method)[0], exact)
        near = far <= IN_DOUBLE
        text += f", both in float64 {far:8.1e}"
    return text, near


def compare(options, network, name, method):
    """Prints one line; whether it is too far."""
    single, theirs = network.reference(method, torch.float32)
    try:
        got, ours = run_cxai(options, options.cxai, network, name, method)
        if method.double and not options.single:
            text, near = compare_dtypes(options, network, name, method, got,
                                        single)
        else:
            far = distance(got, single)
            text, near = f"{far:8.1e}", far <= TOLERANCE or method.double
    except (RuntimeError, ValueError) as e:
        print(f"  {name:30} {e} !", flush=True)
        return True
    line = f"  {name:30} {text}{'' if near else ' !'}"
    for _ in range(options.time):
        theirs = min(theirs, network.reference(method, torch.float32)[1])
        ours = min(ours, run_cxai(options, options.cxai, network, name,
                                  method)[1])
    if options.time:
        line += f", {ours:9.1f} ms, reference {theirs:9.1f} ms: " \
                f"{ours / theirs:.3f}"
    print(line, flush=True)
    return not near


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("zoo")
    parser.add_argument("families", nargs="+")
    parser.add_argument("--networks",
                        default="resnet18,vgg16,mobilenet_v2,embedded")
    parser.add_argument("--methods")
    parser.add_argument("--cxai", default=f"{ROOT}/build/cxai")
    parser.add_argument("--double")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--single", action="store_true")
    parser.add_argument("--time", type=int, default=0)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(options.threads)
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
