"""Pictures of every kind, with the pixels that they hold.

    python pictures.py             writes ../data/pictures

index.json: for each file its width, height, the offset of its pixels (RGB
bytes, rows from the top) in pixels.npy, and what else is known of it; and the
files that are to be refused, with a word of the reason.

PNG files are put together here, byte by byte, so that every colour type,
depth and interlace occurs. Their pixels come from the PNG specification by
numpy (samples scaled to 8 bits, laid over white); wherever Pillow and OpenCV
read the kind, they must agree. JPEG files are written and decoded by Pillow.

Made with Pillow 13.0.0, OpenCV 5.0.0.93, numpy 2.4.6.
"""
import io
import json
import os
import struct
import sys
import zlib

import cv2
import numpy as np
from PIL import Image, ImageOps

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH, HEIGHT = 11, 7
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
# Adam7: first column and row, and steps, of each pass
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4),
          (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
rng = np.random.default_rng(7)


# ---- PNG -----------------------------------------------------------------

def chunk(kind, data):
    return (struct.pack(">I", len(data)) + kind + data
            + struct.pack(">I", zlib.crc32(kind + data)))


def pack_row(samples, depth):
    """Samples of one row, first in the high bits."""
    if depth == 16:
        return np.asarray(samples, ">u2").tobytes()
    bits = (np.asarray(samples, np.uint8)[:, None]
            >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.ravel()).tobytes()


def scan_lines(samples, depth):
    height, width = samples.shape[:2]
    if width == 0 or height == 0:
        return b""
    return b"".join(b"\0" + pack_row(row.ravel(), depth) for row in samples)


def png(samples, colour, depth, interlace=0, chunks=()):
    """samples: height x width x channels; chunks: between IHDR and IDAT."""
    height, width = samples.shape[:2]
    lines = [samples] if not interlace else [
        samples[y::dy, x::dx] for x, y, dx, dy in PASSES]
    data = b"".join(scan_lines(s, depth) for s in lines)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0,
                         interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + b"".join(chunk(*c) for c in chunks)
            + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


def over_white(colour, alpha, full):
    """Exact, then rounded once to 8 bits."""
    number = colour.astype(object) * alpha + full * (full - alpha)
    scale = full * full // 255 if full != 255 else 255
    exact = number * 2 + scale
    return (exact // (2 * scale)).astype(np.uint8)


def expected(samples, colour, depth, palette, alpha_of):
    """What a PNG shows: height x width x 3, and whether some pixel is not
    opaque. alpha_of: None, the transparent colour, or the palette's
    alphas."""
    full = 2 ** depth - 1
    s = samples.astype(np.int64)
    alpha = np.full(s.shape[:2], full)
    if colour == PALETTE:
        full = 255
        alpha = np.full(s.shape[:2], full)
        if alpha_of is not None:
            table = np.full(256, 255)
            table[:len(alpha_of)] = alpha_of
            alpha = table[s[..., 0]]
        rgb = palette[s[..., 0]].astype(np.int64)
    else:
        rgb = s[..., :3] if colour in (RGB, RGBA) else np.repeat(
            s[..., :1], 3, 2)
        if colour in (GREY_ALPHA, RGBA):
            alpha = s[..., -1]
        elif alpha_of is not None:
            same = (s == np.asarray(alpha_of)).all(2)
            alpha = np.where(same, 0, full)
    if depth < 8 and colour == GREY:  # whole multiples: nothing is rounded
        rgb, alpha, full = rgb * (255 // full), alpha * (255 // full), 255
    return over_white(rgb, alpha[..., None], full), bool((alpha < full).any())


def other_readers(data, pixels, depth, alpha):
    """Pillow and OpenCV show the same, where they keep what is stored."""
    if depth == 16 or alpha:
        return
    pillow = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert (pillow == pixels).all()
    opencv = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert (opencv[:, :, ::-1] == pixels).all()


def make_png(colour, depth, interlace=0, transparent=False, size=None,
             chunks=()):
    width, height = size or (WIDTH, HEIGHT)
    count = min(2 ** depth, 200) if colour == PALETTE else 2 ** depth
    samples = rng.integers(0, count, (height, width, CHANNELS[colour]))
    samples.ravel()[:2] = 0, count - 1
    palette = alpha_of = None
    chunks = list(chunks)
    if colour == PALETTE:
        palette = rng.integers(0, 256, (count, 3)).astype(np.uint8)
        chunks.append((b"PLTE", palette.tobytes()))
        if transparent:
            alpha_of = [0, 128, 255, 7][:max(1, count - 1)]
            chunks.append((b"tRNS", bytes(alpha_of)))
    elif transparent:
        alpha_of = samples[1, 1]
        chunks.append((b"tRNS", np.asarray(alpha_of, ">u2").tobytes()))
    data = png(samples, colour, depth, interlace, chunks)
    pixels, alpha = expected(samples, colour, depth, palette, alpha_of)
    other_readers(data, pixels, depth, alpha)
    return data, pixels, alpha


def all_pngs():
    names = {GREY: "grey", RGB: "rgb", PALETTE: "palette",
             GREY_ALPHA: "grey-alpha", RGBA: "rgba"}
    depths = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8),
              GREY_ALPHA: (8, 16), RGBA: (8, 16)}
    for colour, name in names.items():
        for depth in depths[colour]:
            for interlace in (0, 1):
                end = "-adam7" if interlace else ""
                yield (f"{name}{depth}{end}.png",
                       make_png(colour, depth, interlace))
            if colour in (GREY, RGB, PALETTE):
                yield (f"{name}{depth}-trns.png",
                       make_png(colour, depth, transparent=True))
    yield "one-pixel-adam7.png", make_png(RGB, 8, 1, size=(1, 1))
    # a gamma of 1.0 would brighten everything if it were obeyed
    yield "gamma.png", make_png(
        RGB, 8, chunks=[(b"gAMA", struct.pack(">I", 100000))])
    # a profile that is none, and a text of which only zeros are packed
    yield "profile.png", make_png(RGB, 8, chunks=[
        (b"iCCP", b"x\0\0" + zlib.compress(b"no profile")),
        (b"zTXt", b"x\0\0" + zlib.compress(bytes(512 << 10), 9))])


def sixteen():
    """0 255 384 32896 65280 65535, which are 0 1 1 128 254 255 in 8 bits."""
    samples = np.array([0, 255, 384, 32896, 65280, 65535]).reshape(1, 6, 1)
    grey = np.array([0, 1, 1, 128, 254, 255], np.uint8)
    return png(samples, GREY, 16), np.repeat(grey.reshape(1, 6, 1), 3, 2), False


def hidden_colour():
    """Opaque red; green that is not to be seen; half transparent brown."""
    samples = np.array([[[200, 0, 0, 255], [0, 255, 0, 0],
                         [100, 50, 0, 128]]])
    pixels = np.array([[[200, 0, 0], [255, 255, 255], [177, 152, 127]]],
                      np.uint8)
    return png(samples, RGBA, 8), pixels, True


# ---- JPEG ----------------------------------------------------------------

def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def photo(width, height):
    y, x = np.mgrid[0:height, 0:width]
    a = np.stack([x * 255 / width, y * 255 / height,
                  128 + 100 * np.sin(x / 3) * np.cos(y / 4)], 2)
    return Image.fromarray((a + rng.integers(0, 24, a.shape)).clip(
        0, 255).astype(np.uint8))


def exif(orientation, endian):
    """An EXIF block: orientation is the second entry of the directory."""
    e = {"II": "<", "MM": ">"}[endian]
    entries = (struct.pack(e + "HHIHH", 0x0103, 3, 1, 6, 0)
               + struct.pack(e + "HHIHH", 0x0112, 3, 1, orientation, 0))
    return (b"Exif\0\0" + endian.encode() + struct.pack(e + "HI", 42, 8)
            + struct.pack(e + "H", 2) + entries + bytes(4))


def all_jpegs():
    image = photo(29, 21)
    kinds = {
        "grey": (image.convert("L"), {}),
        "444": (image, {"subsampling": 0}),
        "422": (image, {"subsampling": 1}),
        "420": (image, {"subsampling": 2}),
        "progressive": (image, {"progressive": True, "subsampling": 2}),
        "progressive-grey": (image.convert("L"), {"progressive": True}),
        "rgb": (image, {"keep_rgb": True}),
        "restart": (image, {"restart_marker_blocks": 2}),
        "optimised": (image, {"optimize": True, "quality": 30}),
        "cmyk": (image.convert("CMYK"), {}),
        "one-pixel": (photo(1, 1), {}),
    }
    for name, (source, options) in kinds.items():
        data = jpeg(source, **{"quality": 85, **options})
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        yield f"{name}.jpg", data, pixels, 1
    for orientation in range(1, 9):
        endian = "MM" if orientation % 2 else "II"
        data = jpeg(photo(19, 13), quality=90, exif=exif(orientation, endian))
        turned = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        yield (f"orientation{orientation}.jpg", data, np.asarray(turned),
               orientation)


# ---- what is to be refused ------------------------------------------------

def save_as(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def others():
    """name: bytes, and the word by which the message must name it."""
    image = photo(8, 8)
    yield "webp.jpg", save_as(image, "WEBP"), "WebP"
    yield "gif.png", save_as(image, "GIF"), "GIF"
    yield "tiff.jpg", save_as(image, "TIFF"), "TIFF"
    yield "bmp.png", save_as(image, "BMP"), "BMP"
    yield "avif.jpg", save_as(image, "AVIF"), "AVIF"
    yield "ppm.png", save_as(image, "PPM"), "PPM"
    yield "bomb.png", png_header(60000, 60000), "too large"
    yield "zero-width.png", png_header(0, 5), "IHDR"
    samples = rng.integers(0, 256, (8, 8, 3))
    good = png(samples, RGB, 8)
    damaged = bytearray(good)
    damaged[good.index(b"IDAT") + 20] ^= 0x55
    yield "damaged.png", bytes(damaged), "corrupt"
    index = np.full((4, 4, 1), 3)
    yield ("palette-index.png",
           png(index, PALETTE, 8, chunks=[(b"PLTE", bytes(9))]), "the palette lacks")
    short = zlib.compress(scan_lines(samples[:5], 8))
    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    yield ("rows-missing.png",
           b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", short)
           + chunk(b"IEND", b""), "corrupt")


def png_header(width, height):
    head = struct.pack(">IIBBBBB", width, height, 8, RGB, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
            + chunk(b"IDAT", zlib.compress(bytes(10000)))
            + chunk(b"IEND", b""))


def main(folder):
    os.makedirs(folder, exist_ok=True)
    files, refused, pixels, offset = [], [], [], 0

    def keep(name, data, shown, **facts):
        nonlocal offset
        with open(f"{folder}/{name}", "wb") as f:
            f.write(data)
        height, width = shown.shape[:2]
        files.append({"file": name, "width": width, "height": height,
                      "offset": offset, **facts})
        pixels.append(shown.ravel())
        offset += shown.size

    for name, (data, shown, alpha) in [*all_pngs(),
                                       ("sixteen.png", sixteen()),
                                       ("hidden.png", hidden_colour())]:
        keep(name, data, shown, format="PNG", alpha=int(alpha),
             orientation=1)
    for name, data, shown, orientation in all_jpegs():
        keep(name, data, shown, format="JPEG", alpha=0,
             orientation=orientation)
    for name, data, word in others():
        with open(f"{folder}/{name}", "wb") as f:
            f.write(data)
        refused.append({"file": name, "word": word})
    np.save(f"{folder}/pixels.npy", np.concatenate(pixels).astype(np.uint8))
    with open(f"{folder}/index.json", "w") as f:
        json.dump({"files": files, "refused": refused}, f, indent=0)
        f.write("\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else f"{HERE}/../data/pictures")
