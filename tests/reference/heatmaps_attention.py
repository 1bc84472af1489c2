"""Golden heatmaps of the small transformers of nets.py:
tests/data/heatmaps_attention.

    python heatmaps_attention.py [FOLDER]    (default: ../data/...)

Computed in float64 as methods/attention.py says; format as of heatmaps.py.

Made with lxt 2.1, torch 2.14.1, torchvision 0.29.1.
"""
import json
import os
import sys
import warnings

import torch

from heatmaps import Cases
from methods.attention import ROLLOUTS, attnlrp, flow
from networks import build, images


def add_network(cases, name):
    m, x = build(name).double().eval(), images(3, 7)[:1].double()
    for p in m.parameters():
        p.requires_grad_(False)
    top = int(m(x).argmax())
    targets = [top, (top + 3) % 10]
    maps = [attnlrp(m, x, t) for t in targets]
    cases.add(name, "attnlrp", maps, targets, set="gamma=0,dense_gamma=0",
              delta=float(maps[0].sum() - m(x)[0, top]))
    for (method, settings), weigh in ROLLOUTS.items():
        if name != "tokens":    # not defined within windows
            continue
        maps = [flow(m, x, t, weigh) for t in targets]
        for raw in (0, 1):
            cases.add(name, method, [s[raw] for s in maps], targets,
                      raw=raw, **({"set": settings} if settings else {}))


def main(folder):
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    os.makedirs(folder, exist_ok=True)
    cases = Cases()
    for name in ("tokens", "windows"):
        add_network(cases, name)
    cases.numbers.save(f"{folder}/numbers.npy")
    with open(f"{folder}/index.json", "w") as f:
        f.write('{"cases": [\n' +
                ",\n".join(json.dumps(c) for c in cases.list) + "\n]}\n")
    print(len(cases.list), "cases")


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    main(sys.argv[1] if len(sys.argv) > 1
         else f"{here}/../data/heatmaps_attention")
