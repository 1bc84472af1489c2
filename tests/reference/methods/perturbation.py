"""Perturbation on full-size networks: captum, and the papers' equations."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import heatmaps_perturbation as p
from zoo_methods import Method

SEED, SAMPLES = 11, 64
SAMPLED = ["--samples", str(SAMPLES), "--seed", str(SEED)]


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


METHODS = {
    "occlusion": Method(occlusion, ["--set", "window=56,stride=28"]),
    "feature_ablation": Method(feature_ablation, ["--set", "grid=7"]),
    "lime": Method(lime, [*SAMPLED, "--set", "grid=5"]),
    "kernelshap": Method(kernelshap, [*SAMPLED, "--set", "grid=4"]),
    "rise": Method(rise, SAMPLED),
    "hsic": Method(hsic, SAMPLED),
    "sobol": Method(sobol, ["--samples", "4", "--seed", str(SEED),
                            "--set", "grid=4"]),
}
