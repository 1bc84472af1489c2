"""The CAM family for zoo_methods.py: pytorch-grad-cam's, or the equations of
heatmaps_cam.py where that departs from a paper.

Principal components have the sign of the rule that cxai's file of the method
tells. SS-CAM and IS-CAM, which run a network 18 and 5 thousand times, are
compared on the small networks alone.
"""
import pytorch_grad_cam as pgc
from pytorch_grad_cam.utils.model_targets import (ClassifierOutputReST,
                                                  ClassifierOutputTarget)

import heatmaps_cam as small
from zoo_methods import Method


def name_of(model, layer):
    """Also lets gradients pass, which pytorch-grad-cam leaves to its user."""
    model.requires_grad_(True)
    return next(n for n, m in model.named_modules() if m is layer)


def library(kind, rule=None, make=ClassifierOutputTarget, **options):
    def compute(model, x, target, layer):
        return small.library(kind, model, name_of(model, layer), x,
                             make(target), None, rule, **options)[0]
    return Method(compute=compute, layered=True)


def equation(function, *options):
    def compute(model, x, target, layer):
        raw = function(model, name_of(model, layer), x, target, None)
        return small.scaled(raw, x)
    return Method(compute=compute, layered=True, double=True,
                  options=list(options))


def fem_of_activations():
    method = library(pgc.FEM)
    method.options = ["--set", "form=activations"]
    return method


def smoothed(name):
    method = library(small.SMOOTH[name], small.smoothed(name),
                     eigen_smooth=True)
    method.options = ["--eigen-smooth"]
    return method


def augmented():
    method = library(pgc.GradCAM, aug_smooth=True)
    method.options = ["--aug-smooth"]
    return method


def finer(model, x, target, layer):
    return small.scaled(small.finer(model, name_of(model, layer), x, target,
                                    None), x)


def full_gradient(model, x, target, layer):
    model.requires_grad_(True)
    return small.scaled(small.full_gradient(model, x, target), x)


METHODS = {
    "gradcam": library(pgc.GradCAM),
    "gradcampp": library(pgc.GradCAMPlusPlus),
    "layercam": library(pgc.LayerCAM),
    **{name: library(kind, small.RULES.get(name))
       for name, kind in small.GRADIENT.items()},
    "ablationcam": library(pgc.AblationCAM),
    "fem": equation(small.fem),
    "fem:activations": fem_of_activations(),
    "smoothgradcampp": equation(
        small.smooth_gradcampp, "--samples", str(small.SAMPLES), "--noise",
        str(small.NOISE), "--seed", str(small.SEED)),
    "reciprocam": equation(small.recipro),
    "finercam": Method(compute=finer, layered=True),
    "shapleycam": library(pgc.ShapleyCAM, make=ClassifierOutputReST),
    "fullgrad": Method(compute=full_gradient),
    **{f"{name}:eigen": smoothed(name) for name in small.SMOOTH},
    "gradcam:views": augmented(),
}
