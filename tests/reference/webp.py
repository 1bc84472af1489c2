"""WebP files of every kind with their pixels.

    python webp.py           writes ../data/webp

pixels.npy: bytes, one picture after the other, RGB, by Pillow's own decoder,
alpha laid over white by hand, orientation applied; index.json says of each file
its size and what is stored. Made with Pillow 13.0.0 (libwebp 1.6.0).
"""
import io
import json
import os

import numpy as np
from PIL import Image, ImageOps

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/webp")


def picture(channels, width=13, height=9):
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 19, y * 28, (x + y) * 12, 255 - (x * y * 2) % 256]
    return Image.fromarray(
        np.stack(planes[:channels], 2).astype(np.uint8),
        "RGBA" if channels == 4 else "RGB")


def over_white(image):
    a = np.asarray(image.convert("RGBA")).astype(np.uint32)
    rgb, alpha = a[:, :, :3], a[:, :, 3:]
    return ((rgb * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def main():
    os.makedirs(OUT, exist_ok=True)
    turned = Image.Exif()
    turned[0x0112] = 6
    files = {
        "lossy.webp": (picture(3), dict(quality=80)),
        "lossless.webp": (picture(3), dict(lossless=True)),
        "lossy-alpha.webp": (picture(4), dict(quality=80)),
        "lossless-alpha.webp": (picture(4), dict(lossless=True, exact=True)),
        "orientation6.webp": (picture(3), dict(lossless=True, exif=turned)),
    }
    index, pixels = [], []
    for name, (image, options) in files.items():
        data = io.BytesIO()
        image.save(data, "WEBP", **options)
        with open(os.path.join(OUT, name), "wb") as f:
            f.write(data.getvalue())
        back = over_white(ImageOps.exif_transpose(Image.open(data)))
        index.append({"file": name, "width": back.shape[1],
                      "height": back.shape[0], "alpha": "alpha" in name,
                      "colour": "YCbCr" if "lossy" in name else "RGB",
                      "orientation": 6 if "orientation" in name else 1})
        pixels.append(back.ravel())
    picture(3).save(os.path.join(OUT, "animated.webp"), "WEBP", save_all=True,
                    append_images=[picture(3).rotate(180)], duration=50)
    np.save(os.path.join(OUT, "pixels.npy"), np.concatenate(pixels))
    with open(os.path.join(OUT, "index.json"), "w") as f:
        json.dump(index, f, indent=0)


main()
