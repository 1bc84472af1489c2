"""Layer-wise relevance propagation, by zennit 1.0.0 in float64.

zennit leaves a merged batch norm dividing by sqrt(1 + 1e-5), which every layer
adds to; here it is made the identity that it should be.
"""
import torch
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
from zennit.types import Linear
from torchvision.models.mobilenetv2 import InvertedResidual

from zoo_methods import Method

MEAN = torch.tensor([.485, .456, .406]).view(1, 3, 1, 1)
STD = torch.tensor([.229, .224, .225]).view(1, 3, 1, 1)


def residual(self, x):
    out = self.conv(x)
    if not self.use_res_connect:
        return out
    return self.canonizer_sum(torch.stack([x, out], dim=-1))


class MobileNetCanonizer(AttributeCanonizer):
    """What zennit does for the additions of ResNets."""
    def __init__(self, *_):
        super().__init__(lambda name, module: {
            "forward": residual.__get__(module), "canonizer_sum": Sum()}
            if isinstance(module, InvertedResidual) else None)

    def copy(self):
        return MobileNetCanonizer()


class MergeExactly(SequentialMergeBatchNorm):
    def register(self, linears, batch_norm):
        super().register(linears, batch_norm)
        self.eps, batch_norm.eps = batch_norm.eps, 0.0

    def remove(self):
        self.batch_norm.eps = self.eps
        super().remove()


def canonizers():
    return [CompositeCanonizer((
        MergeExactly(), ResNetBottleneckCanonizer(),
        ResNetBasicBlockCanonizer(), MobileNetCanonizer()))]


def one_rule(rule):
    """A rule for all linear layers."""
    return lambda **k: LayerMapComposite(
        layer_map_base() + [(Linear, rule())], **k)


def relevance(make):
    def compute(model, x, target, layer):
        composite = make(canonizers=canonizers())
        keep = torch.eye(model(x).shape[1], dtype=x.dtype)[[target]]
        with Gradient(model=model, composite=composite) as attributor:
            return attributor(x, lambda y: (y * keep).detach())[1][0].numpy()
    return compute


def box(**k):
    return EpsilonGammaBox(low=-MEAN / STD, high=(1 - MEAN) / STD, **k)


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


METHODS = {
    f"lrp:{name}": Method(
        compute=relevance(make), double=True,
        options=["--set", f"composite={name}"],
        networks=["resnet18", "resnet50", "vgg16", "mobilenet_v2"])
    for name, make in COMPOSITES.items()
}
METHODS["lrp:wsquare"] = Method(
    compute=relevance(wsquare), double=True,
    options=["--set", "composite=epsilon_plus,input=wsquare"],
    networks=["resnet18", "resnet50", "vgg16", "mobilenet_v2"])
