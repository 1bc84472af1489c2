"""Golden heatmaps of the gradient family: tests/data/heatmaps_gradient.

    python heatmaps_gradient.py [FOLDER]   (default: ../data/heatmaps_gradient)

Computed in float64 by captum, by PAIR saliency (blur_ig, guided_ig), and for
rectgrad, of which no library is at hand, from the paper's equation, on the
torch networks whose ONNX files lie in tests/data/nets; index and numbers as
heatmaps.py. What is random draws cxai's numbers. captum is mended in four
places, as the papers have it:

- its points of the riemann rules are float32 in any dtype: see exactly;
- its trapezoid weights sum to (n-1)/n: they are divided by that;
- DeepLIFT's max pool keeps one of the overlapping windows that meet at a place:
  here they are added;
- a ReLU right before a max pool is given the pool's gradient, not its
  multiplier, as both hang hooks on one tensor: here a copy is between them.

Made with torch 2.14.1, torchvision 0.29.1, captum 0.9.0, saliency 0.2.1,
onnx 1.23.2, onnxruntime 1.32.0.
"""
import contextlib
import functools
import json
import os
import sys
import types
import warnings
from unittest import mock

import numpy as np
import torch
from captum import attr
from captum.attr._core import deep_lift
from saliency.core import XRAI, BlurIG, GuidedIG
from skimage.morphology import dilation, disk
from skimage.segmentation import felzenszwalb
from torch import nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, Bottleneck

import heatmaps
from heatmaps import Cases, ReLU6, check_philox, layer_names, normals
from heatmaps import output_of, philox, prepared
from networks import images

SEED, SAMPLES, NOISE = heatmaps.SEED, heatmaps.SAMPLES, heatmaps.NOISE


def uniforms(seed, stream, count):
    """The definition at the head of src/base/random.c."""
    index = np.arange(count, dtype=np.uint64)
    words = np.stack(philox(
        [index // np.uint64(4), np.zeros_like(index),
         np.full_like(index, stream), np.zeros_like(index)],
        [seed & 0xFFFFFFFF, seed >> 32]))
    return (words[np.arange(count) % 4, np.arange(count)] >> np.uint64(8)) \
        / 2**24


class Copy(nn.Module):
    def forward(self, x):
        return x.clone()


class Copied(nn.Sequential):
    pass


def once_each(m):
    """Mended for captum's DeepLIFT: ReLUs that a residual block uses several
    times made several, a copy before each max pool."""
    def basic(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu2(out + (self.downsample(x) if self.downsample else x))

    def bottleneck(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu2(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu3(out + (self.downsample(x) if self.downsample else x))

    for child in m.modules():
        if isinstance(child, (BasicBlock, Bottleneck)):
            child.relu2, child.relu3 = nn.ReLU(), nn.ReLU()
            forward = basic if isinstance(child, BasicBlock) else bottleneck
            child.forward = types.MethodType(forward, child)
        for name, pool in list(child.named_children()):
            if isinstance(pool, nn.MaxPool2d) and \
                    not isinstance(child, Copied):
                setattr(child, name, Copied(Copy(), pool))
    return m


# ---- methods ---------------------------------------------------------------

@functools.lru_cache
def noise_of(seed, samples, shape, dtype):
    """cxai's noise of all samples; kept, as captum's own would take no time."""
    count = int(np.prod(shape[1:]))
    numbers = np.stack([normals(seed, k, count) for k in range(samples)])
    return torch.from_numpy(numbers).to(dtype).view(samples, *shape[1:])


def smooth(m, x, target, kind, samples=SAMPLES, noise=NOISE, seed=SEED):
    numbers = noise_of(seed, samples, x.shape, x.dtype)
    with mock.patch("torch.normal", lambda mean, std: mean + std * numbers):
        return attr.NoiseTunnel(attr.Saliency(m)).attribute(
            x, target=target, nt_type=kind, nt_samples=samples, stdevs=noise,
            abs=False)


def gradient_shap(m, x, target, baselines, noise, samples=SAMPLES, seed=SEED):
    numbers = noise_of(seed, samples, x.shape, x.dtype)
    share = uniforms(seed, 2**32 - 1, samples)
    choice = uniforms(seed, 2**32 - 2, samples) * len(baselines)
    with mock.patch("torch.normal", lambda mean, std: mean + std * numbers), \
            mock.patch("numpy.random.uniform", lambda *a: share), \
            mock.patch("numpy.random.choice",
                       lambda *a: np.floor(choice).astype(int)):
        return attr.GradientShap(m).attribute(
            x, baselines, n_samples=samples, stdevs=noise, target=target)


def added_maxpool(module, pool, unpool, inputs, outputs, grad_input,
                  grad_output, eps=1e-10):
    """deep_lift.maxpool with every window's contribution added."""
    x, other = inputs.chunk(2)
    y, y_other = outputs.chunk(2)
    rise = torch.cat([F.relu(y - y_other), -F.relu(y_other - y)])
    with torch.enable_grad():
        again = inputs.detach().clone().requires_grad_()
        out = pool(again, module.kernel_size, module.stride, module.padding,
                   module.dilation, module.ceil_mode)
        given, = torch.autograd.grad(out, again, grad_output * rise)
    given = sum(given.chunk(2))
    change = x - other
    m = torch.where(change.abs() < eps, torch.zeros_like(given),
                    given / change)
    return torch.cat([m, m])


def deeplift(m, x, target, baseline):
    with mock.patch.dict(deep_lift.SUPPORTED_NON_LINEAR,
                         {ReLU6: deep_lift.nonlinear,
                          nn.ReLU6: deep_lift.nonlinear}), \
            mock.patch("captum.attr._core.deep_lift.maxpool", added_maxpool):
        return attr.DeepLift(m).attribute(x, baseline, target=target)


class Rectify(torch.autograd.Function):
    """Kim et al., 2019: R_l = (a_l R_l+1 > tau) R_l+1."""
    @staticmethod
    def forward(ctx, z, most, q):
        a = z.clamp(0, most)
        ctx.save_for_backward(a)
        ctx.q = q
        return a

    @staticmethod
    def backward(ctx, g):
        a, = ctx.saved_tensors
        product = (a * g).flatten()
        tau = product.sort()[0][round(ctx.q / 100 * (len(product) - 1))]
        return torch.where(a * g > tau, g, torch.zeros_like(g)), None, None


class Rectified(nn.Module):
    def __init__(self, most, q):
        super().__init__()
        self.most, self.q = most, q

    def forward(self, z):
        return Rectify.apply(z, self.most, self.q)


def rectgrad(m, x, target, q):
    """Replaces the ReLUs for the while."""
    kept = []
    for child in m.modules():
        for name, relu in child.named_children():
            if isinstance(relu, (nn.ReLU, nn.ReLU6)):
                six = isinstance(relu, (ReLU6, nn.ReLU6))
                kept.append((child, name, relu))
                setattr(child, name, Rectified(6 if six else np.inf, q))
    try:
        return attr.InputXGradient(m).attribute(x, target=target)
    finally:
        for child, name, relu in kept:
            setattr(child, name, relu)


def saliency_caller(m, target):
    """What PAIR saliency calls: pictures (N,H,W,C)."""
    def call(pictures, call_model_args=None, expected_keys=None):
        dtype = next(m.parameters()).dtype
        x = torch.from_numpy(np.asarray(pictures)).permute(0, 3, 1, 2)
        x = x.to(dtype).contiguous().requires_grad_()
        g, = torch.autograd.grad(m(x)[:, target].sum(), x)
        return {"INPUT_OUTPUT_GRADIENTS":
                g.permute(0, 2, 3, 1).double().numpy()}
    return call


def hwc(x):
    return x[0].permute(1, 2, 0).double().numpy()


def chw(a):
    return torch.from_numpy(np.ascontiguousarray(a.transpose(2, 0, 1)))[None]


def blur_ig(m, x, target, steps, sigma):
    return chw(BlurIG().GetMask(hwc(x), saliency_caller(m, target), steps=steps,
                                max_sigma=sigma, batch_size=8))


def guided_ig(m, x, target, baseline, steps, fraction=0.25, leeway=0.02):
    """numpy has renamed quantile's interpolation."""
    quantile = np.quantile

    def renamed(a, q, interpolation):
        return quantile(a, q, method=interpolation)

    with mock.patch("numpy.quantile", renamed):
        return chw(GuidedIG().GetMask(
            hwc(x), saliency_caller(m, target), x_baseline=hwc(baseline),
            x_steps=steps, fraction=fraction, max_dist=leeway))


def xrai(m, x, target, steps):
    """PAIR's algorithm on captum's integrated gradients, its regions at the
    input's own size. (H,W)."""
    attribution = sum(attr.IntegratedGradients(m).attribute(
        x, torch.full_like(x, float(end)), target=target, n_steps=steps,
        internal_batch_size=10) for end in (x.min(), x.max())) / 2
    picture = hwc(x)
    picture = 2 * (picture - picture.min()) / np.ptp(picture) - 1
    masks = []
    for scale in (50, 100, 150, 250, 500, 1200):
        labels = felzenszwalb(picture, scale=scale, sigma=0.8, min_size=150)
        masks += [dilation(labels == k, footprint=disk(5))
                  for k in range(labels.max() + 1)]
    return torch.from_numpy(XRAI().GetMask(
        picture, None, segments=masks, base_attribution=hwc(attribution)))


RULES = {"gauss": "gausslegendre", "trapezoid": "riemann_trapezoid",
         "left": "riemann_left", "middle": "riemann_middle",
         "right": "riemann_right"}


@contextlib.contextmanager
def exactly(x):
    """captum lays its points with torch.linspace, in the default dtype."""
    kept = torch.get_default_dtype()
    torch.set_default_dtype(x.dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(kept)


def mended(array, rule, steps):
    """The sum with weights that sum to 1."""
    return array * (steps / (steps - 1)) if rule == "trapezoid" else array


def integrated(m, x, target, baseline, steps, rule):
    with exactly(x):
        array = attr.IntegratedGradients(m).attribute(
            x, baseline, target=target, n_steps=steps, method=RULES[rule])
    return mended(array, rule, steps)


def layer_method(name, m, layer, x, target, baseline, steps, rule):
    module = m.get_submodule(layer) if isinstance(layer, str) else layer
    if name == "layer_gradient_x_activation":
        return attr.LayerGradientXActivation(m, module).attribute(
            x, target=target)
    kind = {"conductance": attr.LayerConductance,
            "internal_influence": attr.InternalInfluence,
            "layer_integrated_gradients": attr.LayerIntegratedGradients}[name]
    with exactly(x):
        array = kind(m, module).attribute(x, baseline, target=target,
                                          n_steps=steps, method=RULES[rule])
    return array if name == "conductance" else mended(array, rule, steps)


# ---- cases -----------------------------------------------------------------

# network -> a layer that everything goes through
LAYERS = {"basic": "4", "mobile2": "4", "plain": "5"}
LAYER_METHODS = ["layer_gradient_x_activation", "conductance",
                 "internal_influence", "layer_integrated_gradients"]


def add_network(cases, nets, name):
    m, x32 = once_each(prepared(name)), images(3, 7)[:1]
    x = x32.double()
    top = int(m(x).argmax())
    targets = [top, (top + 3) % 10]
    half = torch.full_like(x, -0.5)

    def add(method, function, which=targets[:1], layers=None, **options):
        arrays = [function(t).detach()[0].numpy() for t in which]
        cases.add(name, method, arrays, which, layers, **options)

    if name == "mobile3":
        add("gradient", lambda t: attr.Saliency(m).attribute(
            x, target=t, abs=False), targets)
        add("inputxgradient", lambda t: attr.InputXGradient(m).attribute(
            x, target=t), targets)
        return
    drawn = dict(samples=SAMPLES, noise=NOISE, seed=SEED)
    add("deconvnet", lambda t: attr.Deconvolution(m).attribute(x, target=t),
        targets[:1 if name == "fire" else 2])
    for q in (70,) if name == "fire" else (98, 70):
        add("rectgrad", lambda t: rectgrad(m, x, t, q), set=f"percentile={q}")
    if name != "fire":    # its folder is to stay small
        for kind in ("smoothgrad_sq", "vargrad"):
            method = kind.replace("_sq", "_squared")
            add(method, lambda t: smooth(m, x, t, kind), **drawn)
        add("gradient_shap", lambda t: gradient_shap(
            m, x, t, torch.cat([half, 0 * half, -half]), NOISE),
            baselines=[-0.5, 0, 0.5], **drawn)
    add("deeplift", lambda t: deeplift(m, x, t, torch.zeros_like(x)), targets)
    add("deeplift", lambda t: deeplift(m, x, t, half), baseline=-0.5)
    add("gradient_shap", lambda t: gradient_shap(m, x, t, half, 0.0),
        samples=SAMPLES, seed=SEED, baseline=-0.5)
    if name == "plain":
        for rule in list(RULES)[1:]:
            add("integrated_gradients", lambda t: integrated(
                m, x, t, half, 7, rule), steps=7, baseline=-0.5,
                set=f"rule={rule}")
    add("blur_ig", lambda t: blur_ig(m, x, t, 10, 5.0), steps=10,
        set="sigma=5")
    if name == "fire":
        return
    add("guided_ig", lambda t: guided_ig(m, x, t, half, 20), steps=20,
        baseline=-0.5)
    add("xrai", lambda t: xrai(m, x, t, 10)[None], steps=10, raw=1)
    layer = LAYERS.get(name)
    if not layer:
        return
    names = layer_names(nets, name, output_of(m, layer, x), x32)
    for method in LAYER_METHODS:
        for steps, rule in ((10, "gauss"), (7, "trapezoid")):
            options = {} if method == LAYER_METHODS[0] else \
                dict(steps=steps, baseline=-0.5, set=f"rule={rule}")
            add(method, lambda t: layer_method(method, m, layer, x, t, half,
                                               steps, rule), targets, names,
                **options)


def main(folder, nets):
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    check_philox()
    os.makedirs(folder, exist_ok=True)
    cases = Cases()
    for name in ("basic", "plain", "mobile2", "fire", "mobile3"):
        add_network(cases, nets, name)
    cases.numbers.save(f"{folder}/numbers.npy")
    with open(f"{folder}/index.json", "w") as f:
        f.write('{"cases": [\n' +
                ",\n".join(json.dumps(c) for c in cases.list) + "\n]}\n")
    print(len(cases.list), "cases")


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    main(sys.argv[1] if len(sys.argv) > 1 else
         f"{here}/../data/heatmaps_gradient", f"{here}/../data/nets")
