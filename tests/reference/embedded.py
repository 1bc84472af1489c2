"""What onnxruntime answers for the photos in data/ with the models in data/.

    python embedded.py             writes ../data/embedded

For each MODEL: MODEL.logits.npy, float32, one row a photo, photos in the order
of their names; MODEL.band.npy, the network's pixels of band.jpg as bytes,
channels first. Pictures are prepared by Pillow and torchvision's transforms.

Pillow 13 resizes columns before rows when the height shrinks far more than the
width (spaniels.jpg). Before that it always took the rows first, as all networks
were trained, so the two passes are asked for one by one here.

Made with Pillow 13.0.0, torchvision 0.29.1, onnxruntime 1.32.0.
"""
import glob
import os

import numpy as np
import onnxruntime
from PIL import Image
from torchvision.transforms import CenterCrop, Resize

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def resize(photo, width, height, kernel):
    """Rows first, then columns."""
    return photo.resize((width, photo.height), kernel).resize(
        (width, height), kernel)


def lite(photo):
    """Short side to 256, centre crop."""
    size = Resize(256)(photo).size
    photo = resize(photo, *size, Image.BICUBIC)
    photo = CenterCrop(224)(photo)
    return np.asarray(photo).transpose(2, 0, 1)


def squeeze(photo):
    """Whole picture, blue first."""
    photo = resize(photo, 227, 227, Image.BILINEAR)
    return np.asarray(photo)[:, :, ::-1].transpose(2, 0, 1)


# model -> (pixels, mean and deviation of each channel)
MODELS = {
    "efficientnet-lite0.int8": (lite, [127] * 3, [128] * 3),
    "squeezenet-1.1.int8": (squeeze, [103.939, 116.779, 123.68], [1] * 3),
}


def main(folder):
    os.makedirs(folder, exist_ok=True)
    for name, (prepare, mean, deviation) in MODELS.items():
        mean, deviation = (np.float64(v).reshape(3, 1, 1)
                           for v in (mean, deviation))
        s = onnxruntime.InferenceSession(f"{ROOT}/data/{name}.onnx",
                                         providers=["CPUExecutionProvider"])
        rows = []
        for path in sorted(glob.glob(f"{ROOT}/data/*.jpg")):
            pixels = prepare(Image.open(path).convert("RGB"))
            x = ((pixels - mean) / deviation).astype(np.float32)
            rows.append(s.run(None, {"image": x[None]})[0][0])
            if path.endswith("band.jpg"):
                np.save(f"{folder}/{name}.band.npy",
                        np.ascontiguousarray(pixels))
        np.save(f"{folder}/{name}.logits.npy", np.stack(rows))


if __name__ == "__main__":
    main(f"{ROOT}/tests/data/embedded")
