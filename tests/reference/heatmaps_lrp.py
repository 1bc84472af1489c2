"""Golden relevance of the small networks of nets.py: tests/data/heatmaps_lrp.

    python heatmaps_lrp.py [FOLDER]        (default: ../data/heatmaps_lrp)

Computed in float64 by zennit on the torch networks whose ONNX files lie in
tests/data/nets, as methods/lrp.py says; format as of heatmaps.py.

Made with zennit 1.0.0, torch 2.14.1, torchvision 0.29.1.
"""
import json
import os
import sys
import warnings

import torch
from torch import nn
from zennit.composites import EpsilonGammaBox

from heatmaps import Cases, prepared
from methods.lrp import COMPOSITES, relevance, wsquare
from networks import images

NETS = ["plain", "basic", "bottleneck", "mobile2"]


def narrow_box(**k):
    return EpsilonGammaBox(low=-2.5, high=3.0, gamma=0.5, **k)


def add_network(cases, name):
    m, x = prepared(name), images(3, 7)[:1].double()
    top = int(m(x).argmax())
    targets = [top, (top + 3) % 10]
    for composite, make in COMPOSITES.items():
        those = targets if composite == "epsilon_plus" else [top]
        maps = [relevance(make)(m, x, t, None) for t in those]
        score = float(m(x)[0, top])
        cases.add(name, "lrp", maps, those, set=f"composite={composite}",
                  delta=float(maps[0].sum()) - score)
    for make, settings in (
            (wsquare, "composite=epsilon_plus,input=wsquare"),
            (narrow_box, "composite=epsilon_gamma_box,low=-2.5,high=3,"
                         "gamma=0.5")):
        cases.add(name, "lrp", [relevance(make)(m, x, top, None)], [top],
                  set=settings)


def main(folder):
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    os.makedirs(folder, exist_ok=True)
    cases = Cases()
    for name in NETS:
        add_network(cases, name)
    cases.numbers.save(f"{folder}/numbers.npy")
    with open(f"{folder}/index.json", "w") as f:
        f.write('{"cases": [\n' +
                ",\n".join(json.dumps(c) for c in cases.list) + "\n]}\n")
    print(len(cases.list), "cases")


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    main(sys.argv[1] if len(sys.argv) > 1 else f"{here}/../data/heatmaps_lrp")
