"""Share of the Grad-CAM heat inside the boxes of data/boxes.json.

    python photos.py        prints the table of tests/test_photos.c

At the last spatial layer of the embedded network Grad-CAM is, up to a factor,
ReLU(sum_k w_ck A_k): a linear layer follows global average pooling. A comes
from onnxruntime, w from the file; the picture is prepared by Pillow, the map
begun at zero (min-max, as pytorch-grad-cam), resized by OpenCV and laid over
the centre crop that the network sees.

Made with onnx 1.23.2, onnxruntime 1.32.0, pillow 13.0.0, numpy 2.4.6,
opencv-python-headless 5.0.0.93.
"""
import json
import os

import cv2
import numpy as np
import onnx
import onnxruntime
from PIL import Image

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../data/")
SHORT, SIDE = 256, 224


def prepared(image):
    """The network's input, and scale and offset from photo to input."""
    scale = SHORT / min(image.size)
    size = [int(s * scale) for s in image.size]
    left, top = ((s - SIDE) // 2 for s in size)
    crop = image.resize(size, Image.BICUBIC).crop(
        (left, top, left + SIDE, top + SIDE))
    x = (np.asarray(crop, np.float32) - 127) / 128
    return x.transpose(2, 0, 1)[None], scale, left, top


def main():
    model = onnx.load(DATA + "efficientnet-lite0.int8.onnx")
    model.graph.output.append(onnx.ValueInfoProto(name="head"))
    model.graph.output.append(onnx.ValueInfoProto(name="logits.w"))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    labels = open(DATA + "labels.txt").read().splitlines()
    with open(DATA + "boxes.json") as f:
        boxes = json.load(f)
    y, x = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    for photo, objects in boxes.items():
        image = Image.open(DATA + photo).convert("RGB")
        picture, scale, left, top = prepared(image)
        head, weights = session.run(["head", "logits.w"], {"image": picture})
        for label, (x0, y0, x1, y1) in objects.items():
            w = weights[labels.index(label)]
            map = np.maximum(np.einsum("k,khw->hw", w, head[0]), 0)
            heat = cv2.resize(map - map.min(), (SIDE, SIDE))
            inside = ((x + left >= x0 * scale) & (x + left < x1 * scale) &
                      (y + top >= y0 * scale) & (y + top < y1 * scale))
            share = heat[inside].sum() / heat.sum()
            hottest = inside.ravel()[heat.argmax()]
            print(f'{{ "{photo}", "{label}", {share:.3f}, {int(hottest)} }},')


if __name__ == "__main__":
    main()
