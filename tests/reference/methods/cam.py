"""The CAM family for zoo_methods.py: pytorch-grad-cam, torchcam and captum, or
the equations of heatmaps_cam.py where these depart from a paper.

Principal components have the sign of the rule that cxai's file of the method
tells. Score-CAM and its kin run a network as often as a layer has channels:
they are compared at layers with few of them, too, and SS-CAM and IS-CAM on two
samples; not on transformers, whose layers have 768. ShapleyCAM fails there.

pytorch-grad-cam is given a transformer's tokens as its tutorial on vision
transformers says, and its layer, the last block's first norm. Theirs are the
layers of zoo_methods.py; "own" is the one that cxai takes of itself where that
is another: in Swin the last norm of all, which the classifier averages.

Made with the versions of heatmaps_cam.py and captum 0.9.0.
"""
import numpy as np
import pytorch_grad_cam as pgc
import torch
import torchcam.methods
from captum import attr
from pytorch_grad_cam.utils.model_targets import (ClassifierOutputReST,
                                                  ClassifierOutputTarget)
from pytorch_grad_cam.utils.reshape_transforms import vit_reshape_transform
from torch import nn
from torchvision.models import SwinTransformer, VisionTransformer

import heatmaps
import heatmaps_cam as small
from zoo_methods import LAYERS, Method

FEW = 2    # samples of a channel
NARROW = {"resnet18": "layer1", "vgg16": "features.4",
          "mobilenet_v2": "features.3", "embedded": "stem",
          "efficientnet_b0": "features.3"}
TOKENS = ["vit_b_16", "swin_t"]
CONVOLUTIONAL = ["embedded", *(set(LAYERS) - set(TOKENS))]
POOLED = ["resnet18", "resnet50", "mobilenet_v2", "embedded"]


def name_of(model, layer):
    """Also lets gradients pass, which pytorch-grad-cam leaves to its user."""
    model.requires_grad_(True)
    return next(n for n, m in model.named_modules() if m is layer)


def linear_of(model):
    return next(n for n, m in model.named_modules() if isinstance(m, nn.Linear))


def reshape_of(model):
    """What makes a picture (N,C,H,W) of a transformer's tokens; or None."""
    if isinstance(model, VisionTransformer):
        return vit_reshape_transform
    if isinstance(model, SwinTransformer):    # torchvision's: (N,H,W,C)
        return lambda tokens: tokens.permute(0, 3, 1, 2)
    return None


# ---- pytorch-grad-cam ------------------------------------------------------

def library(kind, rule=None, make=ClassifierOutputTarget, options=(),
            double=True, layers=(), networks=None, **settings):
    def compute(model, x, target, layer):
        return small.library(kind, model, name_of(model, layer), x,
                             make(target), reshape_of(model), rule,
                             **settings)[0]
    return Method(compute=compute, layered=True, layers=dict(layers),
                  double=double, options=list(options), networks=networks,
                  library="pytorch-grad-cam")


def smoothed(name):
    return library(small.SMOOTH[name], small.smoothed(name), eigen_smooth=True,
                   options=["--eigen-smooth"])


def finer(model, x, target, layer):
    return small.scaled(small.finer(model, name_of(model, layer), x, target,
                                    reshape_of(model)), x)


def full_gradient(model, x, target, layer):
    model.requires_grad_(True)
    return small.scaled(small.full_gradient(model, x, target), x)


# ---- equations -------------------------------------------------------------

def equation(function, options=(), peer=None, **rest):
    def compute(model, x, target, layer):
        raw = function(model, name_of(model, layer), x, target,
                       reshape_of(model))
        return small.scaled(raw, x)
    return Method(compute=compute, layered=True, double=True,
                  options=list(options), peers=[peer] if peer else [], **rest)


def plain_fem(model, x, target, layer):
    with pgc.FEM(model, [layer], reshape_of(model)) as cam:
        return cam(x, [ClassifierOutputTarget(target)])


def ablation(model, x, target, layer):
    """Before ReLU, which leaves nothing where all weights are negative; the
    library departs from the paper at layers with negative numbers."""
    return small.ablation(model, name_of(model, layer), x, target, None)


# ---- torchcam and captum ---------------------------------------------------

def torch_cam(kind, **settings):
    """The library's own use of a method."""
    def run(model, x, target, layer):
        with kind(model, name_of(model, layer), **settings) as cam:
            if issubclass(kind, torchcam.methods.ScoreCAM):
                with torch.inference_mode():
                    model(x)
                    return cam(target)[0]
            return cam(target, model(x))[0]
    return run


def unscaled(kind):
    """Before ReLU and scaling."""
    def compute(model, x, target, layer):
        with kind(model, name_of(model, layer)) as cam:
            cam._relu = False
            return cam(target, model(x), normalized=False)[0][0].detach()
    return Method(compute=compute, layered=True, double=True,
                  options=["--raw"], library="torchcam",
                  networks=CONVOLUTIONAL, peers=[torch_cam(kind)])


def cam(model, x, target, layer):
    return heatmaps.cam(model, name_of(model, layer), linear_of(model), x,
                        target)[0]


def sampled(kind, *options, layers=NARROW):
    """SS-CAM on our noise and IS-CAM, as heatmaps_cam.py."""
    def compute(model, x, target, layer):
        raw = small.torch_cam(kind, model, name_of(model, layer), x, target,
                              FEW)
        return small.scaled(raw, x)
    return Method(compute=compute, layered=True, layers=layers,
                  library="torchcam",
                  options=["--samples", str(FEW), *options],
                  networks=CONVOLUTIONAL,
                  peers=[torch_cam(kind, num_samples=FEW)])


def captum_gradcam(model, x, target, layer):
    name_of(model, layer)
    return attr.LayerGradCam(model, layer).attribute(x, target)[0, 0].detach()


NOISY = "--noise", str(small.NOISE), "--seed", str(small.SEED)
METHODS = {
    "cam": Method(compute=cam, layered=True, double=True, library="torchcam",
                  networks=POOLED, peers=[torch_cam(torchcam.methods.CAM)]),
    "gradcam": library(pgc.GradCAM),
    "gradcam:torchcam": unscaled(torchcam.methods.GradCAM),
    "gradcam:captum": Method(compute=captum_gradcam, layered=True, double=True,
                             options=["--raw"], library="captum",
                             networks=CONVOLUTIONAL),
    "gradcam:views": library(pgc.GradCAM, aug_smooth=True,
                             options=["--aug-smooth"]),
    "gradcam:own": library(pgc.GradCAM, layers={"swin_t": "norm"},
                           networks=["swin_t"]),
    "gradcampp": library(pgc.GradCAMPlusPlus),
    "layercam": library(pgc.LayerCAM),
    "layercam:torchcam": unscaled(torchcam.methods.LayerCAM),
    **{name: library(kind, small.RULES.get(name))
       for name, kind in small.GRADIENT.items() if name != "scorecam"},
    "fem": equation(small.fem, peer=plain_fem, library="pytorch-grad-cam"),
    "fem:activations": library(pgc.FEM, options=["--set", "form=activations"]),
    "smoothgradcampp": equation(
        small.smooth_gradcampp, ["--samples", str(small.SAMPLES), *NOISY],
        torch_cam(torchcam.methods.SmoothGradCAMpp, num_samples=small.SAMPLES,
                  std=small.NOISE), library="torchcam"),
    "reciprocam": equation(small.recipro),
    "finercam": Method(compute=finer, layered=True, double=True,
                       library="pytorch-grad-cam"),
    "shapleycam": library(pgc.ShapleyCAM, make=ClassifierOutputReST,
                          networks=CONVOLUTIONAL),
    "shapleycam:tokens": equation(small.shapley, networks=TOKENS),
    "shapleycam:narrow": library(pgc.ShapleyCAM, make=ClassifierOutputReST,
                                 layers=NARROW,
                                 networks=CONVOLUTIONAL),
    "fullgrad": Method(compute=full_gradient, double=True,
                       networks=CONVOLUTIONAL, library="pytorch-grad-cam"),
    **{f"{name}:eigen": smoothed(name) for name in small.SMOOTH},
    "ablationcam": library(pgc.AblationCAM, double=False,
                           networks=CONVOLUTIONAL),
    "ablationcam:narrow": Method(
        compute=ablation, layered=True, layers=NARROW, double=True,
        options=["--raw"], library="pytorch-grad-cam", networks=CONVOLUTIONAL,
        peers=[library(pgc.AblationCAM).compute]),
    "scorecam": library(pgc.ScoreCAM, double=False, networks=CONVOLUTIONAL),
    "scorecam:narrow": library(pgc.ScoreCAM, layers=NARROW, double=False,
                               networks=CONVOLUTIONAL),
    "sscam": sampled(torchcam.methods.SSCAM, *NOISY),
    "iscam": sampled(torchcam.methods.ISCAM),
    "sscam:deep": sampled(torchcam.methods.SSCAM, *NOISY, layers={}),
    "iscam:deep": sampled(torchcam.methods.ISCAM, layers={}),
}
