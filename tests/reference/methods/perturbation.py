"""The perturbation family for zoo_methods.py: captum, and the papers' equations
of heatmaps_perturbation.py, whose first lines name the versions. LIME and
KernelSHAP are fed our samples to be compared, and timed on captum's own."""
import functools

import torch
from captum import attr
from captum._utils.models.linear_model import SkLearnRidge

import heatmaps_perturbation as p
from zoo_methods import Method

SEED, SAMPLES = 11, 64
SAMPLED = ["--samples", str(SAMPLES), "--seed", str(SEED)]
BATCHES = 1, 8    # captum's default, and one as fast as larger ones


def occlusion(model, x, target, layer):
    return p.occlusion(model, x, target, 56, 28)


def feature_ablation(model, x, target, layer):
    return p.feature_ablation(model, x, target, p.grid(x, 7))


def lime(model, x, target, layer):
    return p.lime(model, x, target, p.grid(x, 5), SAMPLES, SEED)


def kernelshap(model, x, target, layer):
    return p.kernelshap(model, x, target, p.grid(x, 4), SAMPLES, SEED)


def rise(model, x, target, layer):
    return p.rise(model, x, target, SAMPLES, SEED)


def hsic(model, x, target, layer):
    return p.hsic(model, x, target, SAMPLES, SEED)


def sobol(model, x, target, layer):
    return p.sobol(model, x, target, 4, SEED, 4)


# ---- captum as it is -------------------------------------------------------

def own(method, options, side=None, **settings):
    """The library's method at every size of batches."""
    def run(batch, model, x, target, layer):
        if side:
            settings["feature_mask"] = \
                torch.from_numpy(p.grid(x, side))[None, None]
        return method(model).attribute(x, target=target,
                                       perturbations_per_eval=batch, **settings)
    return dict(options=options, library="captum",
                peers=[functools.partial(run, batch) for batch in BATCHES])


def ridge(model):
    return attr.Lime(model, SkLearnRidge(alpha=1))


METHODS = {
    "occlusion": Method(occlusion, **own(
        attr.Occlusion, ["--set", "window=56,stride=28"],
        sliding_window_shapes=(3, 56, 56), strides=(3, 28, 28))),
    "feature_ablation": Method(feature_ablation, **own(
        attr.FeatureAblation, ["--set", "grid=7"], 7)),
    "lime": Method(lime, **own(
        ridge, [*SAMPLED, "--set", "grid=5"], 5, n_samples=SAMPLES)),
    "kernelshap": Method(kernelshap, **own(
        attr.KernelShap, [*SAMPLED, "--set", "grid=4"], 4, n_samples=SAMPLES)),
    "rise": Method(rise, SAMPLED),
    "hsic": Method(hsic, SAMPLED),
    "sobol": Method(sobol, ["--samples", "4", "--seed", str(SEED),
                            "--set", "grid=4"]),
}
