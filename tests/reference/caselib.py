"""What cases.py is written with: the records of its expected.json, and their oracles.

Every case is a small folder plus one record in expected.json:
  {"id","group","title","source":[...],"checks":[...]}
Check kinds ("do"):
  run      feed "inputs" to "model"; "want" = outputs (shape + flat data), "tol" absolute
  grad     d(target)/d("wrt"); target = {"output","index"[, "sign"]}; want = flat gradient
  cam      Grad-CAM at "layer"; want.raw_pre_relu / raw / normalised (min-max, map = raw-min / max)
  image    decode "file"; want width, height, samples [{"x","y","rgb"}], tol in 0..255 units
  preproc  decode + preprocess "file" by "spec"; want per-channel constants or a tensor
  place    map back to original pixels: centre of mass within tol, "outside" columns/rows must be 0
  refuse   must end with a non-zero exit code and a message; "mention" = any of these words
  either   one of "options" is right; anything in "forbid" is wrong
  behave   text a person or a script checks ("text"), optional machine limits
A check whose "nested_if" is a number has no file: the test makes it, an If nested that often.
Data are written with float32 precision.
"""
import json
import os
import struct
import subprocess
import sys
import textwrap
import zlib

import numpy as np
import onnx
from onnx import helper as h, TensorProto as T, numpy_helper as nh

F = np.float32


# ---------------------------------------------------------------- registry
def lines(d):
    """JSON with one line for each check, so that a changed case is a changed line."""
    def text(v):
        return json.dumps(v, ensure_ascii=False, allow_nan=False)
    cases = []
    for c in d["cases"]:
        head = text({k: v for k, v in c.items() if k != "checks"})
        cases.append(head[:-1] + ', "checks": [\n  ' + ",\n  ".join(map(text, c["checks"])) + "]}")
    head = text({k: v for k, v in d.items() if k != "cases"})
    return head[:-1] + ', "cases": [\n ' + ",\n ".join(cases) + "]}\n"


class Book:
    def __init__(self, out):
        self.out, self.cases, self.notes = out, [], []
        os.makedirs(out, exist_ok=True)

    def case(self, cid, group, title, source):
        c = Case(self, cid, group, title, source)
        self.cases.append(c.rec)
        return c

    def save(self):
        import onnxruntime as o, PIL
        d = {"format": 1,
             "oracles": {"onnx": onnx.__version__, "onnxruntime": o.__version__,
                         "numpy": np.__version__, "pillow": PIL.__version__},
             "cases": self.cases}
        with open(os.path.join(self.out, "expected.json"), "w") as f:
            f.write(lines(d))
        n = sum(len(c["checks"]) for c in self.cases)
        print(f"{len(self.cases)} cases, {n} checks, verified numerically: {Case.verified}")
        for s in self.notes:
            print("note:", s)


class Case:
    verified = 0

    def __init__(self, book, cid, group, title, source):
        self.b, self.cid = book, cid
        self.dir = os.path.join(book.out, cid)
        os.makedirs(self.dir, exist_ok=True)
        self.rec = {"id": cid, "group": group, "title": title, "source": source, "checks": []}

    def path(self, name):
        p = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(p), exist_ok=True)
        return p

    def rel(self, name):
        return f"{self.cid}/{name}"

    def add(self, **k):
        self.rec["checks"].append(k)

    def put(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.rel(name)

    # ---- numeric checks, verified here
    def run(self, model, feeds, want=None, tol=1e-5, oracle=True, **extra):
        """want: {output: array} by arithmetic, or None = take onnxruntime's answer."""
        got = None
        if oracle:
            got = ort_run(self.path(model), feeds)
            if want is None:
                want = got
                src = "onnxruntime"
            else:
                for k, v in want.items():
                    close(got[k], v, tol, f"{self.cid} {k}")
                src = "arithmetic, equal to onnxruntime"
            Case.verified += 1
        else:
            src = "arithmetic only"
        self.add(do="run", model=self.rel(model), inputs={k: arr(v) for k, v in feeds.items()},
                 want={k: arr(v) for k, v in want.items()}, tol=tol, oracle=src, **extra)
        return want

    def grad(self, model, feeds, wrt, output, index, want, sign=1, tol=1e-4, fd=True, eps=1e-2, **extra):
        """want by arithmetic; checked by central differences of onnxruntime when wrt is a graph input."""
        src = "arithmetic"
        if fd:
            g = fd_grad(self.path(model), feeds, wrt, output, index, eps) * sign
            close(g, want, 2e-2 * max(1.0, float(np.abs(want).max())), f"{self.cid} grad")
            src = "arithmetic, equal to central differences in onnxruntime"
            Case.verified += 1
        self.add(do="grad", model=self.rel(model), inputs={k: arr(v) for k, v in feeds.items()}, wrt=wrt,
                 target={"output": output, "index": index, "sign": sign}, want=arr(want), tol=tol,
                 oracle=src, **extra)

    def cam(self, model, feeds, layer, target, A, g, **extra):
        """A, g: activation and gradient [C,H,W] by arithmetic; A is checked against onnxruntime."""
        got = ort_run(self.path(model), feeds, [layer])[layer]
        close(got.reshape(-1), np.asarray(extra.pop("A_file_order", A)).reshape(-1), 1e-4, f"{self.cid} act")
        Case.verified += 1
        tail_check(self.path(model), layer, target, got, np.asarray(g), np.asarray(A), f"{self.cid} {layer}")
        Case.verified += 1
        w = g.mean(axis=(1, 2))
        pre = (w[:, None, None] * A).sum(0)
        raw = np.maximum(pre, 0)
        norm = raw - raw.min()
        m = norm.max()
        norm = norm / m if m > 0 else np.zeros_like(norm)
        self.add(do="cam", method="gradcam", model=self.rel(model),
                 inputs={k: arr(v) for k, v in feeds.items()}, layer=layer, target=target,
                 want={"weights": arr(w), "raw_pre_relu": arr(pre), "raw": arr(raw), "normalised": arr(norm)},
                 tol=1e-4, oracle="arithmetic; activation equal to onnxruntime, gradient equal to central differences of the graph after the layer", **extra)
        return w, pre, raw, norm

    def refuse(self, name, mention, probe="ort", max_seconds=5, max_rss_mb=400, **extra):
        r = {"ort": ort_probe, "pil": pil_probe, None: lambda p: None}[probe](self.path(name))
        if r is not None:
            extra["peer_" + probe] = r
        self.add(do="refuse", file=self.rel(name), mention=mention, max_seconds=max_seconds,
                 max_rss_mb=max_rss_mb, **extra)

    def image(self, name, width, height, samples, tol=0, oracle="pillow", **extra):
        if oracle == "pillow":
            from PIL import Image, ImageOps
            im = ImageOps.exif_transpose(Image.open(self.path(name)))
            assert im.size == (width, height), (self.cid, im.size)
            rgb = np.asarray(im.convert("RGB")).astype(int)
            for s in samples:
                d = np.abs(rgb[s["y"], s["x"]] - np.array(s["rgb"])).max()
                assert d <= tol, (self.cid, s, rgb[s["y"], s["x"]])
            Case.verified += 1
        self.add(do="image", file=self.rel(name), want={"width": width, "height": height, "samples": samples},
                 tol=tol, oracle=oracle, **extra)


# ---------------------------------------------------------------- arrays
def arr(v):
    v = np.asarray(v)
    if v.dtype.kind == "f":
        data = [None if not np.isfinite(t) else float(F(t)) for t in v.reshape(-1).astype(F)]
        nf = [str(float(t)) for t in v.reshape(-1)] if any(t is None for t in data) else None
        d = {"shape": list(v.shape), "dtype": "float32", "data": data}
        if nf:
            d["as_text"] = nf
        return d
    return {"shape": list(v.shape), "dtype": str(v.dtype), "data": [int(t) for t in v.reshape(-1)]}


def close(a, b, tol, what):
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert a.shape == b.shape, (what, a.shape, b.shape)
    bad = ~(np.isclose(a, b, rtol=0, atol=tol, equal_nan=True))
    assert not bad.any(), (what, "max diff", float(np.nanmax(np.abs(a - b))), a.reshape(-1)[:12], b.reshape(-1)[:12])


def seq(*shape, start=1):
    return np.arange(start, start + int(np.prod(shape)), dtype=F).reshape(shape)


# ---------------------------------------------------------------- onnx
def vi(name, shape, t=T.FLOAT):
    return h.make_tensor_value_info(name, t, shape)


def init(name, a):
    return nh.from_array(np.asarray(a), name)


def model(nodes, ins, outs, inits=(), opset=13, ir=8, extra_opsets=(), functions=(), producer="cases", vinfo=()):
    g = h.make_graph(list(nodes), "g", list(ins), list(outs), list(inits), value_info=list(vinfo))
    m = h.make_model(g, opset_imports=[h.make_opsetid("", opset)] + [h.make_opsetid(d, v) for d, v in extra_opsets],
                     functions=list(functions), producer_name=producer)
    m.ir_version = ir
    return m


def save(c, m, name="model.onnx", check=True):
    if check:
        onnx.checker.check_model(m)
    with open(c.path(name), "wb") as f:
        f.write(m.SerializeToString())
    return name


def n(op, ins, outs, name=None, **k):
    return h.make_node(op, list(ins), list(outs), name=name, **k)


# ---------------------------------------------------------------- oracles
def _sess(path_or_bytes):
    import onnxruntime as o
    s = o.SessionOptions()
    s.log_severity_level = 4
    s.intra_op_num_threads = 1
    s.graph_optimization_level = o.GraphOptimizationLevel.ORT_DISABLE_ALL
    return o.InferenceSession(path_or_bytes, s, providers=["CPUExecutionProvider"])


def ort_run(path, feeds, extra_outputs=()):
    if extra_outputs:
        base = os.path.dirname(path)
        m = onnx.load(path, load_external_data=True)
        have = {o.name for o in m.graph.output}
        for e in extra_outputs:
            if e not in have:
                m.graph.output.append(onnx.ValueInfoProto(name=e))
        s = _sess(m.SerializeToString())
        outs = [o.name for o in s.get_outputs()]
    else:
        s = _sess(path)
        outs = [o.name for o in s.get_outputs()]
    return dict(zip(outs, s.run(outs, feeds)))


def fd_grad(path, feeds, wrt, output, index, eps):
    s = _sess(path)
    x = feeds[wrt].astype(F)
    g = np.zeros(x.shape, np.float64)
    for i in np.ndindex(*x.shape):
        v = []
        for sg in (1, -1):
            y = x.copy()
            y[i] += F(sg * eps)
            v.append((float(s.run([output], {**feeds, wrt: y})[0].reshape(-1)[index]), float(y[i])))
        g[i] = (v[0][0] - v[1][0]) / (v[0][1] - v[1][1])
    return g


def tail_check(path, layer, target, act, g, A, what):
    """Cuts the graph after `layer` and compares g with central differences of onnxruntime."""
    m = onnx.load(path)
    keep = []
    need = {target["output"]}
    for q in reversed(m.graph.node):
        if any(o in need for o in q.output) and layer not in q.output:
            keep.append(q)
            need.update(i for i in q.input if i)
    g2 = h.make_graph(keep[::-1], "tail", [vi(layer, list(act.shape))], [onnx.ValueInfoProto(name=target["output"])],
                      [t for t in m.graph.initializer if t.name in need])
    m2 = h.make_model(g2, opset_imports=list(m.opset_import))
    m2.ir_version = m.ir_version
    s = _sess(m2.SerializeToString())
    fd = np.zeros(act.shape)
    for i in np.ndindex(*act.shape):
        v = []
        for sg in (1, -1):
            y = act.astype(F).copy()
            y[i] += F(sg * 0.25)
            v.append((float(s.run([target["output"]], {layer: y})[0].reshape(-1)[target["index"]]), float(y[i])))
        fd[i] = (v[0][0] - v[1][0]) / (v[0][1] - v[1][1])
    fd = fd * target.get("sign", 1)
    want = g if act.shape[1:] == g.shape else g.transpose(1, 2, 0)
    close(fd[0], want, 1e-3 * max(1, np.abs(want).max()), what + " tail")


_PROBE = textwrap.dedent("""
    import sys, resource
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    kind, p = sys.argv[1:3]
    try:
        if kind == "ort":
            import onnxruntime as o, numpy as np
            s = o.SessionOptions(); s.log_severity_level = 4; s.intra_op_num_threads = 1
            q = o.InferenceSession(p, s, providers=["CPUExecutionProvider"])
            ty = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8, "tensor(int64)": np.int64, "tensor(bool)": bool}
            fd = {i.name: np.ones([d if isinstance(d, int) else 1 for d in i.shape], ty[i.type]) for i in q.get_inputs()}
            try:
                q.run(None, fd)
            except BaseException as e:
                print("loads, refuses to run:" + type(e).__name__); sys.exit(0)
        else:
            from PIL import Image
            import warnings; warnings.simplefilter("error")
            im = Image.open(p); im.load()
    except SystemExit:
        raise
    except BaseException as e:
        print("refuses:" + type(e).__name__); sys.exit(0)
    print("accepts")
""")


def _probe(kind, path):
    try:
        r = subprocess.run([sys.executable, "-c", _PROBE, kind, path], capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "hangs"
    return r.stdout.strip() or f"dies ({r.returncode})"


def ort_probe(p):
    return _probe("ort", p)


def pil_probe(p):
    return _probe("pil", p)


# ---------------------------------------------------------------- arithmetic
def conv2d(x, w, b=None, stride=(1, 1), pads=(0, 0, 0, 0), dil=(1, 1), group=1):
    """x [C,H,W], w [M,C/g,kh,kw]; pads = top, left, bottom, right."""
    x = np.asarray(x, np.float64)
    w = np.asarray(w, np.float64)
    xp = np.pad(x, ((0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    M, cg, kh, kw = w.shape
    eh, ew = (kh - 1) * dil[0] + 1, (kw - 1) * dil[1] + 1
    oh, ow = (xp.shape[1] - eh) // stride[0] + 1, (xp.shape[2] - ew) // stride[1] + 1
    y = np.zeros((M, oh, ow))
    for m in range(M):
        g0 = (m // (M // group)) * cg
        for i in range(oh):
            for j in range(ow):
                p = xp[g0:g0 + cg, i * stride[0]:i * stride[0] + eh:dil[0], j * stride[1]:j * stride[1] + ew:dil[1]]
                y[m, i, j] = (p * w[m]).sum()
    return y if b is None else y + np.asarray(b, np.float64)[:, None, None]


# ---------------------------------------------------------------- png by hand
def chunk(t, d):
    return struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d) & 0xFFFFFFFF)


def png(w, hh, depth, ctype, raw, interlace=0, extra=b"", sig=True):
    ih = struct.pack(">IIBBBBB", w, hh, depth, ctype, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" if sig else b"") + chunk(b"IHDR", ih) + extra + \
        chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def rows_plain(px, depth=8):
    """px [H][W] list of tuples of samples; returns filter-0 scanlines."""
    out = b""
    for row in px:
        bits = [s for p in row for s in p]
        out += b"\0" + pack(bits, depth)
    return out


def rows_adam7(px, depth=8):
    hh, ww = len(px), len(px[0])
    out = b""
    for x0, y0, dx, dy in ADAM7:
        if x0 >= ww or y0 >= hh:
            continue
        out += rows_plain([[px[y][x] for x in range(x0, ww, dx)] for y in range(y0, hh, dy)], depth)
    return out


def pack(samples, depth):
    if depth == 16:
        return b"".join(struct.pack(">H", s) for s in samples)
    if depth == 8:
        return bytes(samples)
    out, acc, nb = bytearray(), 0, 0
    for s in samples:
        acc, nb = (acc << depth) | s, nb + depth
        if nb == 8:
            out.append(acc)
            acc = nb = 0
    if nb:
        out.append(acc << (8 - nb))
    return bytes(out)
