"""Vision transformers: attention rollout and gradient-weighted rollout after
the papers' equations, AttnLRP by its authors' lxt 2.1 (pip install --no-deps
lxt), in float64.

lxt adds its stabiliser without a sign; here it has the sign of what it is added
to, as in the paper.

AttnLRP by the epsilon rule divides by sums that come as near to 0 as the
stabiliser, 1e-6, which is what float32 can tell of them. Another last bit in
the picture moves lxt's own float64 by 4e-4 to 8e-4 of the largest relevance on
vit_b_16, and by 2e-3 on swin_t. How far float32 is away is a matter of luck
within a factor of 3: of six pictures, the zoo's and this one with noise, cxai's
is at 4e-4 to 2.4e-3 on vit_b_16 (lxt's at 8e-4 to 2.3e-3) and at 1.3e-3 to
5.0e-3 on swin_t (1.3e-3 to 6.2e-3), in the geometric mean 0.77 and 0.74 of
lxt's.
"""
import numpy as np
import torch
from lxt.explicit import functional as lf, rules
from pytorch_grad_cam.utils.image import scale_cam_image
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from zoo_methods import Method

EPSILON = 1e-6


def stabilize(y, epsilon=EPSILON, inplace=False):
    return torch.where(y < 0, y - EPSILON, y + EPSILON)


lf._stabilize = rules._stabilize = stabilize


def attend(ops, query, heads, w, b, out_w, out_b):
    """Self-attention of nn.MultiheadAttention, (T,N,C), step by step."""
    tokens, batch, width = query.shape
    q, k, v = (
        t.reshape(tokens, batch * heads, width // heads).transpose(0, 1)
        for t in ops.linear(query, w, b).chunk(3, -1))
    scale = (width // heads) ** -0.5
    a = ops.softmax(ops.scaled(ops.matmul(q, k.transpose(1, 2)), scale), -1)
    y = ops.matmul(a, v).transpose(0, 1).reshape(tokens, batch, width)
    return ops.linear(y, out_w, out_b)


class Attending(TorchFunctionMode):
    """Runs torch with attention taken apart, and remembers its matrices."""
    linear, matmul = staticmethod(F.linear), staticmethod(torch.matmul)

    def __init__(self):
        super().__init__()
        self.matrices = []

    @staticmethod
    def scaled(x, scale):
        return x * scale

    def softmax(self, x, dim):
        a = F.softmax(x, dim)
        if a.requires_grad:
            a.retain_grad()
        self.matrices.append(a)
        return a

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is F.multi_head_attention_forward:
            query, _, _, _, heads, w, b, _, _, _, _, out_w, out_b = args[:13]
            return attend(self, query, heads, w, b, out_w, out_b), None
        return func(*args, **(kwargs or {}))


def flow(model, x, target, weigh):
    """The class token's row of the product of the blocks' matrices."""
    with Attending() as mode:
        y = model(x.clone().requires_grad_())[0, target]
    y.backward()
    rows = torch.eye(mode.matrices[0].shape[-1], dtype=x.dtype)
    for a in mode.matrices:
        rows = weigh(a.detach(), a.grad) @ rows
    size = x.shape[2:]
    patches = rows.shape[0] - 1
    width = round((patches * size[1] / size[0]) ** 0.5)
    raw = rows[0, 1:].reshape(patches // width, width).numpy()
    scaled = scale_cam_image(np.maximum(raw, 0)[None], size[::-1])
    return scale_cam_image(scaled)[0], raw


def abnar(fuse):
    """Abnar and Zuidema 2020: 0.5 W + 0.5 I, normalised."""
    def weigh(a, _):
        a = fuse(a) + torch.eye(a.shape[-1], dtype=a.dtype)
        return a / a.sum(-1, keepdim=True)
    return weigh


def chefer(a, gradient):
    """Chefer et al. 2021, equations 5 and 6."""
    a = (gradient * a).clamp(min=0).mean(0)
    return torch.eye(a.shape[-1], dtype=a.dtype) + a


ROLLOUTS = {
    ("attention_rollout", ""): abnar(lambda a: a.mean(0)),
    ("attention_rollout", "heads=max"): abnar(lambda a: a.amax(0)),
    ("attention_gradients", ""): chefer,
}


class Propagating(TorchFunctionMode):
    """Runs torch by the functions of lxt."""
    @staticmethod
    def linear(x, w, b=None):
        return lf.linear_epsilon(x, w, b)

    @staticmethod
    def matmul(a, b):
        return lf.matmul(a, b)

    @staticmethod
    def softmax(x, dim):
        return lf.softmax(x, dim)

    @staticmethod
    def scaled(x, scale):
        return rules.identity(lambda t: t * scale, x)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func.__name__.strip("_")
        active = [t for t in args
                  if isinstance(t, torch.Tensor) and t.requires_grad]
        if func is F.multi_head_attention_forward:
            query, _, _, _, heads, w, b, _, _, _, _, out_w, out_b = args[:13]
            return attend(self, query, heads, w, b, out_w, out_b), None
        if not active:
            return func(*args, **kwargs)
        if name == "linear":
            return lf.linear_epsilon(*args, **kwargs)
        if name == "layer_norm":
            return lf.layer_norm(args[0], kwargs["weight"], kwargs["bias"],
                                 kwargs["eps"])
        if name == "softmax":
            return lf.softmax(args[0], kwargs["dim"])
        if name == "gelu":
            return rules.identity(F.gelu, args[0])
        if name == "matmul":
            return lf.matmul(*args)
        if name in ("add", "iadd"):
            if len(active) == 2:
                return lf.add2(*args)
            return rules.epsilon_lrp(lambda t: t + args[1], EPSILON, args[0])
        if name in ("mul", "div"):
            assert len(active) == 1
            return rules.identity(lambda t: func(t, *args[1:]), args[0])
        if name in ("conv2d", "adaptive_avg_pool2d"):
            return rules.epsilon_lrp(lambda t: func(t, *args[1:], **kwargs),
                                     EPSILON, args[0])
        return func(*args, **kwargs)


def attnlrp(model, x, target):
    x = x.clone().requires_grad_()
    with Propagating():
        y = model(x)[0, target]
    y.backward(y.detach())
    return x.grad[0].numpy()


def _rollout(weigh):
    return lambda model, x, target, layer: flow(model, x, target, weigh)[0]


def _attnlrp(model, x, target, layer):
    for p in model.parameters():
        p.requires_grad_(False)
    return attnlrp(model, x, target)


METHODS = {
    f"{name}:{settings}": Method(
        compute=_rollout(weigh), double=True, networks=["vit_b_16"],
        options=["--set", settings] if settings else [])
    for (name, settings), weigh in ROLLOUTS.items()
}
METHODS["attnlrp"] = Method(
    compute=_attnlrp, double=True, library="lxt",
    networks=["vit_b_16", "swin_t"],
    options=["--set", "gamma=0,dense_gamma=0"])
