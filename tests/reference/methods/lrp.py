"""Layer-wise relevance propagation, by zennit 1.0.0 in float64.

zennit leaves a merged batch norm dividing by sqrt(1 + 1e-5), which every layer
adds to; here it is made the identity that it should be. It merges a batch norm
with whatever convolution stands before it in the list of modules, here only
with one of as many channels, and passes relevance through others as it is;
here these get the epsilon rule for y = scale * x + shift, as in cxai
(DenseNet).

Float32 is up to 1e-2 from float64, zennit's as well as cxai: a sum near 0 ends on
the other side of a ReLU and hands its terms, around 1, relevance or none
(resnet50, epsilon_gamma_box 6.7e-3); the two largest numbers of a window are too
near to tell (vgg16: 2e-8 apart, and the winner takes all); epsilon divides by
sums near 0. With --kinks zennit's rules in float64 run on cxai's activations and
divisors, each within 1e-5 of a deviation of their own: less than 1e-6 is left of
the composites on resnet50 and of epsilon_plus and its kin on vgg16, 2.3e-6 of
epsilon on both.
"""
import functools

import torch
from torch import nn
from zennit.attribution import Gradient
from zennit.canonizers import AttributeCanonizer, CompositeCanonizer, \
    SequentialMergeBatchNorm
from zennit.composites import EpsilonAlpha2Beta1, EpsilonAlpha2Beta1Flat, \
    EpsilonGammaBox, EpsilonPlus, EpsilonPlusFlat, LayerMapComposite, \
    layer_map_base
from zennit.layer import Sum
from zennit.rules import AlphaBeta, Epsilon, Gamma, WSquare, ZPlus
from zennit.torchvision import ResNetBasicBlockCanonizer, \
    ResNetBottleneckCanonizer
from zennit.types import BatchNorm, Linear
from torchvision.models import DenseNet, MobileNetV2
from torchvision.models.mobilenetv2 import InvertedResidual

from onnx_torch import Add
from zoo_methods import Method

MEAN = torch.tensor([.485, .456, .406]).view(1, 3, 1, 1)
MEAN_POOL = functools.partial(nn.AdaptiveAvgPool2d, 1)
STD = torch.tensor([.229, .224, .225]).view(1, 3, 1, 1)


def residual(self, x):
    out = self.conv(x)
    if not self.use_res_connect:
        return out
    return self.canonizer_sum(torch.stack([x, out], dim=-1))


def addition(self, a, b):
    return self.canonizer_sum(torch.stack([a, b], dim=-1))


def pooled(self, x):
    x = self.canonizer_pool(self.canonizer_relu(self.features(x)))
    return self.classifier(torch.flatten(x, 1))


class ModuleCanonizer(AttributeCanonizer):
    """Makes modules, which zennit gives rules, of what networks compute without
    one: additions, as zennit itself does for ResNets, and pooling, whose plain
    gradient would spread relevance evenly over all positions."""
    forwards = {InvertedResidual: (residual, {"canonizer_sum": Sum}),
                Add: (addition, {"canonizer_sum": Sum}),
                MobileNetV2: (pooled, {"canonizer_relu": nn.Identity,
                                       "canonizer_pool": MEAN_POOL}),
                DenseNet: (pooled, {"canonizer_relu": nn.ReLU,
                                    "canonizer_pool": MEAN_POOL})}

    def __init__(self, *_):
        super().__init__(self.attributes)

    def attributes(self, name, module):
        if type(module) not in self.forwards:
            return None
        forward, parts = self.forwards[type(module)]
        return {"forward": forward.__get__(module),
                **{part: make() for part, make in parts.items()}}

    def copy(self):
        return ModuleCanonizer()


def padded(pad):
    def forward(self, x):
        return self._conv_forward(pad(x), self.weight, self.bias)
    return forward


class PadCanonizer(AttributeCanonizer):
    """Takes uneven padding into the convolution behind it: rules that do not
    multiply by x must not give it a share."""
    def __init__(self, attribute_map=None):
        super().__init__(attribute_map)

    def apply(self, root):
        pads = {name.removesuffix("_pad"): nn.ZeroPad2d(m.padding)
                for name, m in root.named_modules()
                if isinstance(m, nn.ZeroPad2d)}

        def attributes(name, module):
            if isinstance(module, nn.ZeroPad2d):
                return {"forward": lambda x: x}
            if name in pads:
                return {"forward": padded(pads[name]).__get__(module)}
            return None
        self.attribute_map = attributes
        return super().apply(root)


class MergeExactly(SequentialMergeBatchNorm):
    def register(self, linears, batch_norm):
        self.fits = batch_norm.num_features == linears[0].weight.shape[0]
        if self.fits:
            super().register(linears, batch_norm)
            self.eps, batch_norm.eps = batch_norm.eps, 0.0

    def remove(self):
        if self.fits:
            self.batch_norm.eps = self.eps
            super().remove()


class KeptKind(type):
    def __instancecheck__(cls, module):
        return isinstance(module, BatchNorm) and module.eps > 0


class KeptNorm(metaclass=KeptKind):
    """Batch norms that MergeExactly has left."""


def canonizers():
    return [CompositeCanonizer((
        MergeExactly(), ResNetBottleneckCanonizer(),
        ResNetBasicBlockCanonizer(), ModuleCanonizer(), PadCanonizer()))]


def one_rule(rule):
    """A rule for all linear layers."""
    return lambda layer_map, **k: LayerMapComposite(
        layer_map + layer_map_base() + [(Linear, rule())], **k)


def relevance(make):
    def compute(model, x, target, layer):
        composite = make(canonizers=canonizers(),
                         layer_map=[(KeptNorm, Epsilon())])
        keep = torch.eye(model(x).shape[1], dtype=x.dtype)[[target]]
        with Gradient(model=model, composite=composite) as attributor:
            return attributor(x, lambda y: (y * keep).detach())[1][0].numpy()
    return compute


def box(**k):
    return EpsilonGammaBox(low=-MEAN / STD, high=(1 - MEAN) / STD, **k)


def embedded_box(**k):
    """Black and white as the embedded network has them."""
    return EpsilonGammaBox(low=torch.full_like(MEAN, -127 / 128),
                           high=torch.ones_like(MEAN), **k)


COMPOSITES = {
    "epsilon": one_rule(Epsilon),
    "gamma": one_rule(Gamma),
    "zplus": one_rule(ZPlus),
    "alpha_beta": one_rule(AlphaBeta),
    "epsilon_plus": EpsilonPlus,
    "epsilon_plus_flat": EpsilonPlusFlat,
    "epsilon_gamma_box": box,
    "epsilon_alpha2_beta1": EpsilonAlpha2Beta1,
    "epsilon_alpha2_beta1_flat": EpsilonAlpha2Beta1Flat,
}


def wsquare(**k):
    return EpsilonPlusFlat(first_map=[(Linear, WSquare())], **k)


NETWORKS = ["resnet18", "resnet50", "vgg16", "mobilenet_v2", "densenet121"]


def method(make, settings, networks):
    return Method(compute=relevance(make), double=True, divides=True,
                  library="zennit", options=["--set", settings],
                  networks=networks)


METHODS = {
    f"lrp:{name}": method(
        make, f"composite={name}",
        NETWORKS + ["embedded"] * (name != "epsilon_gamma_box"))
    for name, make in COMPOSITES.items()
}
METHODS["lrp:embedded_box"] = method(
    embedded_box, "composite=epsilon_gamma_box", ["embedded"])
METHODS["lrp:wsquare"] = method(
    wsquare, "composite=epsilon_plus,input=wsquare", NETWORKS + ["embedded"])
