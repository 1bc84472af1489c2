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
    --target N         the class with the N-th largest score (1)
    --moved N          where float32 is farther than 1e-4: also how far the
                       reference in float64 moves when every number of picture
                       and weights does, up or down at random, by so much that
                       inner numbers are as far away as rounded ones; the
                       largest of N draws
    --kinks FILE       where float32 is farther than 1e-4: also how far cxai is
                       from a reference in float64 that takes its side at each
                       kink (kinks.py), and how many numbers that moves. FILE
                       is what `make build/cxai-recording` makes
    --single           leave float64 out, which takes long; what it is needed
                       for is not judged then
    --time N           also both sides' milliseconds: the minimum of N runs in
                       turns. Neither side's loading is counted, and torch runs
                       with images in both of its memory orders, of which the
                       faster counts

Prints, for each network and method, the largest difference relative to the
largest magnitude of the reference; where that is computed in float64, then how
far the reference itself, in float32, is from it and from cxai; float32 is timed.
"!" marks more than 1e-4, or than twice what the reference's own float32 is away
or what it is moved where that is farther; with --kinks what is left with cxai's
sides counts, and that no number was moved by more than 1e-4 of a deviation for
it; with --double that alone counts, and 2e-6 is too far. The exit status is then
1. Two maps of 0 alone agree, and the line says so.
"""
import argparse
import copy
import dataclasses
import glob
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
import onnx
import torch

import kinks

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = f"{HERE}/../.."
EMBEDDED = f"{ROOT}/data/efficientnet-lite0.int8.onnx"
TOLERANCE = 1e-4    # rounding of float32 in another order of summation
IN_DOUBLE = 2e-6    # what is written is float32, as its input is
# of itself, what a number is moved by: so that the inputs of resnet18's ReLUs
# are as far from float64 as in float32, torch's and ours (2.1e-7 to 5.3e-6 and
# 2.2e-7 to 6.7e-6 of their deviations from first to last, moved 4.0e-7 to
# 5.1e-6; float32's rounding, 2^-24, does a third of that)
MOVE = 2**-22
# network -> (the module that CAM methods look at, its name for cxai)
LAYERS = {"resnet18": "layer4", "resnet50": "layer4", "vgg16": "features.29",
          "alexnet": "features.11", "mobilenet_v2": "features.18",
          "mobilenet_v3_small": "features.12", "efficientnet_b0": "features.8",
          "vit_b_16": "encoder.layers.encoder_layer_11.ln_1",
          "swin_t": "features.7.1.norm1"}


@dataclasses.dataclass
class Method:
    """compute(model, x, target, layer) -> what --npy writes, (H,W) or (C,H,W).
    x is (1,C,H,W), target a class number, layer a module or, where the network
    has none of that name, None. options go to cxai's command line; with
    layered, -l too. layers: network -> another layer than that of LAYERS.
    double: the reference is computed in float64, and once more in float32.
    baseline(x as an array) -> (N,C,H,W), for --baseline. target: what cxai
    explains instead of the class, "{layer}" is the layer's name. networks: only
    these. divides: it divides by sums that may be near 0; see kinks.py.

    library: whose function compute is; "" is our own transcription of a paper,
    to agree with, not to race with. peers: what is timed instead of compute,
    called alike: the library's own function where compute mends it or feeds it
    our samples, and the same with several sizes of batches, of which the
    fastest counts."""
    compute: typing.Callable
    options: list = dataclasses.field(default_factory=list)
    layered: bool = False
    layers: dict = dataclasses.field(default_factory=dict)
    double: bool = False
    baseline: typing.Optional[typing.Callable] = None
    target: typing.Optional[str] = None
    networks: typing.Optional[list] = None
    divides: bool = False
    library: str = ""
    peers: list = dataclasses.field(default_factory=list)


def torch_of(name, file, size):
    """The torch network with the file's weights; where it keeps them in another
    form than torch, as zoo.py made them."""
    import zoo
    graph = onnx.load(file).graph
    weights = {i.name: torch.from_numpy(onnx.numpy_helper.to_array(i).copy())
               for i in graph.initializer}
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
    model = zoo.untrained(name)
    missing = model.load_state_dict(weights, strict=False).missing_keys
    if all(key.endswith("num_batches_tracked") for key in missing):
        return model.requires_grad_(False)
    return zoo.build(name, lambda count, seed: zoo.images(
        count, seed, size, size, (4, 16, 64, size)))


class Network:
    """A torch network in both dtypes and the ONNX file of the same weights."""

    def __init__(self, zoo, name, rank):
        self.name, self.layer_name = name, LAYERS.get(name)
        if name == "embedded":
            import onnx_torch
            self.file = EMBEDDED
            exact = onnx_torch.load(EMBEDDED, torch.float64)
            self.layer_name = exact.cam_value
            pixels = np.load(f"{ROOT}/tests/data/embedded/"
                             "efficientnet-lite0.int8.band.npy")
            self.x = ((pixels[None].astype(np.float32) - 127) / 128)
        else:
            self.file = f"{zoo}/{name}.legacy.onnx"
            self.x = np.load(f"{zoo}/{name}.input.npy")
            exact = torch_of(name, self.file, self.x.shape[-1])
        exact.eval()
        self.models = {torch.float32: copy.deepcopy(exact).float(),
                       torch.float64: exact.double()}
        with torch.no_grad():
            scores = self.models[torch.float32](torch.from_numpy(self.x))[0]
            self.target = int(scores.topk(rank).indices[-1])

    def layer(self, method, model):
        if self.name in method.layers:
            return model.get_submodule(method.layers[self.name])
        if hasattr(model, "cam_layer"):
            return model.cam_layer
        return self.layer_name and model.get_submodule(self.layer_name)

    def reference(self, method, dtype):
        return self.compute(method, self.models[dtype],
                            torch.from_numpy(self.x).to(dtype))

    def compute(self, method, model, x):
        return np.asarray(method.compute(model, x, self.target,
                                         self.layer(method, model)))

    def moved(self, method, seed):
        """The reference of a picture and weights that rounding moved."""
        draw = torch.Generator().manual_seed(seed)
        model = copy.deepcopy(self.models[torch.float64])
        x = torch.from_numpy(self.x).double()
        with torch.no_grad():
            for numbers in x, *model.parameters():
                sign = torch.randint(2, numbers.shape, generator=draw) * 2 - 1
                numbers *= 1 + MOVE * sign
        return self.compute(method, model, x)

    def time(self, method):
        """The peer's milliseconds."""
        least = float("inf")
        for order in torch.contiguous_format, torch.channels_last:
            model = self.models[torch.float32].to(memory_format=order)
            x = torch.from_numpy(self.x).contiguous(memory_format=order)
            for function in method.peers or [method.compute]:
                start = time.perf_counter()
                function(model, x, self.target, self.layer(method, model))
                least = min(least, time.perf_counter() - start)
        self.models[torch.float32].to(memory_format=torch.contiguous_format)
        return least * 1e3


def run_cxai(options, file, network, name, method, rows=1, **environment):
    """The answer, and the milliseconds of each of so many rows of the same
    picture: the first also packs the weights."""
    target = (method.target or str(network.target)).format(
        layer=network.layer_name)
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/x.npy", np.repeat(network.x, rows, 0))
        command = [file, "heatmap", f"{folder}/x.npy",
                   "-m", network.file, "-t", target,
                   "--method", name.partition(":")[0],
                   "--threads", str(options.threads),
                   "-o", f"{folder}/out/", "--npy", f"{folder}/out/",
                   "--json", "-q", *method.options]
        if method.layered and network.layer_name and not method.target:
            command += ["-l", method.layers.get(network.name,
                                                network.layer_name)]
        if method.baseline:
            np.save(f"{folder}/baseline.npy",
                    np.ascontiguousarray(method.baseline(network.x)))
            command += ["--baseline", f"{folder}/baseline.npy"]
        done = subprocess.run(command, capture_output=True, text=True,
                              env={**os.environ, **environment})
        maps = glob.glob(f"{folder}/out/*.npy")
        if not maps:
            raise RuntimeError(done.stderr.strip())
        return np.load(maps[0])[0], \
            [r["seconds"] * 1e3 for r in json.loads(done.stdout)["results"]]


def distance(got, want):
    if got.shape != want.shape:
        raise ValueError(f"shape {got.shape} instead of {want.shape}")
    most = np.abs(want).max()
    if not most:
        raise ValueError("the reference is 0 everywhere, the largest compared "
                         f"with it {np.abs(got).max():.1e}")
    return float(np.abs(got - want).max() / most)


def with_kinks(options, network, name, method, got):
    """cxai's distance from the reference that takes its side at each kink, and
    what that took."""
    notes, model = kinks.Notes(), copy.deepcopy(network.models[torch.float64])
    with tempfile.TemporaryDirectory() as folder:
        types = kinks.KINKED + kinks.SUMS * method.divides
        again = run_cxai(options, options.kinks, network, name, method,
                         CXAI_RECORD=folder,
                         CXAI_RECORD_TYPES=" ".join(types))[0]
        if not np.array_equal(got, again):
            raise RuntimeError("recording changes the answer")
        record = kinks.Record(folder, network.file)
        with kinks.taken(model, record, notes, method.divides):
            x = torch.from_numpy(network.x).double()
            return distance(got, network.compute(method, model, x)), notes


def compare_dtypes(options, network, name, method, got, single):
    """The distances from float64, and whether they are small enough."""
    exact = network.reference(method, torch.float64)
    far, own = distance(got, exact), distance(single, exact)
    near = far <= max(TOLERANCE, 2 * own)
    text = f"{far:8.1e}, reference in float32 {own:8.1e} from it and " \
           f"{distance(got, single):8.1e} from ours"
    if options.moved and far > TOLERANCE:
        moved = max(distance(network.moved(method, seed), exact)
                    for seed in range(options.moved))
        near = near or far <= 2 * moved
        text += f", moved {moved:8.1e}"
    if options.kinks and far > TOLERANCE:
        far, notes = with_kinks(options, network, name, method, got)
        near = far <= TOLERANCE and notes.depth <= TOLERANCE
        text += f", on our side of kinks {far:8.1e} ({notes})"
    if options.double:
        far = distance(run_cxai(options, options.double, network, name,
                                method)[0], exact)
        near = far <= IN_DOUBLE
        text += f", both in float64 {far:8.1e}"
    return text, near


def race(options, network, name, method, once):
    """Both sides' times in words. A warm picture counts, as the peer is warm:
    one behind others, unless one takes seconds."""
    first, ours, theirs = once, once, float("inf")
    for _ in range(options.time):
        theirs = min(theirs, network.time(method))
        times = run_cxai(options, options.cxai, network, name, method,
                         3 if once < 3000 else 1)[1]
        first, ours = min(first, times[0]), min(ours, *times)
    return f", {ours:9.1f} ms (first {first:.1f}), " \
           f"{method.library or 'transcription'} {theirs:.1f} ms: " \
           f"{ours / theirs:.3f}"


def compare(options, network, name, method):
    """Prints one line; whether it is too far."""
    single = network.reference(method, torch.float32)
    try:
        got, ours = run_cxai(options, options.cxai, network, name, method)
        if not single.any() and not got.any():
            text, near = "both are 0 everywhere", True
        elif method.double and not options.single:
            text, near = compare_dtypes(options, network, name, method, got,
                                        single)
        else:
            far = distance(got, single)
            text, near = f"{far:8.1e}", far <= TOLERANCE or method.double
    except (RuntimeError, ValueError) as e:
        print(f"  {name:30} {e} !", flush=True)
        return True
    line = f"  {name:30} {text}{'' if near else ' !'}"
    if options.time:
        line += race(options, network, name, method, min(ours))
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
    parser.add_argument("--target", type=int, default=1)
    parser.add_argument("--moved", type=int, default=0)
    parser.add_argument("--kinks")
    parser.add_argument("--single", action="store_true")
    parser.add_argument("--time", type=int, default=0)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(options.threads)
    bad = 0
    for network_name in options.networks.split(","):
        network = Network(options.zoo, network_name, options.target)
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
