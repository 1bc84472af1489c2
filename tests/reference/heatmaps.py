"""Golden heatmaps of the small networks of nets.py: tests/data/heatmaps.

    python heatmaps.py [FOLDER]        (default: ../data/heatmaps)

Computed in float64 by pytorch-grad-cam (the CAM family) and captum (the
gradient and path methods) on the torch networks whose ONNX files lie in
tests/data/nets. index.json lists the cases; numbers.npy holds their numbers,
one flat float32 array.

Made with torch 2.14.1, torchvision 0.29.1, grad-cam 1.5.7, captum 0.9.0,
onnx 1.23.2, onnxruntime 1.32.0.
"""
import json
import os
import sys
import warnings
from unittest import mock

import numpy as np
import torch
from captum import attr
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, LayerCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn
from torch.nn import functional as F

from exporting import Numbers, run_file
from networks import HEIGHT, build, images

# network -> (modules to look at, module that CAM pools, its linear layer)
NETS = {
    "basic": (["4", "5"], "5", "8"),
    "plain": (["5"], None, None),
    "mobile2": (["4"], "4", "7"),
    "shuffle": (["stage2", "conv5"], "conv5", "fc"),
    "fire": (["6"], "9", None),        # its pooled channels are the classes
    "mobile3": (["features.1"], None, None),
    "next": (["features.3", "features.3.0.block.2"], None, None),
    "tokens": (["encoder.layers.encoder_layer_1.ln_1",
                "encoder.layers.encoder_layer_0"], None, None),
    "windows": (["norm", "features.1"], "permute", "head"),
}


def from_tokens(t):
    """(N,T,C) without the class token -> (N,C,H,W)."""
    return t[:, 1:].unflatten(1, (HEIGHT // 4, -1)).permute(0, 3, 1, 2)


def from_channels_last(t):
    return t.permute(0, 3, 1, 2)


# layers that pytorch-grad-cam must be told how to see as maps
RESHAPES = {
    ("next", "features.3.0.block.2"): from_channels_last,
    ("tokens", "encoder.layers.encoder_layer_1.ln_1"): from_tokens,
    ("tokens", "encoder.layers.encoder_layer_0"): from_tokens,
    ("windows", "norm"): from_channels_last,
    ("windows", "features.1"): from_channels_last,
}
FAMILY = {"gradcam": GradCAM, "gradcampp": GradCAMPlusPlus,
          "layercam": LayerCAM}
SEED, SAMPLES, NOISE = 20240229 + (1 << 40), 6, 0.3


class ReLU6(nn.ReLU):
    """captum guides instances of nn.ReLU alone."""
    def forward(self, x):
        return F.relu6(x)


def prepared(name):
    """The network in double, its ReLUs out of place, ReLU6 guided too."""
    m = build(name).double()
    for path, child in list(m.named_modules()):
        if isinstance(child, (nn.ReLU, nn.ReLU6)):
            parent, _, leaf = path.rpartition(".")
            new = ReLU6() if isinstance(child, nn.ReLU6) else nn.ReLU()
            setattr(m.get_submodule(parent), leaf, new)
    for child in m.modules():
        if hasattr(child, "inplace"):
            child.inplace = False
    return m.eval()


def output_of(m, path, x):
    kept = []
    handle = m.get_submodule(path).register_forward_hook(
        lambda module, inputs, output: kept.append(output.detach().clone()))
    m(x)
    handle.remove()
    return kept[0]


# ---- Philox 4x32-10, after the paper's definition --------------------------

def philox(counter, key):
    """counter: four uint64 arrays holding 32-bit words; key: two words."""
    c, k, mask = list(counter), list(key), np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a = np.uint64(0xD2511F53) * c[0]
        b = np.uint64(0xCD9E8D57) * c[2]
        c = [(b >> np.uint64(32)) ^ c[1] ^ np.uint64(k[0]), b & mask,
             (a >> np.uint64(32)) ^ c[3] ^ np.uint64(k[1]), a & mask]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def normals(seed, stream, count):
    """The definition at the head of src/base/random.c."""
    index = np.arange(count, dtype=np.uint64)
    block = index // np.uint64(4)
    words = np.stack(philox(
        [block & np.uint64(0xFFFFFFFF), block >> np.uint64(32),
         np.full_like(index, stream), np.full_like(index, 1)],
        [seed & 0xFFFFFFFF, seed >> 32])).astype(np.float64)
    pair = (np.arange(count) % 4 // 2) * 2
    first = words[pair, np.arange(count)]
    second = words[pair + 1, np.arange(count)]
    radius = np.sqrt(-2 * np.log((first + 1) / 2**32))
    angle = 2 * np.pi * second / 2**32
    return radius * np.where(np.arange(count) % 2 == 0, np.cos(angle),
                             np.sin(angle))


def check_philox():
    """A known answer of the authors' Random123 library (kat_vectors)."""
    ones = [np.array([0xFFFFFFFF], np.uint64)] * 4
    assert [int(v[0]) for v in philox(ones, [0xFFFFFFFF] * 2)] == \
        [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


# ---- methods ---------------------------------------------------------------

def cam_family(method, m, layer, x, target, reshape=None):
    """(scaled, raw): the map at the input's size, and before ReLU, scaling
    and resizing. reshape makes (N,C,H,W) of what the layer puts out."""
    class Recording(FAMILY[method]):
        def get_cam_image(self, *a, **k):
            self.raw = super().get_cam_image(*a, **k)
            return self.raw

    with Recording(model=m, target_layers=[m.get_submodule(layer)],
                   reshape_transform=reshape) as cam:
        scaled = cam(input_tensor=x, targets=[ClassifierOutputTarget(target)])
        return scaled[0], cam.raw[0]


def cam(m, layer, linear, x, target):
    """Zhou et al., equation 2, from the weights; scaled as the family."""
    a = output_of(m, layer, x)[0]
    w = m.get_submodule(linear).weight[target] if linear \
        else torch.eye(len(a), dtype=a.dtype)[target]
    raw = torch.einsum("k,khw->hw", w, a).detach().numpy()
    size = x.shape[3], x.shape[2]
    scaled = scale_cam_image(np.maximum(raw, 0)[None], size)
    return scale_cam_image(scaled)[0], raw


def saliency(m, x, target):
    return attr.Saliency(m).attribute(x, target=target)


def guided_backprop(m, x, target):
    return attr.GuidedBackprop(m).attribute(x, target=target)


def guided_gradcam(m, layer, x, target):
    g = attr.GuidedGradCam(m, m.get_submodule(layer))
    return g.attribute(x, target=target, interpolate_mode="nearest")


def smoothgrad(m, x, target):
    """captum's NoiseTunnel, drawing our noise."""
    noise = np.stack([normals(SEED, k, x[0].numel()) for k in range(SAMPLES)])
    noise = torch.from_numpy(noise).view(SAMPLES, *x.shape[1:])
    with mock.patch("torch.normal", lambda mean, std: mean + std * noise):
        return attr.NoiseTunnel(attr.Saliency(m)).attribute(
            x, target=target, nt_type="smoothgrad", nt_samples=SAMPLES,
            stdevs=NOISE, abs=False)


def integrated(m, x, target, steps, baseline):
    return attr.IntegratedGradients(m).attribute(
        x, baseline, target=target, n_steps=steps, method="gausslegendre",
        return_convergence_delta=True)


# ---- cases -----------------------------------------------------------------

class Cases:
    def __init__(self):
        self.list, self.numbers = [], Numbers()

    def add(self, name, method, arrays, targets, layer=None, **options):
        """One case: the arrays of several targets, one behind the other."""
        array = np.stack([np.asarray(a, np.float32) for a in arrays])
        key = f"{len(self.list)}"
        self.list.append(dict(
            network=name, method=method, targets=targets,
            layers=layer or [], shape=array.shape[1:], **options,
            offset=self.numbers.offset(key, array)))


def layer_names(nets, name, output, x):
    """The value's name in the legacy and in the dynamo file."""
    array = output.numpy().astype(np.float32)
    return [run_file(f"{nets}/{name}.{e}.onnx", x, {"v": (array, None)})[0]["v"]
            for e in ("legacy", "dynamo")]


def add_network(cases, nets, name):
    layers, pooled, linear = NETS[name]
    m, x32 = prepared(name), images(3, 7)[:1]
    x = x32.double()
    top = int(m(x).argmax())
    targets = [top, (top + 3) % 10]
    names = {p: layer_names(nets, name, output_of(m, p, x), x32)
             for p in layers + [pooled] * bool(pooled)}
    single = lambda t: t.detach()[0].numpy()

    for layer in layers:
        for method in FAMILY:
            maps = [cam_family(method, m, layer, x, t,
                               RESHAPES.get((name, layer))) for t in targets]
            for raw in (0, 1):
                cases.add(name, method, [s[raw] for s in maps], targets,
                          names[layer], raw=raw)
    if pooled:
        maps = [cam(m, pooled, linear, x, t) for t in targets]
        for raw in (0, 1):
            cases.add(name, "cam", [s[raw] for s in maps], targets,
                      names[pooled], raw=raw)
    cases.add(name, "saliency", [single(saliency(m, x, t)) for t in targets],
              targets)
    cases.add(name, "guided_backprop",
              [single(guided_backprop(m, x, t)) for t in targets], targets)
    if (name, layers[0]) not in RESHAPES:    # captum takes maps alone
        cases.add(name, "guided_gradcam",
                  [single(guided_gradcam(m, layers[0], x, t))
                   for t in targets], targets, names[layers[0]])
    cases.add(name, "smoothgrad", [single(smoothgrad(m, x, top))], [top],
              samples=SAMPLES, noise=NOISE, seed=SEED)
    for steps, constant in ((50, 0.0), (7, -0.5)):
        a, delta = integrated(m, x, top, steps, constant)
        cases.add(name, "integrated_gradients", [single(a)], [top],
                  steps=steps, baseline=constant, delta=float(delta))


def main(folder, nets):
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    check_philox()
    os.makedirs(folder, exist_ok=True)
    cases = Cases()
    for name in NETS:
        add_network(cases, nets, name)
    cases.numbers.save(f"{folder}/numbers.npy")
    with open(f"{folder}/index.json", "w") as f:
        f.write('{"cases": [\n' +
                ",\n".join(json.dumps(c) for c in cases.list) + "\n]}\n")


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    main(sys.argv[1] if len(sys.argv) > 1 else f"{here}/../data/heatmaps",
         f"{here}/../data/nets")
