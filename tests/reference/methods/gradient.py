"""The gradient family for zoo_methods.py, by captum and PAIR saliency as in
heatmaps_gradient.py, whose first lines say where captum is mended.

With DOUBLE=1 in the environment the references are computed in float64, for
`--cxai` of a build with DOUBLE=1: in float32 single ReLUs switch (see zoo.py),
and guided_ig and rectgrad, which sort gradients, follow other ways.
"""
import copy
import os

import torch
from captum import attr
from torch import nn

import heatmaps
import heatmaps_gradient as family
from zoo_methods import Method

DOUBLE = os.environ.get("DOUBLE") == "1"
SEED, SAMPLES, NOISE, STEPS = 7, 8, 0.2, 10
DRAWN = ["--seed", str(SEED), "--samples", str(SAMPLES), "--noise", str(NOISE)]
STEPPED = ["--steps", str(STEPS)]
cache = {}


def mended(model, layer):
    """A copy in which every ReLU is a module of its own that captum knows, and
    the layer there. All its numbers are those of the model."""
    if cache.get("model") is not model:
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
        cache.update(model=model, copy=m.eval(), path=path)
    m = cache["copy"].to(next(model.parameters()).dtype)
    return m, m.get_submodule(cache["path"]) if cache["path"] else None


def method(function, options=(), layered=False, networks=None):
    def compute(model, x, target, layer):
        m, inner = mended(model, layer)
        array = function(m, x, target, inner) if layered else \
            function(m, x, target)
        return array.detach()[0].numpy()
    return Method(compute=compute, options=list(options), layered=layered,
                  double=DOUBLE, networks=networks)


def noisy(kind):
    return method(lambda m, x, t: family.smooth(m, x, t, kind, SAMPLES, NOISE,
                                                SEED), DRAWN)


def by_layer(name):
    options = [] if name == "layer_gradient_x_activation" else STEPPED
    return method(lambda m, x, t, layer: family.layer_method(
        name, m, layer, x, t, torch.zeros_like(x), STEPS, "gauss"),
        options, layered=True)


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
    "rectgrad": method(lambda m, x, t: family.rectgrad(m, x, t, 98)),
    "deeplift": method(lambda m, x, t: family.deeplift(
        m, x, t, torch.zeros_like(x))),
    "smoothgrad": noisy("smoothgrad"),
    "smoothgrad_squared": noisy("smoothgrad_sq"),
    "vargrad": noisy("vargrad"),
    "gradient_shap": method(lambda m, x, t: family.gradient_shap(
        m, x, t, torch.zeros_like(x), NOISE, SAMPLES, SEED), DRAWN),
    "integrated_gradients": method(lambda m, x, t: family.integrated(
        m, x, t, torch.zeros_like(x), STEPS, "gauss"), STEPPED),
    "integrated_gradients:trapezoid": method(
        lambda m, x, t: family.integrated(m, x, t, torch.zeros_like(x), STEPS,
                                          "trapezoid"),
        STEPPED + ["--set", "rule=trapezoid"]),
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
}
