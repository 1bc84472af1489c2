"""The sides that cxai took at the kinks of a network, for a reference to take.

A gradient jumps where the input of a ReLU passes 0 or, clipped, 6, and where
another number of a max pool's window becomes the largest. Which side of it a
number within rounding lies on is not decided by float32; a reference in float64
that takes cxai's side there, and differs in nothing else, must come out as cxai
does: what then is left is an error. Only numbers on the other side are touched:
an activation's becomes cxai's own, a window hands on the number at cxai's place.

Relevance is divided by sums besides, and near 0 float32's are off by any factor.
For a reference that divides all activations and sums become those of cxai's
forward run, where it divides too; its rules stay in float64.

    record = Record(folder, file)   # of cxai-recording, run in between
    with taken(model, record, notes):
        ... the reference of model or of copies of it

Each forward of the reference is matched, picture by picture, with the recorded
one whose first activation is nearest, and a divisor with the nearest sum.
"""
import contextlib
import dataclasses
from unittest import mock

import numpy as np
import onnx
import torch
from torch.nn import functional as F

KINKED = ["Relu", "Clip"]
SUMS = ["Add", "BatchNormalization", "Conv", "Gemm", "GlobalAveragePool"]
NEAR = 1e-3    # of the mean magnitude, what is recognised


def apart(a, b):
    """The mean distance, of the mean magnitude of b."""
    return float(np.abs(a - b).mean() / (np.abs(b).mean() or 1))


class Record:
    """What cxai-recording wrote about an ONNX file: for each picture of each
    forward the activations, in their order in the graph, and sums."""

    def __init__(self, folder, file):
        self.names = [node.output[0] for node in onnx.load(file).graph.node
                      if node.op_type in KINKED]
        numbers = np.memmap(f"{folder}/numbers", np.float32, "r")
        forwards, at = {}, 0
        with open(f"{folder}/index") as f:
            for line in f:
                forward, name, shape = line.rstrip("\n").split("\t")
                shape = [int(n) for n in shape.split()]
                count = int(np.prod(shape))
                forwards.setdefault(forward, {})[name] = \
                    numbers[at:at + count].reshape(shape)
                at += count
        self.pictures = [{name: array[i] for name, array in forward.items()}
                         for forward in forwards.values()
                         if self.names[0] in forward
                         for i in range(len(forward[self.names[0]]))]

    def nearest(self, first):
        """The picture whose first activation is nearest."""
        first = first.numpy()
        far = [apart(p[self.names[0]], first) for p in self.pictures]
        if min(far) > NEAR:
            raise ValueError("a forward of the reference is none of cxai's: "
                             f"{min(far):.1e} away")
        return self.pictures[int(np.argmin(far))]

    def sum(self, like):
        """The nearest sum of a single picture, or None."""
        like = like[0].numpy()
        found = [(apart(array, like), name)
                 for name, array in self.pictures[0].items()
                 if array.shape == like.shape]
        far, name = min(found, default=(1, None))
        return None if far > NEAR else self.pictures[0][name][None]


@dataclasses.dataclass
class Notes:
    """How many activations and windows were on the other side, how many sums
    were replaced besides, and by how much of its layer's deviation a number was
    moved at most."""
    units: int = 0
    windows: int = 0
    count: int = 0
    sums: int = 0
    depth: float = 0.0

    def move(self, moved, far, x):
        """Which, and how far, of the numbers x or of the windows on them; how
        many."""
        count = int(moved.sum())
        if count:
            self.depth = max(self.depth, float(far[moved].max() / x.std()))
        return count

    def __str__(self):
        text = f"{self.units} of {self.count} activations, {self.windows} " \
               "windows turned"
        if self.sums:
            text += f", all activations and {self.sums} divisors ours"
        return text + f", by {self.depth:.1e} of a deviation at most"


class Forward:
    """One forward of the reference that is under way."""

    def __init__(self, record, notes, divided):
        self.record, self.notes, self.divided = record, notes, divided
        self.at = -1

    def ours(self, like):
        name = self.record.names[self.at]
        arrays = np.stack([p[name] for p in self.pictures])
        return torch.from_numpy(arrays).to(like.dtype)

    def activation(self, x, high):
        self.at += 1
        y = x.clamp(0, high)
        if self.at == 0:
            self.pictures = [self.record.nearest(one)
                             for one in y.detach().float()]
        ours = self.ours(x)
        if ours.shape != x.shape:
            raise ValueError(f"activation {self.at}: {tuple(ours.shape)} of "
                             f"cxai's, {tuple(x.shape)} of the reference's")
        opened = (ours > 0) & (ours < high)
        differ = opened != ((x > 0) & (x < high))
        self.notes.count += x.numel()
        self.notes.units += int(differ.sum())
        if self.divided:
            differ |= ours != y
        # a closed one's own input is not known: how far it is from the kink
        far = torch.where(opened, (ours - x).abs(),
                          torch.minimum(x.abs(), (x - high).abs()))
        self.notes.move(differ, far.detach(), x)
        moved = x + (ours - x).detach()
        return torch.where(differ, torch.where(opened, moved, ours), y)

    def pool(self, function, x, *a, **k):
        k["return_indices"] = True
        y, own = function(x, *a, **k)
        ours = self.ours(x) if self.at >= 0 else None
        if ours is None or ours.shape != x.shape or \
                apart(ours.numpy(), x.detach().numpy()) > NEAR:
            return y    # not of an activation alone
        place = function(ours, *a, **k)[1]
        flat = x.flatten(2)
        chosen = flat.gather(2, place.flatten(2)).view_as(y)
        self.notes.windows += self.notes.move((own != place) & (y > 0),
                                              (y - chosen).detach(), x)
        return chosen


def divisor(record, notes):
    """zennit's Stabilizer.__call__ with cxai's sums."""
    import zennit.core    # no other family needs it
    kept = zennit.core.Stabilizer.__call__

    def call(self, x):
        ours = record.sum(x.detach())
        if ours is None:
            return kept(self, x)
        ours = torch.from_numpy(ours).to(x.dtype)
        notes.sums += notes.move(ours != x, (ours - x).abs(), x)
        return kept(self, ours)
    return call


def summed(function, state, record, notes):
    """A function of torch whose sums in a forward are cxai's."""
    def call(*a, **k):
        y = function(*a, **k)
        ours = record.sum(y.detach()) if state else None
        if ours is None:
            return y
        moved = torch.from_numpy(ours).to(y.dtype) - y.detach()
        notes.move(moved != 0, moved.abs(), y.detach())
        return y + moved
    return call


@contextlib.contextmanager
def taken(model, record, notes, divided=False):
    """model, and whatever is copied of it meanwhile, takes cxai's sides."""
    state = []    # the forward that is under way
    kept = F.relu, F.relu6, F.hardtanh, F.max_pool2d

    def begin(module, inputs):
        state[:] = [Forward(record, notes, divided)]

    def end(module, inputs, output):
        state.clear()

    def relu(x, inplace=False):
        return state[0].activation(x, float("inf")) if state else kept[0](x)

    def relu6(x, inplace=False):
        return state[0].activation(x, 6.0) if state else kept[1](x)

    def hardtanh(x, low=-1.0, high=1.0, inplace=False):
        return state[0].activation(x, high) if state and low == 0 \
            else kept[2](x, low, high)

    def pool(x, *a, **k):
        return state[0].pool(kept[3], x, *a, **k) if state \
            else kept[3](x, *a, **k)

    handles = [model.register_forward_pre_hook(begin),
               model.register_forward_hook(end)]
    functions = dict(relu=relu, relu6=relu6, hardtanh=hardtanh, max_pool2d=pool)
    if divided:
        for name in "conv2d", "linear":
            functions[name] = summed(getattr(F, name), state, record, notes)
    try:
        with contextlib.ExitStack() as patches:
            patches.enter_context(mock.patch.multiple(F, **functions))
            if divided:
                patches.enter_context(
                    mock.patch("zennit.core.Stabilizer.__call__",
                               divisor(record, notes)))
            yield
    finally:
        for handle in handles:
            handle.remove()
