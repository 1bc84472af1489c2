"""Golden maps of the CAM family on the small networks of nets.py:
tests/data/heatmaps_cam, in the form of heatmaps.py.

    python heatmaps_cam.py [FOLDER]        (default: ../data/heatmaps_cam)

Computed in float64 by pytorch-grad-cam and torchcam. Where cxai follows a
paper's equation and not these, the equation stands here: FEM, Ablation-CAM at
layers with negative numbers, Smooth Grad-CAM++, Recipro-CAM. Principal
components have the sign of the rule that their method's file tells. Noise is
ours, as in heatmaps.py.

Made with torch 2.14.1, torchvision 0.29.1, grad-cam 1.5.7, torchcam 0.5.0,
scikit-learn 1.9.0, onnx 1.23.2, onnxruntime 1.32.0.
"""
import json
import os
import sys
import warnings

import numpy as np
import pytorch_grad_cam as pgc
import torch
import torchcam.methods
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import (ClassifierOutputReST,
                                                  ClassifierOutputTarget)
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from heatmaps import RESHAPES, SEED, Cases, layer_names, normals, output_of, \
    prepared
from networks import images

# network -> layers
NETS = {
    "basic": ["5", "4"],
    "plain": ["5"],    # before its ReLU: negative numbers
    "mobile2": ["4"],
    "next": ["features.3.0.block.2"],
    "tokens": ["encoder.layers.encoder_layer_1.ln_1"],
}
# others, behind whose layers functions are curved: Shapley-CAM alone
CURVED = {
    "mobile3": ["features.3"],
    "efficient": ["features.1"],
    "windows": ["features.1"],    # written for a batch of one
}
SAMPLES, NOISE = 5, 0.4
BATCH = 16
# the first target's scores differ by so little that float32 rounds the weights
# by 1.4e-4
ONE_TARGET = [("next", "ablationcam")]
GRADIENT = {"xgradcam": pgc.XGradCAM, "hirescam": pgc.HiResCAM,
            "elementwise": pgc.GradCAMElementWise,
            "eigencam": pgc.EigenCAM, "eigengradcam": pgc.EigenGradCAM,
            "segeigencam": pgc.SegEigenCAM, "kpcacam": pgc.KPCA_CAM,
            "scorecam": pgc.ScoreCAM}
SMOOTH = {"gradcam": pgc.GradCAM, "gradcampp": pgc.GradCAMPlusPlus,
          "layercam": pgc.LayerCAM, "xgradcam": pgc.XGradCAM,
          "hirescam": pgc.HiResCAM, "elementwise": pgc.GradCAMElementWise}


def turned(raw, guide):
    """raw or -raw, whichever agrees with the guide."""
    return raw * np.where((raw * guide).sum() < 0, -1, 1)


def recording(kind, rule=None):
    """A pytorch-grad-cam method that keeps its map before ReLU and scaling, a
    principal component turned by the rule of (activations, gradients, weights)
    first."""
    class Recording(kind):
        def get_cam_weights(self, *a, **k):
            self.weights = super().get_cam_weights(*a, **k)
            return self.weights

        def get_cam_image(self, x, layer, targets, a, g, *rest, **k):
            self.weights = None
            raw = super().get_cam_image(x, layer, targets, a, g, *rest, **k)
            if rule:
                raw = turned(raw, rule(a, g, self.weights))
            self.raw = raw
            return raw
    return Recording


def strength(a, g, w):
    return np.abs(a).sum(1)


def evidence(a, g, w):
    return (g * a).sum(1)


def smoothed(name):
    """What is summed over channels without eigen_smooth."""
    def rule(a, g, w):
        if w is not None:
            return (w[:, :, None, None] * a).sum(1)
        product = {"layercam": np.maximum(g, 0) * a, "hirescam": g * a,
                   "elementwise": np.maximum(g * a, 0)}[name]
        return product.sum(1)
    return rule


RULES = {"eigencam": strength, "kpcacam": strength, "eigengradcam": evidence}


def library(kind, m, layer, x, target, reshape, rule=None, **options):
    """(scaled, raw) of pytorch-grad-cam."""
    with recording(kind, rule)(model=m, target_layers=[m.get_submodule(layer)],
                               reshape_transform=reshape) as cam:
        scaled = cam(input_tensor=x, targets=[target], **options)
        return scaled[0], cam.raw[0]


def scaled(raw, x):
    """raw as pytorch-grad-cam's pipeline makes a map of it."""
    one = scale_cam_image(np.maximum(raw, 0)[None], (x.shape[3], x.shape[2]))
    return scale_cam_image(one)[0]


def behind(m, layer, value, x):
    """The network's answer when its layer puts out value (N,...)."""
    def answer(part):
        handle = m.get_submodule(layer).register_forward_hook(
            lambda module, inputs, output: part)
        with torch.no_grad():
            y = m(x.expand(len(part), -1, -1, -1))
        handle.remove()
        return y

    return torch.cat([answer(part) for part in value.split(BATCH)])


# ---- equations -------------------------------------------------------------

def view(a, reshape):
    return reshape(a) if reshape else a


def weighted(weights, a):
    return torch.einsum("k,khw->hw", weights, a[0]).numpy()


def fem(m, layer, x, target, reshape):
    a = view(output_of(m, layer, x), reshape)[0]
    mean, std = a.mean((1, 2)), a.std((1, 2), unbiased=False)
    masks = a > (mean + 2 * std)[:, None, None]
    return torch.einsum("k,khw->hw", mean, masks.to(a.dtype)).numpy()


def ablation(m, layer, x, target, reshape):
    """Desai and Ramaswamy, equations 4 and 5."""
    a = output_of(m, layer, x)
    grid = view(a, reshape)
    axis = 1 if a.ndim == 4 and a.shape[1] == grid.shape[1] else a.ndim - 1
    values = a.repeat(grid.shape[1], *[1] * (a.ndim - 1))
    for k in range(grid.shape[1]):
        values[k].select(axis - 1, k).zero_()
    y = behind(m, layer, a, x)[0, target]
    return weighted((y - behind(m, layer, values, x)[:, target]) / y, grid)


def smooth_gradcampp(m, layer, x, target, reshape):
    """Omeiza et al., equations 7 to 9, with D_2 in the numerator."""
    a = view(output_of(m, layer, x), reshape)
    powers = [torch.zeros_like(a) for _ in range(3)]
    for i in range(SAMPLES):
        noise = torch.from_numpy(normals(SEED, i, x.numel())).to(x).view_as(x)
        kept = []
        handle = m.get_submodule(layer).register_forward_hook(
            lambda module, inputs, output: kept.append(output))
        y = m(x + NOISE * noise)[0, target]
        handle.remove()
        g = view(torch.autograd.grad(y, kept[0])[0], reshape)
        for p in range(3):
            powers[p] += g ** (p + 1) / SAMPLES
    d1, d2, d3 = powers
    alpha = d2 / (2 * d2 + a.sum((2, 3), keepdim=True) * d3 + 1e-6)
    return weighted((alpha * d1.relu()).sum((0, 2, 3)), a)


def shapley(m, layer, x, target, reshape):
    """pytorch-grad-cam's ShapleyCAM, which fails where a layer's values are to
    be reshaped. torch differentiates attention twice in plain steps alone."""
    if not reshape:
        return library(pgc.ShapleyCAM, m, layer, x,
                       ClassifierOutputReST(target), None)[1]
    kept = []
    handle = m.get_submodule(layer).register_forward_hook(
        lambda module, inputs, output: kept.append(output))
    with sdpa_kernel(SDPBackend.MATH):
        score = ClassifierOutputReST(target)(m(x)[0])
    handle.remove()
    a = kept[0]
    g, = torch.autograd.grad(score, a, create_graph=True)
    second, = torch.autograd.grad(g, a, a.detach())
    weights = view(g - second / 2, reshape).mean((0, 2, 3))
    return weighted(weights.detach(), view(a, reshape).detach())


def recipro(m, layer, x, target, reshape):
    a = output_of(m, layer, x)
    grid = view(a, reshape)
    h, w = grid.shape[2:]
    kernel = torch.tensor([[1, 2, 1], [2, 4, 2], [1, 2, 1]]).to(x) / 16
    values = a.repeat(h * w, *[1] * (a.ndim - 1))
    for p in range(h * w):
        one = torch.zeros(h, w).to(x)
        one[p // w, p % w] = 1
        mask = F.conv2d(one[None, None], kernel[None, None], padding=1)[0, 0]
        spread = grid[0, :, p // w, p % w, None, None] * mask
        if a.ndim == 3:      # behind a class token
            values[p, 1:] = spread.flatten(1).T
        else:
            values[p] = spread if spread.shape == a[0].shape \
                else spread.permute(1, 2, 0)
    y = behind(m, layer, values, x).softmax(1)[:, target]
    return y.view(h, w).numpy()


EQUATIONS = {"fem": fem, "ablationcam": ablation,
             "smoothgradcampp": smooth_gradcampp, "reciprocam": recipro}


# ---- torchcam --------------------------------------------------------------

class OurNoise:
    """Stands in for the distribution of torchcam's SSCAM: sample i of channel
    k is stream k * samples + i."""
    def __init__(self, samples):
        self.samples, self.next = samples, 0

    def sample(self, size):
        noise = [normals(SEED, k * self.samples + self.next, size[2] * size[3])
                 for k in range(size[1])]
        self.next += 1
        return torch.from_numpy(np.stack(noise)).view(size) * NOISE


def torch_cam(kind, m, layer, x, target, samples=SAMPLES):
    """The map before ReLU and scaling."""
    cam = kind(m, layer, num_samples=samples, input_shape=tuple(x.shape[1:]))
    cam._distrib = OurNoise(samples)
    with torch.no_grad():
        m(x)
        weights = cam._get_weights(target)[0][0]
        raw = weighted(weights, cam.hook_a[0])
    cam.remove_hooks()
    return raw


# ---- cases -----------------------------------------------------------------

def add_maps(cases, name, method, raws, targets, layers, x, both, **options):
    """The raw maps, and, with both, what the pipeline makes of them."""
    cases.add(name, method, raws, targets, layers, raw=1, **options)
    if both:
        cases.add(name, method, [scaled(r, x) for r in raws], targets, layers,
                  raw=0, **options)


def add_layer(cases, name, layer, m, x, targets, layers):
    reshape = RESHAPES.get((name, layer))
    both = (name, layer) == ("basic", "5")
    relu = float(output_of(m, layer, x).min()) == 0

    def add(method, function, **options):
        wanted = targets[1:] if (name, method) in ONE_TARGET else targets
        add_maps(cases, name, method, [function(t) for t in wanted], wanted,
                 layers, x, both, **options)

    def of(kind, rule=None, make=ClassifierOutputTarget, **options):
        return lambda t: library(kind, m, layer, x, make(t), reshape, rule,
                                 **options)[1]

    for method, kind in GRADIENT.items():
        add(method, of(kind, RULES.get(method)))
    for method, kind in SMOOTH.items():
        add(method, of(kind, smoothed(method), eigen_smooth=True),
            eigen_smooth=1)
    add("fem", of(pgc.FEM), set="form=activations")
    if relu:
        check = of(pgc.AblationCAM)(targets[0])
        own = ablation(m, layer, x, targets[0], reshape)
        assert np.abs(check - own).max() < 1e-6 * np.abs(own).max()
    for method, function in EQUATIONS.items():
        add(method, lambda t: function(m, layer, x, t, reshape),
            **dict(samples=SAMPLES, noise=NOISE, seed=SEED)
            if method == "smoothgradcampp" else {})
    if reshape is None:
        noisy = dict(samples=SAMPLES, noise=NOISE, seed=SEED)
        add("sscam", lambda t: torch_cam(torchcam.methods.SSCAM, m, layer, x,
                                         t), **noisy)
        add("iscam", lambda t: torch_cam(torchcam.methods.ISCAM, m, layer, x,
                                         t), samples=SAMPLES)
    add("finercam", lambda t: finer(m, layer, x, t, reshape))


    add("fullgrad", lambda t: full_gradient(m, x, t))
    add("shapleycam", lambda t: shapley(m, layer, x, t, reshape))


def full_gradient(m, x, target):
    """The sum that FullGrad brings to 0..1; all numbers are positive."""
    with pgc.FullGrad(m, [], None) as cam:
        cam.aggregate_multi_layers = lambda maps: np.sum(maps, axis=1)
        return cam(x, [ClassifierOutputTarget(target)])[0]


def add_runs(cases, nets, m, x, targets, x32):
    """Several layers, and several views of the picture, of basic."""
    def of(kind, layers, t, rule=None, largest=False, **options):
        with recording(kind, rule)(m, [m.get_submodule(i) for i in layers]) \
                as cam:
            if largest:
                cam.aggregate_multi_layers = lambda maps: scale_cam_image(
                    np.concatenate(maps, 1).max(1))
            return cam(x, [ClassifierOutputTarget(t)], **options)[0]

    names = [layer_names(nets, "basic", output_of(m, i, x), x32)
             for i in ("4", "5")]
    both = dict(several=[list(pair) for pair in zip(*names)])
    for method, kind in (("gradcam", pgc.GradCAM), ("scorecam", pgc.ScoreCAM)):
        cases.add("basic", method, [of(kind, "45", t) for t in targets],
                  targets, **both)
        cases.add("basic", method,
                  [of(kind, "45", t, largest=True) for t in targets], targets,
                  fusion=1, **both)
    for method, kind, rule in (("gradcam", pgc.GradCAM, None),
                               ("eigencam", pgc.EigenCAM, strength)):
        cases.add("basic", method,
                  [of(kind, "5", t, rule, aug_smooth=True) for t in targets],
                  targets, names[1], aug_smooth=1)
    cases.add("basic", "layercam",
              [of(pgc.LayerCAM, "45", t, smoothed("layercam"), aug_smooth=True,
                  eigen_smooth=True) for t in targets],
              targets, aug_smooth=1, eigen_smooth=1, **both)


def finer(m, layer, x, target, reshape):
    kind = recording(pgc.GradCAM)
    with pgc.FinerCAM(m, [m.get_submodule(layer)], reshape,
                      base_method=kind) as cam:
        cam(x, target_idx=target)
        return cam.base_cam.raw[0]


def main(folder, nets):
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    os.makedirs(folder, exist_ok=True)
    cases = Cases()
    for name, layers in NETS.items():
        m, x32 = prepared(name), images(3, 7)[:1]
        x = x32.double()
        top = int(m(x).argmax())
        if name == "basic":
            add_runs(cases, nets, m, x, [top, (top + 3) % 10], x32)
        for layer in layers:
            add_layer(cases, name, layer, m, x, [top, (top + 3) % 10],
                      layer_names(nets, name, output_of(m, layer, x), x32))
    for name, layers in CURVED.items():
        m, x32 = prepared(name), images(3, 7)[:1]
        x = x32.double()
        targets = [int(m(x).argmax()), 3]
        for layer in layers:
            reshape = RESHAPES.get((name, layer))
            cases.add(name, "shapleycam",
                      [shapley(m, layer, x, t, reshape) for t in targets],
                      targets,
                      layer_names(nets, name, output_of(m, layer, x), x32),
                      raw=1)
    cases.numbers.save(f"{folder}/numbers.npy")
    with open(f"{folder}/index.json", "w") as f:
        f.write('{"cases": [\n' +
                ",\n".join(json.dumps(c) for c in cases.list) + "\n]}\n")


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    main(sys.argv[1] if len(sys.argv) > 1 else f"{here}/../data/heatmaps_cam",
         f"{here}/../data/nets")
