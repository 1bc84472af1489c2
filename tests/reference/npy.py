"""Writes tests/data/npy anew: the same numbers in every form of .npy that is
read, by numpy 2.4.6. Element (i, j, k) of the 2 x 3 x 4 array of reals is
n / 4 - 2 where n = 12 i + 4 j + k; of integers n - 5 (unsigned: n)."""
import pathlib

import numpy as np
from numpy.lib import format as npy

folder = pathlib.Path(__file__).parent.parent / "data/npy"
folder.mkdir(exist_ok=True)
n = np.arange(24).reshape(2, 3, 4)

for kind in "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8".split():
    values = {"f": n / 4 - 2, "i": n - 5, "u": n}[kind[0]]
    for order in "<>" if kind[1] != "1" else "|":
        name = {"<": "little", ">": "big", "|": "byte"}[order]
        np.save(folder / f"{kind}_{name}.npy", values.astype(order + kind))

real = (n / 4 - 2).astype("<f4")
np.save(folder / "fortran.npy", np.asfortranarray(real))
np.save(folder / "b1.npy", n % 3 == 0)
np.save(folder / "scalar.npy", np.float32(1.5))
np.save(folder / "vector.npy", np.array([1.5, -2], "<f4"))
np.save(folder / "empty.npy", np.zeros((0, 3), "<f4"))
np.save(folder / "edges.npy", np.array([127, -128], "i1"))
np.save(folder / "halves.npy",
        np.array([0x0001, 0x03ff, 0x7bff, 0xfc00, 0x8000, 0x7e00],
                 "<u2").view("<f2"))
for version in (2, 0), (3, 0):
    with open(folder / f"version{version[0]}.npy", "wb") as file:
        npy.write_array(file, real, version)
np.save(folder / "complex.npy", real.astype("<c8"))
np.save(folder / "records.npy", np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
