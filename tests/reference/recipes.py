"""Tensors as seven libraries prepare them, for the recipes of src/image.

    python recipes.py           writes ../data/recipes

tensors.npy: float32, one after the other; index.json says of each which recipe
and photo it belongs to, the network's size, and how far apart the rows and
columns lie that were kept. The libraries' own functions prepare the pictures;
darknet is a C program and is not among them.

Made with torchvision 0.29.1, timm 1.0.31, keras 3.15.1 (torch backend),
paddleclas 2.6.0, ultralytics 8.4.190, OpenCV 5.0.0.93, Pillow 13.0.0,
numpy 2.4.6. Pillow 13 resizes columns first where 12 and older, which the
networks were trained with, took the rows first (see preprocess.py); so its two
passes are asked for one by one here.
"""
import functools
import json
import os
import sys
from unittest.mock import MagicMock

os.environ["KERAS_BACKEND"] = "torch"

import cv2
import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "../../data")
OUT = os.path.join(HERE, "../data/recipes")

whole = Image.Image.resize


def rows_then_columns(self, size, resample=None, *args, **more):
    if resample is None or resample == Image.NEAREST:
        return whole(self, size, resample, *args, **more)
    return whole(whole(self, (size[0], self.height), resample), size, resample)


Image.Image.resize = rows_then_columns


def rgb(path):
    return Image.open(path).convert("RGB")


def torchvision_recipe(path, size):
    from torchvision.transforms._presets import ImageClassification
    crop = ImageClassification(crop_size=size,
                               resize_size=round(size * 256 / 224))
    return crop(rgb(path)).numpy()


def timm_recipe(mean, std):
    def prepare(path, size):
        from timm.data import constants, create_transform
        transform = create_transform(
            input_size=size, interpolation="bicubic",
            mean=getattr(constants, mean), std=getattr(constants, std),
            crop_pct=constants.DEFAULT_CROP_PCT)
        return transform(rgb(path)).numpy()
    return prepare


def keras_recipe(mode):
    def prepare(path, size):
        from keras.src.applications.imagenet_utils import preprocess_input
        from keras.src.utils.image_utils import img_to_array, load_img
        x = img_to_array(load_img(path, target_size=(size, size)))
        x = preprocess_input(x[None], data_format="channels_last", mode=mode)
        return np.asarray(x)[0].transpose(2, 0, 1)
    return prepare


@functools.cache
def paddle_operators():
    """paddleclas without the framework: its file of picture operators alone."""
    import importlib.util
    folder = importlib.util.find_spec("paddleclas").submodule_search_locations[0]
    for name in ("paddle", "paddle.vision", "paddle.vision.transforms",
                 "paddleclas", "paddleclas.deploy", "paddleclas.deploy.python",
                 "paddleclas.deploy.python.det_preprocess"):
        sys.modules[name] = MagicMock()
    spec = importlib.util.spec_from_file_location(
        "preprocess", os.path.join(folder, "deploy/python/preprocess.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def paddle_recipe(path, size):
    ops = paddle_operators()
    x = np.asarray(rgb(path))
    steps = [ops.ResizeImage(resize_short=round(size * 256 / 224)),
             ops.CropImage(size=size),
             ops.NormalizeImage(scale=1 / 255.0, mean=[.485, .456, .406],
                                std=[.229, .224, .225], order="")]
    for step in steps:
        x = step(x)
    return x.transpose(2, 0, 1)


def yolo_recipe(path, size):
    from ultralytics.data.augment import LetterBox
    x = LetterBox(new_shape=(size, size), auto=False)(
        image=np.asarray(rgb(path)))
    return x.transpose(2, 0, 1) / 255.0


RECIPES = {
    "torchvision": torchvision_recipe,
    "timm": timm_recipe("IMAGENET_DEFAULT_MEAN", "IMAGENET_DEFAULT_STD"),
    "timm-inception": timm_recipe("IMAGENET_INCEPTION_MEAN",
                                  "IMAGENET_INCEPTION_STD"),
    "keras-caffe": keras_recipe("caffe"),
    "keras-tf": keras_recipe("tf"),
    "keras-torch": keras_recipe("torch"),
    "paddle": paddle_recipe,
    "yolo": yolo_recipe,
}
CASES = [("data/cat.jpg", 126, 9), ("data/macaw.jpg", 299, 23),
         ("tests/data/preprocess/tall.png", 28, 5)]


def main():
    os.makedirs(OUT, exist_ok=True)
    numbers, index = [], []
    for name, prepare in RECIPES.items():
        for photo, size, step in CASES:
            # Paddle rounds the long side, and cuts the half pixel of the crop
            # off, where torchvision does the other: within one pixel, but not
            # the same at 299
            size = 224 if name == "paddle" and size == 299 else size
            x = prepare(os.path.join(HERE, "../..", photo), size)
            assert x.shape == (3, size, size), (name, x.shape)
            index.append({"recipe": name, "photo": photo, "size": size,
                          "step": step})
            numbers.append(x[:, ::step, ::step].astype(np.float32).ravel())
    np.save(os.path.join(OUT, "tensors.npy"), np.concatenate(numbers))
    with open(os.path.join(OUT, "index.json"), "w") as f:
        json.dump(index, f, indent=0)


main()
