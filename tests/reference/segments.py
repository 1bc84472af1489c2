"""Regions of a picture by scikit-image: tests/data/segments.

    python segments.py [FOLDER]        (default: ../data/segments)

picture.npy is a piece of data/dog.jpg, (H,W,3) of 0..255; labels.npy (K,H,W)
what skimage.segmentation.felzenszwalb makes of it with the settings in
index.json: "channels" 1 is the red channel alone. Its regions are numbered in
the order of their first pixels.

Made with scikit-image 0.26.0, numpy 2.4.6.
"""
import json
import os
import sys

import numpy as np
from skimage import io
from skimage.segmentation import felzenszwalb

# scale, sigma, least, channels
SETTINGS = [(100, 0.8, 20, 3), (20, 0.8, 1, 3), (300, 0.5, 60, 3),
            (1200, 1.6, 10, 3), (100, 0.8, 20, 1)]


def main(folder, photo):
    os.makedirs(folder, exist_ok=True)
    picture = io.imread(photo)[90:390:4, 100:500:4]
    labels = [felzenszwalb(picture if channels == 3 else picture[..., 0],
                           scale, sigma, least)
              for scale, sigma, least, channels in SETTINGS]
    np.save(f"{folder}/picture.npy", picture)
    np.save(f"{folder}/labels.npy", np.stack(labels).astype(np.uint16))
    keys = "scale", "sigma", "least", "channels"
    with open(f"{folder}/index.json", "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(dict(zip(keys, s)))
                                   for s in SETTINGS) + "\n]\n")


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    main(sys.argv[1] if len(sys.argv) > 1 else f"{here}/../data/segments",
         f"{here}/../../data/dog.jpg")
