"""Golden values for synthesis: tests/data/synthesis.

    python synthesis.py [FOLDER]        (default: ../data/synthesis)

spectrum.npy   2,6,4 random parameters of a 6x7 plane (real, imaginary parts)
plane.npy      the plane that lucid's fft_image makes of them, by numpy's irfft2
picture.npy    5x7, random
view.npy       4x6, a view of it by torch's grid_sample: turned by 20 degrees,
               scaled by 1.3, shifted by (1.5, -0.5), 1/2 outside
adam.npy       5,2,3: gradient and parameters after it, in five steps of
               torch.optim.Adam at .05 on -objective, from (1, -2, 0)

Made with torch 2.14.1, numpy 2.4.6.
"""
import os
import sys

import numpy as np
import torch

folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "data", "synthesis")
rng = np.random.default_rng(1)


def save(name, array):
    np.save(os.path.join(folder, name + ".npy"), array.astype(np.float32))


def spectrum(height=6, width=7):
    p = rng.standard_normal((2, height, width // 2 + 1)).astype(np.float32)
    f = np.hypot(np.fft.fftfreq(height)[:, None],
                 np.fft.rfftfreq(width)[None, :])
    scale = 1 / np.maximum(f, 1 / max(width, height)) * np.sqrt(width * height)
    z = scale * (p[0].astype(np.float64) + 1j * p[1])
    save("spectrum", p)
    save("plane", np.fft.irfft2(z, s=(height, width)) / 4)


def view(height=4, width=6):
    """Pixel centres at integers + 1/2, as in grid_sample without
    align_corners, whose coordinates run from -1 to 1."""
    picture = rng.random((5, 7)).astype(np.float32)
    h, w = picture.shape
    a = np.deg2rad(20)
    y, x = np.mgrid[:height, :width] + .5
    x, y = x - width / 2 - 1.5, y - height / 2 + .5
    x, y = np.cos(a) * x - np.sin(a) * y, np.sin(a) * x + np.cos(a) * y
    x, y = x * w / width / 1.3, y * h / height / 1.3
    grid = torch.tensor(np.stack([2 * x / w, 2 * y / h], -1))[None]
    seen = torch.nn.functional.grid_sample(
        torch.tensor(picture).double()[None, None] - .5, grid,
        mode="bilinear", padding_mode="zeros", align_corners=False)
    save("picture", picture)
    save("view", seen[0, 0].numpy() + .5)


def adam():
    p = torch.tensor([1., -2., 0.], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([p], lr=.05)
    rows = []
    for step in range(5):
        g = np.array([np.cos(step), 1e-6 * (step + 1), -3. * (step != 2)])
        p.grad = torch.tensor(-g)
        optimiser.step()
        rows.append([g, p.detach().numpy().copy()])
    save("adam", np.array(rows))


spectrum()
view()
adam()
