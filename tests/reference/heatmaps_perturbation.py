"""Golden heatmaps by perturbation: tests/data/heatmaps_perturbation.

    python heatmaps_perturbation.py [FOLDER]
                              (default: ../data/heatmaps_perturbation)

As heatmaps.py, on some of the same networks in float64. captum computes
occlusion, feature ablation, LIME (with scikit-learn's ridge regression) and
KernelSHAP, the latter two fed with our samples; exact Shapley values, RISE,
Sobol and HSIC are the equations of the papers in numpy, on our samples. The
regions are scikit-image's.

Made with torch 2.14.1, captum 0.9.0, scikit-learn 1.9.1, scikit-image 0.26.0,
opencv-python-headless 5.0.0.93, numpy 2.4.6.
"""
import itertools
import json
import math
import os
import sys
import warnings
from unittest import mock

import cv2
import numpy as np
import torch
from captum import attr
from captum._utils.models.linear_model import SkLearnRidge
from skimage.segmentation import felzenszwalb
from sklearn.linear_model import LinearRegression

from heatmaps import SEED, Cases, check_philox, philox, prepared
from networks import images

NETS = ["basic", "mobile2", "tokens"]
BATCH = 8


def uniforms(seed, stream, count):
    """cxai_random_uniform of indices 0..count-1, after the definition at the
    head of src/base/random.c."""
    index = np.arange(count, dtype=np.uint64)
    block = index // np.uint64(4)
    words = np.stack(philox(
        [block & np.uint64(0xFFFFFFFF), block >> np.uint64(32),
         np.full_like(index, stream), np.full_like(index, 0)],
        [seed & 0xFFFFFFFF, seed >> 32]))
    bits = words[np.arange(count) % 4, np.arange(count)]
    return (bits >> np.uint64(8)).astype(np.float64) / 2**24


# ---- regions ---------------------------------------------------------------

def like_pixels(x, scale=100, sigma=0.8, least=0):
    """Labels (H,W): the picture's range stretched to 0..1."""
    p = x[0].permute(1, 2, 0).double().numpy()
    p = (p - p.min()) / (p.max() - p.min())
    return felzenszwalb(p, scale, sigma, least or p.shape[0] * p.shape[1] // 256)


def grid(x, side):
    cell = lambda n: (2 * np.arange(n) + 1) * side // (2 * n)
    return cell(x.shape[2])[:, None] * side + cell(x.shape[3])[None]


def blend(x, kept, baseline=0):
    """kept (n,H,W): that much of the picture, the rest of the baseline."""
    kept = torch.from_numpy(np.asarray(kept)).to(x.dtype)[:, None]
    return kept * x + (1 - kept) * baseline


def scores(m, pictures, target):
    with torch.no_grad():
        return np.concatenate([m(p)[:, target].double().numpy()
                               for p in pictures])


def batches(samples):
    return [samples[i:i + BATCH] for i in range(0, len(samples), BATCH)]


def score_regions(m, x, target, labels, kept, baseline=0):
    """kept (n, regions) -> scores (n,)"""
    return scores(m, (blend(x, k[:, labels], baseline)
                      for k in batches(kept)), target)


def scaled(raw, x):
    """ReLU, min-max, resize, min-max."""
    norm = lambda a: (a - a.min()) / (a.max() - a.min())
    raw = norm(np.maximum(raw, 0))
    return norm(cv2.resize(raw, (x.shape[3], x.shape[2])))


# ---- captum ----------------------------------------------------------------

def occlusion(m, x, target, window, stride, baseline=0):
    c = x.shape[1]
    return attr.Occlusion(m).attribute(
        x, (c, window, window), (c, stride, stride), baseline, target,
        perturbations_per_eval=BATCH)[0].numpy()


def feature_ablation(m, x, target, labels, baseline=0):
    return attr.FeatureAblation(m).attribute(
        x, baseline, target, feature_mask=torch.from_numpy(labels)[None, None],
        perturbations_per_eval=BATCH)[0].numpy()


def lime(m, x, target, labels, samples, seed, baseline=0, width=0.25,
         penalty=1):
    count = labels.max() + 1

    def draw(original, **kwargs):
        yield torch.ones(1, count)
        for k in range(1, samples):
            yield torch.from_numpy(
                (uniforms(seed, k, count) < 0.5)[None]).double()

    def nearness(original, changed, z, **kwargs):
        distance = 1 - float(z.sum() / (z.norm() * math.sqrt(count))
                             if z.any() else 0)
        return math.exp(-distance**2 / (2 * width**2))

    method = attr.Lime(m, SkLearnRidge(alpha=penalty), nearness, draw)
    return method.attribute(
        x, baseline, target, feature_mask=torch.from_numpy(labels)[None, None],
        n_samples=samples, perturbations_per_eval=BATCH)[0].detach().numpy()


def drawn_sets(count, samples, seed):
    """The samples of KernelSHAP: pairs of a set and its complement."""
    chances = np.cumsum([1 / (s * (count - s)) for s in range(1, count)])
    for k in range(samples):
        if k % 2 == 0:
            u = uniforms(seed, k // 2, count + 1)
            size = 1 + min(np.searchsorted(chances / chances[-1], u[0],
                                           "right"), count - 2)
            order, seen = list(range(count)), np.zeros(count, bool)
            for i in range(size):
                j = i + int(u[i + 1] * (count - i))
                order[i], order[j] = order[j], order[i]
                seen[order[i]] = True
        yield seen if k % 2 == 0 else ~seen


def kernelshap(m, x, target, labels, samples, seed, baseline=0):
    count = int(labels.max()) + 1

    def draw(original, **kwargs):
        yield torch.ones(1, count)
        yield torch.zeros(1, count)
        for z in drawn_sets(count, samples, seed):
            yield torch.from_numpy(z[None]).double()

    method = attr.KernelShap(m)
    method.perturb_func = draw
    # with captum's 10^6 for infinity the fit is 4e-6 off in double, 2e-3 in
    # float32, in which captum leaves it
    method.inf_weight = 1e8
    fit = LinearRegression.fit
    with mock.patch.object(
            LinearRegression, "fit", lambda self, x, y, sample_weight:
            fit(self, *(a.astype(np.float64) for a in (x, y, sample_weight)))):
        return method.attribute(
            x, baseline, target,
            feature_mask=torch.from_numpy(labels)[None, None],
            n_samples=samples + 2,
            perturbations_per_eval=BATCH)[0].detach().numpy()


# ---- the papers' equations -------------------------------------------------

def shapley(m, x, target, labels, baseline=0):
    """Mean gain of a region over all orders in which regions appear."""
    count = int(labels.max()) + 1
    sets = np.array([[k >> r & 1 for r in range(count)]
                     for k in range(2**count)], float)
    y = score_regions(m, x, target, labels, sets, baseline)
    values = np.zeros(count)
    for order in itertools.permutations(range(count)):
        seen = 0
        for r in order:
            values[r] += y[seen | 1 << r] - y[seen]
            seen |= 1 << r
    values /= math.factorial(count)
    return np.broadcast_to(values[labels], x.shape[1:])


def rise_masks(x, cells, seen, samples, seed):
    h, w = x.shape[2:]
    ch, cw = -(-h // cells), -(-w // cells)
    for k in range(samples):
        u = uniforms(seed, k, cells * cells + 2)
        bits = (u[:-2] < seen).astype(np.float64).reshape(cells, cells)
        big = cv2.resize(bits, ((cells + 1) * cw, (cells + 1) * ch))
        down, right = int(u[-2] * ch), int(u[-1] * cw)
        yield big[down:down + h, right:right + w]


def rise(m, x, target, samples, seed, cells=7, seen=0.5, expected=False,
         baseline=0, raw=False):
    """Equations 4 and 6."""
    total, weight, mean = 0, 0, 0
    masks = rise_masks(x, cells, seen, samples, seed)
    for chunk in iter(lambda: list(itertools.islice(masks, BATCH)), []):
        masks_now = np.stack(chunk)
        y = scores(m, [blend(x, masks_now, baseline)], target)
        total = total + np.tensordot(y, masks_now, 1)
        weight = weight + masks_now.sum(0)
        mean += y.sum() / samples
    s = total / (seen * samples if expected else weight)
    return s if raw else scaled(s - mean, x)


def hypercube(seed, stream, points):
    u, order = uniforms(seed, stream, 2 * points), list(range(points))
    for j in range(points - 1, 0, -1):
        k = int(u[j] * (j + 1))
        order[j], order[k] = order[k], order[j]
    return (np.array(order) + u[points:]) / points


def sobol(m, x, target, points, seed, side=8, baseline=0, raw=False):
    """Jansen's estimator of total indices."""
    d, labels = side * side, grid(x, side)
    a, b = (np.stack([hypercube(seed, 2 * i + k, points) for i in range(d)], 1)
            for k in (0, 1))
    y = score_regions(m, x, target, labels, a, baseline)
    index = np.empty(d)
    for i in range(d):
        c = a.copy()
        c[:, i] = b[:, i]
        change = y - score_regions(m, x, target, labels, c, baseline)
        index[i] = (change**2).sum() / (2 * points * y.var(ddof=1))
    index = index.reshape(side, side)
    return index if raw else scaled(index, x)


def hsic(m, x, target, samples, seed, side=8, baseline=0, raw=False):
    """tr(K H L H) / (n - 1)^2 in full."""
    d, n = side * side, samples
    z = np.stack([uniforms(seed, k, d) < 0.5 for k in range(n)])
    y = score_regions(m, x, target, grid(x, side), z.astype(float), baseline)
    apart = np.abs(y[:, None] - y)
    pairs = np.sort(apart[np.triu_indices(n, 1)])
    width = pairs[(len(pairs) + 1) // 2 - 1]
    h = np.eye(n) - 1 / n
    centred = h @ np.exp(-apart**2 / (2 * width**2)) @ h
    index = np.array([((z[:, None, i] == z[None, :, i]) * centred).sum()
                      for i in range(d)]) / (n - 1)**2
    index = index.reshape(side, side)
    return index if raw else scaled(index, x)


# ---- cases -----------------------------------------------------------------

def add_network(cases, name):
    m, x = prepared(name), images(3, 7)[:1].double()
    top = int(m(x).argmax())
    both = [top, (top + 3) % 10]
    regions = like_pixels(x, 10, 0.3, 6)    # 28
    on_regions = "scale=10,sigma=0.3,least=6"

    def add(method, function, targets, *a, **options):
        cases.add(name, method, [function(m, x, t, *a) for t in targets],
                  targets, **options)

    add("occlusion", occlusion, both, 5, 3, set="window=5,stride=3")
    add("occlusion", occlusion, [top], 4, 4, -0.5, set="window=4,stride=4",
        baseline=-0.5)
    add("feature_ablation", feature_ablation, both, regions, set=on_regions)
    add("feature_ablation", feature_ablation, [top], grid(x, 3), 0.25,
        set="grid=3", baseline=0.25)
    add("lime", lime, both, regions, 60, SEED, set=on_regions, samples=60,
        seed=SEED)
    add("lime", lime, [top], grid(x, 4), 20, 7, -0.5, 0.4, 2.5, samples=20,
        set="grid=4,width=0.4,penalty=2.5", seed=7, baseline=-0.5)
    add("kernelshap", kernelshap, both, regions, 61, SEED, set=on_regions,
        samples=61, seed=SEED)
    add("kernelshap", shapley, both, grid(x, 2), set="grid=2")
    add("kernelshap", shapley, [top], grid(x, 2), -0.5, set="grid=2",
        samples=14, baseline=-0.5)
    for raw in (False, True):
        end = 0, raw
        options = dict(samples=30, seed=SEED, raw=int(raw))
        add("rise", rise, both, 30, SEED, 7, 0.5, False, *end, **options)
        add("rise", rise, [top], 30, SEED, 5, 0.3, True, -0.5, raw,
            set="cells=5,seen=0.3,count=expected", baseline=-0.5, **options)
        add("hsic", hsic, both, 30, SEED, 4, *end, set="grid=4", **options)
        options["samples"] = 6
        add("sobol", sobol, both, 6, SEED, 4, *end, set="grid=4", **options)
    add("hsic", hsic, [top], 25, 3, 8, -0.5, True, samples=25, seed=3,
        baseline=-0.5, raw=1)
    add("sobol", sobol, [top], 3, 3, 3, -0.5, True, samples=3, seed=3,
        set="grid=3", baseline=-0.5, raw=1)


def main(folder):
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    check_philox()
    os.makedirs(folder, exist_ok=True)
    cases = Cases()
    for name in NETS:
        add_network(cases, name)
    cases.numbers.save(f"{folder}/numbers.npy")
    with open(f"{folder}/index.json", "w") as f:
        f.write('{"cases": [\n' +
                ",\n".join(json.dumps(c) for c in cases.list) + "\n]}\n")


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    main(sys.argv[1] if len(sys.argv) > 1
         else f"{here}/../data/heatmaps_perturbation")
