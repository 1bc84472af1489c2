"""Tensors, resized pictures and maps, and colour maps to compare with.

    python preprocess.py           writes ../data/preprocess

tensors.npy: float32, one after the other; cases.json says of each which photo
and which JSON text it belongs to, its shape, and the step between the rows and
columns that were kept. Pillow and torchvision prepare the pictures.

resized.npy: bytes, likewise, of one small picture. maps.npy: float32, a map
and OpenCV's resize of it. colormaps.npy: bytes, (7,256,3): viridis, inferno,
magma, plasma, cividis, turbo by matplotlib, jet by OpenCV.

Pillow 13 resizes columns before rows when the height shrinks far more than the
width. Before that it always took the rows first, as all networks were trained,
so the two passes are asked for one by one here.

Made with Pillow 13.0.0, torchvision 0.29.1, OpenCV 5.0.0.93, matplotlib 3.11.2,
numpy 2.4.6.
"""
import json
import os
import sys

import cv2
import matplotlib
import numpy as np
from PIL import Image
from torchvision.transforms import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "../../data")
FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC,
           "nearest": Image.NEAREST}


def resize(image, width, height, name):
    kernel = FILTERS[name]
    if name == "nearest":
        return image.resize((width, height), kernel)
    return image.resize((width, image.height), kernel).resize(
        (width, height), kernel)


def short_side(image, p):
    length = p["resize"]["length"]
    w, h = image.size
    size = (length, int(length * h / w)) if w <= h else (
        int(length * w / h), length)
    # torchvision's own rule for the size
    assert F.resize(image, length).size == size
    return F.center_crop(resize(image, *size, p["resize"]["filter"]),
                         [p["height"], p["width"]])


def stretch(image, p):
    return resize(image, p["width"], p["height"], p["resize"]["filter"])


def letterbox(image, p):
    w, h = image.size
    scale = min(p["width"] / w, p["height"] / h)
    size = max(1, round(w * scale)), max(1, round(h * scale))
    ground = Image.new(image.mode, (p["width"], p["height"]),
                       tuple([p["fill"]] * len(image.getbands())))
    at = (p["width"] - size[0]) // 2, (p["height"] - size[1]) // 2
    ground.paste(resize(image, *size, p["resize"]["filter"]), at)
    return ground


RULES = {"short side": short_side, "stretch": stretch, "letterbox": letterbox}


def tensor(photo, p):
    image = photo.convert("L" if p["channels"] == "grey" else "RGB")
    image = RULES[p["resize"]["rule"]](image, p)
    x = np.asarray(image, np.float64)
    x = x[:, :, None] if x.ndim == 2 else x
    if p["channels"] == "BGR":
        x = x[:, :, ::-1]
    scale = p["scale"]
    if isinstance(scale, str):
        over, under = scale.split("/")
        scale = float(over) / float(under)
    x = (x * scale - np.asarray(p["mean"])) / np.asarray(p["std"])
    return x.astype(np.float32)


# What every network below has unless it says otherwise.
USUAL = {"size": 32, "resize": {"rule": "short side", "length": 36,
                                "filter": "bilinear"},
         "channels": "RGB", "scale": "1/255", "mean": [.485, .456, .406],
         "std": [.229, .224, .225], "layout": "NCHW"}
# photo, changes, step
CASES = [
    ("data/dog.jpg", "efficientnet-lite0.int8", 7),
    ("data/dog.jpg", "squeezenet-1.1.int8", 7),
    ("data/cat.jpg", {}, 1),
    ("data/cat.jpg", {"layout": "NHWC", "channels": "BGR", "scale": 1,
                      "mean": 0, "std": 1}, 1),
    ("data/cat.jpg", {"channels": "grey", "mean": 0.5, "std": 0.25}, 1),
    ("data/cat.jpg", {"resize": {"rule": "stretch", "filter": "nearest"},
                      "size": "23x37"}, 1),
    ("tall", {}, 1),
    ("tall", {"resize": {"rule": "letterbox", "filter": "bicubic"},
              "fill": 114, "size": "40x24"}, 1),
    ("wide", {"resize": {"rule": "letterbox", "filter": "bilinear"},
              "fill": 7}, 1),
    # one resized side is smaller than the crop: bars of 0
    ("wide", {"resize": {"rule": "short side", "length": 15,
                         "filter": "bicubic"}, "size": 24}, 1),
    # odd numbers are left over: where does the crop begin?
    ("wide", {"resize": {"rule": "short side", "length": 25,
                         "filter": "bicubic"}, "size": "20x22"}, 1),
    ("wide", {"resize": {"rule": "short side", "length": 27,
                         "filter": "nearest"}, "size": "21x20"}, 1),
]


def described(changes):
    """A JSON object with every key, and sides and fill as numbers."""
    if isinstance(changes, str):
        with open(f"{DATA}/{changes}.json") as f:
            text = json.load(f)
    else:
        text = {**USUAL, **changes}
    text.pop("labels", None)
    size = str(text["size"])
    width, height = map(int, size.split("x") if "x" in size else (size, size))
    return text, {"fill": 0, **text, "width": width, "height": height}


def main(folder):
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(11)
    photos = {}
    for name, (w, h) in {"wide": (61, 19), "tall": (17, 50)}.items():
        noise = rng.integers(0, 256, (h, w, 3), np.uint8)
        photos[name] = Image.fromarray(noise)
        photos[name].save(f"{folder}/{name}.png")

    cases, values = [], []
    for photo, changes, step in CASES:
        text, p = described(changes)
        image = photos.get(photo) or Image.open(f"{HERE}/../../{photo}")
        x = tensor(image, p)[::step, ::step]
        if p["layout"] == "NCHW":
            x = x.transpose(2, 0, 1)
        path = photo if photo not in photos else (
            f"tests/data/preprocess/{photo}.png")
        cases.append({"photo": path, "json": json.dumps(text),
                      "shape": list(x.shape), "step": step})
        values.append(x.ravel())

    sizes, resized = [], []
    for name in FILTERS:
        for w, h in [(61, 19), (30, 9), (100, 40), (7, 33), (130, 3), (1, 1),
                     (61, 8), (20, 19)]:
            sizes.append({"filter": name, "width": w, "height": h})
            resized.append(np.asarray(
                resize(photos["wide"], w, h, name)).ravel())

    grid = rng.standard_normal((5, 7)).astype(np.float32)
    maps, map_sizes = [grid.ravel()], []
    for w, h in [(7, 5), (20, 31), (3, 2), (64, 64), (1, 1), (8, 4)]:
        map_sizes.append({"width": w, "height": h})
        maps.append(cv2.resize(grid, (w, h)).ravel())

    colours = [np.round(matplotlib.colormaps[n](np.arange(256))[:, :3] * 255)
               for n in ("viridis", "inferno", "magma", "plasma", "cividis",
                         "turbo")]
    grey = np.arange(256, dtype=np.uint8).reshape(1, 256)
    jet = cv2.applyColorMap(grey, cv2.COLORMAP_JET)
    colours.append(jet[0, :, ::-1])

    np.save(f"{folder}/tensors.npy", np.concatenate(values))
    np.save(f"{folder}/resized.npy", np.concatenate(resized))
    np.save(f"{folder}/maps.npy", np.concatenate(maps))
    np.save(f"{folder}/colormaps.npy", np.stack(colours).astype(np.uint8))
    with open(f"{folder}/cases.json", "w") as f:
        json.dump({"tensors": cases, "resized": sizes, "maps": map_sizes}, f,
                  indent=0)
        f.write("\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else f"{HERE}/../data/preprocess")
