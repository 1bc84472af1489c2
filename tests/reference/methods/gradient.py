"""The gradient, path and layer families for zoo_methods.py, by captum and PAIR
saliency as in heatmaps_gradient.py, whose first lines say where captum is
mended and what has no library.

Whether a ReLU whose input is near 0 is open, or which of two near numbers is
the largest of a pool, depends on float32's rounding, and with it a gradient at
single pixels. A sum over many points, as of the path and noise methods, meets
such places at almost every point; guided_ig, rectgrad and xrai sort besides. So
all are compared in float64. --moved shows it: at a change of picture and
weights by 2^-24 of themselves already, float64 moves by as much (mobilenet_v2:
gradient 3.4e-2, guided_ig 1.1, xrai 0.2 of the largest value). --kinks proves it
case by case: with cxai's side taken at a handful of kinks float64 comes out as
cxai does, within 4e-6. guided_ig's next point besides depends on a ranking of
the gradient: 3e-4 is left on the embedded network.
"""
import copy
import weakref

import numpy as np
import torch
from captum import attr
from scipy.ndimage import gaussian_filter
from torch import nn

import heatmaps
import heatmaps_gradient as family
from zoo_methods import Method

# the noise is exact in float32
SEED, SAMPLES, NOISE, STEPS = 7, 4, 0.25, 6
DRAWN = ["--seed", str(SEED), "--samples", str(SAMPLES), "--noise", str(NOISE)]
STEPPED = ["--steps", str(STEPS)]
CHANNEL = 7    # of the layer, for neuron methods: its mean over all positions
cache = weakref.WeakKeyDictionary()    # of a model, what mended gives


def mended(model, layer):
    """A copy in which every ReLU is a module of its own that captum knows, and
    the layer there. All its numbers are those of the model."""
    if model not in cache:
        path = next((p for p, m in model.named_modules() if m is layer), None)
        m = family.once_each(copy.deepcopy(model))
        for child in list(m.modules()):
            for name, relu in list(child.named_children()):
                if isinstance(relu, nn.ReLU6):
                    setattr(child, name, heatmaps.ReLU6())
                elif isinstance(relu, nn.ReLU):
                    setattr(child, name, nn.ReLU())
            if hasattr(child, "inplace"):
                child.inplace = False
        cache[model] = m.eval(), m.get_submodule(path) if path else None
    return cache[model]


def method(function, options=(), layered=False, **more):
    """function(model, x, target[, layer])."""
    def compute(model, x, target, layer):
        m, inner = mended(model, layer)
        array = function(m, x, target, inner) if layered else \
            function(m, x, target)
        return array.detach()[0].numpy()
    return Method(compute=compute, options=list(options), layered=layered,
                  double=True, **more)


def noisy(kind):
    return method(lambda m, x, t: family.smooth(m, x, t, kind, SAMPLES, NOISE,
                                                SEED), DRAWN)


# ---- baselines: (N,C,H,W) of x ---------------------------------------------

def blurred(x):
    """cxai's "blurred": a deviation of 10 pixels of 224, and weights that sum
    to 1 inside of the picture."""
    sigma = 10 / 224 * min(x.shape[2:])
    kind = dict(sigma=(0, 0, sigma, sigma), mode="constant")
    x = x.astype(np.float64)
    return gaussian_filter(x, **kind) / gaussian_filter(np.ones_like(x), **kind)


def several(x):
    return np.concatenate([x[..., ::-1], 0 * x, 0 * x - 0.5])


def given(function, x):
    array = np.ascontiguousarray(function(x.numpy()))
    return torch.from_numpy(array).to(x.dtype)


def integrated(rule="gauss"):
    return method(lambda m, x, t: family.integrated(
        m, x, t, torch.zeros_like(x), STEPS, rule),
        STEPPED + ["--set", f"rule={rule}"])


def from_baseline(function, options=(), **more):
    """Integrated gradients from function's picture."""
    return method(lambda m, x, t: family.integrated(
        m, x, t, given(function, x), STEPS, "gauss"), STEPPED + list(options),
        **more)


# ---- layers ----------------------------------------------------------------

def by_layer(name):
    options = [] if name == "layer_gradient_x_activation" else STEPPED
    return method(lambda m, x, t, layer: family.layer_method(
        name, m, layer, x, t, torch.zeros_like(x), STEPS, "gauss"),
        options, layered=True)


def neuron(kind, options=(), **settings):
    def mean(output):
        return output[:, CHANNEL].mean((1, 2))
    return method(lambda m, x, t, layer: kind(m, layer).attribute(
        x, neuron_selector=mean, **settings), options, layered=True,
        target=f"{{layer}}[{CHANNEL}]")


METHODS = {
    "gradient": method(lambda m, x, t: attr.Saliency(m).attribute(
        x, target=t, abs=False)),
    "saliency": method(lambda m, x, t: attr.Saliency(m).attribute(x, target=t)),
    "inputxgradient": method(lambda m, x, t: attr.InputXGradient(m).attribute(
        x, target=t)),
    "guided_backprop": method(lambda m, x, t: attr.GuidedBackprop(m).attribute(
        x, target=t)),
    "deconvnet": method(lambda m, x, t: attr.Deconvolution(m).attribute(
        x, target=t)),
    "guided_gradcam": method(
        lambda m, x, t, layer: attr.GuidedGradCam(m, layer).attribute(
            x, target=t, interpolate_mode="nearest"), layered=True),
    "rectgrad": method(lambda m, x, t: family.rectgrad(m, x, t, 98)),
    "deeplift": method(lambda m, x, t: family.deeplift(
        m, x, t, torch.zeros_like(x))),
    "smoothgrad": noisy("smoothgrad"),
    "smoothgrad_squared": noisy("smoothgrad_sq"),
    "vargrad": noisy("vargrad"),
    "gradient_shap": method(lambda m, x, t: family.gradient_shap(
        m, x, t, torch.zeros_like(x), NOISE, SAMPLES, SEED), DRAWN),
    "gradient_shap:expected": method(lambda m, x, t: family.gradient_shap(
        m, x, t, given(several, x), 0.0, SAMPLES, SEED),
        DRAWN[:4] + ["--noise", "0"], baseline=several),
    "integrated_gradients": integrated(),
    "integrated_gradients:trapezoid": integrated("trapezoid"),
    "integrated_gradients:left": integrated("left"),
    "integrated_gradients:middle": integrated("middle"),
    "integrated_gradients:right": integrated("right"),
    "integrated_gradients:blurred": from_baseline(
        blurred, ["--baseline", "blurred"]),
    "integrated_gradients:picture": from_baseline(
        lambda x: x[..., ::-1], baseline=lambda x: x[..., ::-1]),
    "blur_ig": method(lambda m, x, t: family.blur_ig(m, x, t, STEPS, 50.0),
                      STEPPED),
    "guided_ig": method(lambda m, x, t: family.guided_ig(
        m, x, t, torch.zeros_like(x), STEPS), STEPPED),
    "xrai": method(lambda m, x, t: family.xrai(m, x, t, STEPS)[None],
                   STEPPED + ["--raw"]),
    "layer_gradient_x_activation": by_layer("layer_gradient_x_activation"),
    "conductance": by_layer("conductance"),
    "internal_influence": by_layer("internal_influence"),
    "layer_integrated_gradients": by_layer("layer_integrated_gradients"),
    "gradient:neuron": neuron(attr.NeuronGradient),
    "integrated_gradients:neuron": neuron(attr.NeuronIntegratedGradients,
                                          STEPPED, n_steps=STEPS),
}
