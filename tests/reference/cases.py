"""Situations that people meet, as small files: tests/data/cases.

    python cases.py [FOLDER]        (default: ../data/cases)

Each case is a folder of models and pictures and one record of expected.json;
caselib.py describes the records. `source` names the public threads in which
people met it (repository#number). Every number is arithmetic that an oracle
repeats, or the oracle's own; the script stops where they differ.

Made with onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6, pillow 13.0.0.
"""
import io
import os
import sys

from PIL import Image

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from caselib import *

B = Book(sys.argv[1] if len(sys.argv) > 1 else
         os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "cases"))
OUT = B.out


def head(C, K, x="r", feat=None):
    """GAP -> Flatten -> Gemm tail nodes; weights [K,C]."""
    return [n("GlobalAveragePool", [x], ["gap"], "gap"), n("Flatten", ["gap"], ["flat"], "flat"),
            n("Gemm", ["flat", "fw", "fb"], ["logits"], "fc", transB=1)]


# ---------------------------------------------------------------- 1 loading
c = B.case("O01", 1, "external weights are found next to the model, whatever the working directory",
           ["yalue/onnxruntime_go#67", "onnx/onnx-tensorrt#542", "microsoft/Windows-Machine-Learning#522", "microsoft/onnxruntime#27353",
            "robertknight/rten#1334", "openvinotoolkit/openvino#22736"])
w = np.array([[[[1, 2], [3, 4]]], [[[-1, 0], [0, 1]]]], F)
t = T(name="w", data_type=T.FLOAT, dims=[2, 1, 2, 2], data_location=T.EXTERNAL)
for k, v in (("location", "weights.bin"), ("offset", "0"), ("length", "32")):
    t.external_data.add(key=k, value=v)
c.put("weights.bin", w.tobytes())
m = model([n("Conv", ["x", "w"], ["y"], "c")], [vi("x", [1, 1, 2, 2])], [vi("y", [1, 2, 1, 1])], opset=11, ir=6)
m.graph.initializer.append(t)
save(c, m, check=False)
cwd = os.getcwd()
os.chdir("/")
try:
    ok = True
    try:
        _ = ort_run(os.path.abspath(os.path.join(cwd, c.path("model.onnx"))), {"x": seq(1, 1, 2, 2)})
    except Exception:
        ok = False
finally:
    os.chdir(cwd)
c.run("model.onnx", {"x": seq(1, 1, 2, 2)}, {"y": np.array([30, 3], F).reshape(1, 2, 1, 1)}, tol=0,
      run_from="another working directory", peer_ort_ok_from_elsewhere=ok)
c2 = c.path("lonely.onnx")
save(c, m, "lonely.onnx", check=False)
t2 = onnx.load(c2, load_external_data=False)
[e for e in t2.graph.initializer[0].external_data if e.key == "location"][0].value = "gone.bin"
save(c, t2, "lonely.onnx", check=False)
c.refuse("lonely.onnx", ["gone.bin"])

for p_, d_ in (("hub/blobs/aaaa", None), ("hub/blobs/bbbb", w.tobytes())):
    if d_ is None:
        t3 = onnx.load(c.path("model.onnx"), load_external_data=False)
        [e for e in t3.graph.initializer[0].external_data if e.key == "location"][0].value = "model.onnx_data"
        save(c, t3, p_, check=False)
    else:
        c.put(p_, d_)
for nm, to in (("hub/snapshots/1/model.onnx", "../../blobs/aaaa"), ("hub/snapshots/1/model.onnx_data", "../../blobs/bbbb")):
    if os.path.lexists(c.path(nm)):
        os.remove(c.path(nm))
    os.symlink(to, c.path(nm))
c.run("hub/snapshots/1/model.onnx", {"x": seq(1, 1, 2, 2)}, {"y": np.array([30, 3], F).reshape(1, 2, 1, 1)}, tol=0,
      text="Hugging Face cache: model and data are both links into blobs/. The data name is looked up beside the link, not beside its target")

c = B.case("O02", 1, "initializers repeated in graph.input (IR 3): only 'data' is an input",
           ["onnx/onnx#1449", "microsoft/onnxruntime#4507", "onnx/onnx#2114"])
w = seq(2, 1, 1, 1)
b = np.array([10, -10], F)
m = model([n("Conv", ["data", "W", "B"], ["y"], "conv_1", kernel_shape=[1, 1])],
          [vi("data", [1, 1, 2, 2]), vi("W", [2, 1, 1, 1]), vi("B", [2])], [vi("y", [1, 2, 2, 2])],
          [init("W", w), init("B", b)], opset=7, ir=3)
save(c, m)
x = seq(1, 1, 2, 2)
c.run("model.onnx", {"data": x}, {"y": np.concatenate([x + 10, 2 * x - 10], 1)}, tol=0)
c.add(do="behave", text="the model summary lists exactly one input, data [1,1,2,2]")

c = B.case("O03", 1, "Softmax before opset 13: default axis 1, flattened to 2-D",
           ["apache/tvm#20183", "apache/tvm#19420", "onnx/onnx-mlir#832", "onnx/onnx#4605"])
x = np.log(seq(1, 2, 2, 2))
for op, ir, nm in ((11, 6, "opset11.onnx"), (13, 7, "opset13.onnx")):
    save(c, model([n("Softmax", ["x"], ["y"])], [vi("x", [1, 2, 2, 2])], [vi("y", [1, 2, 2, 2])], opset=op, ir=ir), nm)
v = seq(1, 2, 2, 2)
c.run("opset11.onnx", {"x": x}, {"y": v / 36}, tol=1e-6)
c.run("opset13.onnx", {"x": x}, {"y": v / v.sum(3, keepdims=True)}, tol=1e-6)

c = B.case("O04", 1, "MaxPool ceil_mode: a window that starts inside the end padding is dropped",
           ["microsoft/onnxruntime#15446", "openvinotoolkit/openvino#18731", "pytorch/pytorch#57178", "onnx/onnx#5741"])
save(c, model([n("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1)],
              [vi("x", [1, 1, 5, 5])], [vi("y", [1, 1, 3, 3])], opset=12, ir=7))
c.run("model.onnx", {"x": seq(1, 1, 5, 5)},
      {"y": np.array([1, 3, 5, 11, 13, 15, 21, 23, 25], F).reshape(1, 1, 3, 3)}, tol=0)

c = B.case("O05", 1, "AveragePool ceil_mode with count_include_pad: the divisor stops at the padded edge",
           ["pytorch/pytorch#183528", "microsoft/onnxruntime#16203", "microsoft/onnxruntime#29629", "onnx/onnx#4958"])
k = dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1, count_include_pad=1)
save(c, model([n("AveragePool", ["x"], ["y"], **k)], [vi("x", [1, 1, 4, 4])], [vi("y", [1, 1, 3, 3])], opset=19, ir=9),
     "opset19.onnx")
save(c, model([n("AveragePool", ["x"], ["y"], **k)], [vi("x", [1, 1, 4, 4])], [vi("y", [1, 1, 3, 3])], opset=11, ir=6),
     "opset11.onnx")
want = np.array([14 / 9, 30 / 9, 2, 57 / 9, 11, 6, 4.5, 7.5, 4], F).reshape(1, 1, 3, 3)
c.run("opset19.onnx", {"x": seq(1, 1, 4, 4)}, {"y": want}, tol=1e-5)
c.run("opset11.onnx", {"x": seq(1, 1, 4, 4)}, {"y": want}, tol=1e-5,
      text="onnxruntime divided by 9 here for opsets below 19 until it was changed; PyTorch always gave these numbers")

c = B.case("O06", 1, "SAME_UPPER / SAME_LOWER with an even kernel, and explicit asymmetric pads",
           ["root-project/root#21793", "apache/singa#583", "onnx/tensorflow-onnx#1028", "microsoft/MMdnn#153",
            "oramasearch/onnx-go#192", "opencv/opencv#20342"])
x = seq(1, 1, 5, 5)
w = np.ones((1, 1, 2, 2), F)
for ap, pads in (("SAME_UPPER", (0, 0, 1, 1)), ("SAME_LOWER", (1, 1, 0, 0))):
    nm = ap.lower() + ".onnx"
    save(c, model([n("Conv", ["x", "w"], ["y"], auto_pad=ap, strides=[2, 2], kernel_shape=[2, 2])],
                  [vi("x", [1, 1, 5, 5])], [vi("y", [1, 1, 3, 3])], [init("w", w)], opset=11, ir=6), nm)
    c.run(nm, {"x": x}, {"y": conv2d(x[0], w, stride=(2, 2), pads=pads)[None]}, tol=0)
x4, w3 = seq(1, 2, 4, 4), (seq(3, 2, 3, 3) - 20)
save(c, model([n("Conv", ["x", "w"], ["y"], strides=[2, 2], pads=[0, 0, 1, 1])], [vi("x", [1, 2, 4, 4])],
              [vi("y", [1, 3, 2, 2])], [init("w", w3)], opset=21, ir=10), "asym_no_kernel_shape.onnx")
c.run("asym_no_kernel_shape.onnx", {"x": x4}, {"y": conv2d(x4[0], w3, stride=(2, 2), pads=(0, 0, 1, 1))[None]}, tol=0)
g = np.zeros((1, 2, 4, 4))
for i in range(3):
    for j in range(3):
        if 2 + i < 4 and 2 + j < 4:
            g[0, :, 2 + i, 2 + j] += w3[1, :, i, j]
c.grad("asym_no_kernel_shape.onnx", {"x": x4}, "x", "y", 1 * 4 + 3, g)

c = B.case("O07", 1, "Conv without kernel_shape, strides, pads, dilations or group: take the kernel from W",
           ["opencv/opencv#28321", "Tencent/ncnn#6571", "tracel-ai/burn#2430", "microsoft/onnxscript#2971"])
w = seq(1, 1, 1, 3)
save(c, model([n("Conv", ["x", "w"], ["y"])], [vi("x", [1, 1, 2, 5])], [vi("y", [1, 1, 2, 3])], [init("w", w)],
              opset=18, ir=8))
x = seq(1, 1, 2, 5)
c.run("model.onnx", {"x": x}, {"y": conv2d(x[0], w)[None]}, tol=0)

c = B.case("O08", 1, "empty optional input: Clip(x, '', 6)",
           ["pytorch/pytorch#61404", "NVIDIA/TensorRT#4457", "opencv/opencv#22100", "openvinotoolkit/openvino#2603"])
save(c, model([n("Clip", ["x", "", "hi"], ["y"])], [vi("x", [1, 4])], [vi("y", [1, 4])], [init("hi", F(6))],
              opset=13, ir=7))
x = np.array([[-3, 5, 6.5, 7]], F)
c.run("model.onnx", {"x": x}, {"y": np.array([[-3, 5, 6, 6]], F)}, tol=0)
c.grad("model.onnx", {"x": x}, "x", "y", 1, np.array([[0, 1, 0, 0]], F))
c.grad("model.onnx", {"x": x}, "x", "y", 3, np.zeros((1, 4), F))

c = B.case("O09", 1, "float16 weights kept as bits in int32_data; Cast at both ends",
           ["opencv/opencv#22337", "openvinotoolkit/openvino#6338", "ROCm/AMDMIGraphX#162", "openvinotoolkit/openvino#1168"])
w = np.array([[[[0.5]]], [[[-2.25]]]], np.float16)
t = T(name="w", data_type=T.FLOAT16, dims=[2, 1, 1, 1])
t.int32_data.extend(int(v) for v in w.reshape(-1).view(np.uint16))
m = model([n("Cast", ["x"], ["xh"], to=T.FLOAT16), n("Conv", ["xh", "w"], ["yh"], kernel_shape=[1, 1]),
           n("Cast", ["yh"], ["y"], to=T.FLOAT)], [vi("x", [1, 1, 1, 2])], [vi("y", [1, 2, 1, 2])], opset=13, ir=7)
m.graph.initializer.append(t)
save(c, m)
c.run("model.onnx", {"x": np.array([4, -8], F).reshape(1, 1, 1, 2)},
      {"y": np.array([2, -4, -9, 18], F).reshape(1, 2, 1, 2)}, tol=0)
c.grad("model.onnx", {"x": np.array([4, -8], F).reshape(1, 1, 1, 2)}, "x", "y", 2,
       np.array([-2.25, 0], F).reshape(1, 1, 1, 2), eps=0.25)

c = B.case("O10", 1, "Keras/tf2onnx style: NHWC input with an unnamed batch, Transpose pair, shape arithmetic before MatMul",
           ["onnx/tensorflow-onnx#1007", "onnx/onnxmltools#719", "opencv/opencv#19499", "opencv/opencv#22139", "microsoft/onnxruntime#1050"])
H = W = 4
wc = np.array([[1, 0, 0], [0, 1, -1]], F).reshape(2, 3, 1, 1)
M = (((np.arange(32 * 2) * 7) % 11) - 4).astype(F).reshape(32, 2)
nodes = [n("Transpose", ["input_1:0"], ["nchw"], "model/conv/Conv2D__6", perm=[0, 3, 1, 2]),
         n("Conv", ["nchw", "wc"], ["conv"], "model/conv/Conv2D", kernel_shape=[1, 1]),
         n("Relu", ["conv"], ["relu"], "model/re_lu/Relu"),
         n("Transpose", ["relu"], ["nhwc"], "model/back", perm=[0, 2, 3, 1]),
         n("Shape", ["nhwc"], ["shp"], "model/flatten/Shape"), n("Gather", ["shp", "i0"], ["d0"], axis=0),
         n("Unsqueeze", ["d0", "ax0"], ["d0u"]), n("Concat", ["d0u", "m1"], ["tgt"], axis=-1),
         n("Reshape", ["nhwc", "tgt"], ["flatv"], "model/flatten/Reshape"),
         n("MatMul", ["flatv", "M"], ["mm"], "model/dense/MatMul"), n("Add", ["mm", "bb"], ["y"], "model/dense/BiasAdd")]
m = model(nodes, [vi("input_1:0", ["unk__12", H, W, 3])], [vi("y", ["unk__13", 2])],
          [init("wc", wc), init("M", M), init("bb", np.array([0.5, -0.5], F)), init("i0", np.array(0, np.int64)),
           init("ax0", np.array([0], np.int64)), init("m1", np.array([-1], np.int64))], opset=13, ir=7, producer="tf2onnx")
save(c, m)
x = (((np.arange(48) * 5) % 13) / 4).astype(F).reshape(1, H, W, 3)
A = np.maximum(conv2d(x[0].transpose(2, 0, 1), wc), 0)
y = A.transpose(1, 2, 0).reshape(1, -1) @ M + np.array([0.5, -0.5])
c.run("model.onnx", {"input_1:0": x}, {"y": y}, tol=1e-4)
for cls in (0, 1):
    g = M[:, cls].reshape(H, W, 2).transpose(2, 0, 1).astype(np.float64)
    c.cam("model.onnx", {"input_1:0": x}, "relu", {"output": "y", "index": cls}, A, g)
gx = np.zeros((1, H, W, 3))
pre = conv2d(x[0].transpose(2, 0, 1), wc)
ga = M[:, 1].reshape(H, W, 2).transpose(2, 0, 1) * (pre > 0)
for k_ in range(2):
    for ch in range(3):
        gx[0, :, :, ch] += ga[k_] * wc[k_, ch, 0, 0]
kink = float(np.abs(pre[np.abs(pre) > 0]).min())
c.grad("model.onnx", {"input_1:0": x}, "input_1:0", "y", 1, gx, fd=bool((np.abs(pre) > 0.02).all()))
c.add(do="behave", text="layout is recognised (or asked for) as NHWC; a 4x4 map comes out, never 4x3 or 3x4")

c = B.case("O11", 1, "BatchNormalization left in training mode",
           ["microsoft/onnxscript#1791", "microsoft/onnxruntime#26584", "microsoft/onnxruntime#16867", "openvinotoolkit/openvino#37170"])
m = model([n("BatchNormalization", ["x", "s", "b", "rm", "rv"], ["y", "nm", "nv"], "bn", training_mode=1, epsilon=0.0)],
          [vi("x", [1, 1, 2, 2])], [vi("y", [1, 1, 2, 2])],
          [init("s", np.array([2], F)), init("b", np.array([1], F)), init("rm", np.array([100], F)), init("rv", np.array([4], F))],
          opset=15, ir=8)
save(c, m)
x = np.array([1, 3, 5, 7], F).reshape(1, 1, 2, 2)
tr = (x - 4) / np.sqrt(5) * 2 + 1
inf = (x - 100) / 2 * 2 + 1
close(ort_run(c.path("model.onnx"), {"x": x})["y"], tr, 1e-4, "O11")
Case.verified += 1
c.add(do="either", model=c.rel("model.onnx"), inputs={"x": arr(x)}, tol=1e-4,
      options=[{"why": "batch statistics, as the operator says (onnxruntime does this)", "want": {"y": arr(tr)}},
               {"why": "refused, naming the node and training_mode"}],
      forbid=[{"why": "stored statistics used silently", "y": arr(inf)}], peer_ort=ort_probe(c.path("model.onnx")))

c = B.case("O12", 1, "If with a constant condition (how PyTorch exports squeeze)",
           ["pytorch/pytorch#109292", "onnx/onnx#3324", "pytorch/pytorch#50687"])
tb = h.make_graph([n("Squeeze", ["gap", "ax"], ["t"])], "then", [], [vi("t", [1, 2])])
eb = h.make_graph([n("Identity", ["gap"], ["e"])], "else", [], [vi("e", [1, 2, 1, 1])])
m = model([n("GlobalAveragePool", ["x"], ["gap"]),
           n("Constant", [], ["cond"], value=h.make_tensor("v", T.BOOL, [], [True])),
           h.make_node("If", ["cond"], ["sq"], name="If_5", then_branch=tb, else_branch=eb),
           n("Gemm", ["sq", "w", "b"], ["y"], transB=1)],
          [vi("x", [1, 2, 2, 2])], [vi("y", [1, 2])],
          [init("ax", np.array([2, 3], np.int64)), init("w", np.array([[1, 2], [3, -1]], F)), init("b", np.array([0, 1], F))],
          opset=13, ir=7)
save(c, m)
c.run("model.onnx", {"x": seq(1, 2, 2, 2)}, {"y": np.array([[2.5 + 13, 7.5 - 6.5 + 1]], F)}, tol=1e-5,
      also_allowed="refused, naming If_5 and the operator If")

c = B.case("O13", 1, "model-local functions (older dynamo exports)",
           ["pytorch/pytorch#137428", "inisis/OnnxSlim#59", "microsoft/onnxruntime#28187"])
lr = n("LeakyRelu", ["c"], ["o"])
lr.attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT))
fn = h.make_function("pkg.torch", "conv_act", ["a", "k"], ["o"], [n("Conv", ["a", "k"], ["c"]), lr],
                     [h.make_opsetid("", 18)], ["slope"])
m = model([h.make_node("conv_act", ["x", "w"], ["h1"], domain="pkg.torch", slope=0.5),
           h.make_node("conv_act", ["h1", "w"], ["y"], domain="pkg.torch", slope=0.25)],
          [vi("x", [1, 1, 1, 2])], [vi("y", [1, 1, 1, 2])], [init("w", np.array(-2, F).reshape(1, 1, 1, 1))],
          opset=18, ir=8, extra_opsets=[("pkg.torch", 1)], functions=[fn])
save(c, m)
c.run("model.onnx", {"x": np.array([3, -4], F).reshape(1, 1, 1, 2)}, {"y": np.array([6, -4], F).reshape(1, 1, 1, 2)},
      tol=0, also_allowed="refused, naming pkg.torch::conv_act")

c = B.case("O14", 1, "nodes out of order, without names, or sharing a name",
           ["onnx/onnx#1920", "onnx/onnx#3865", "NNgen/nngen#10", "onnx/onnx-tensorflow#999", "microsoft/onnxruntime#8399"])
def o14(names):
    q = [n("Conv", ["x", "w1"], ["c1"]), n("Relu", ["c1"], ["r1"]), n("Conv", ["r1", "w2"], ["c2"]), n("Relu", ["c2"], ["r"])] + head(2, 2)
    for i, t_ in enumerate(q):
        t_.name = names[i] if i < len(names) else ""
    return q
w1, w2 = np.array([1, -1], F).reshape(2, 1, 1, 1), np.array([[1, 1], [2, 0]], F).reshape(2, 2, 1, 1)
args = ([vi("x", [1, 1, 2, 2])], [vi("logits", [1, 2])],
        [init("w1", w1), init("w2", w2), init("fw", np.eye(2, dtype=F)), init("fb", np.zeros(2, F))])
x = np.array([1, -2, 3, -4], F).reshape(1, 1, 2, 2)
r1 = np.maximum(conv2d(x[0], w1), 0)
r2 = np.maximum(conv2d(r1, w2), 0)
yy = r2.mean((1, 2))[None]
save(c, model(o14([]), *args, opset=13, ir=7), "unnamed.onnx")
c.run("unnamed.onnx", {"x": x}, {"logits": yy}, tol=1e-5)
save(c, model(o14([])[::-1], *args, opset=13, ir=7), "reversed.onnx", check=False)
c.run("reversed.onnx", {"x": x}, {"logits": yy}, tol=1e-5)
save(c, model(o14(["conv", "", "conv"]), *args, opset=13, ir=7), "same_name.onnx", check=False)
c.add(do="either", model=c.rel("same_name.onnx"), inputs={"x": arr(x)}, tol=1e-5, peer_ort=ort_probe(c.path("same_name.onnx")),
      options=[{"why": "node names are for people, tensors are unique", "want": {"logits": arr(yy)}},
               {"why": "refused, naming both nodes called conv"}])
c.add(do="behave", text="every layer in the listing has a distinct key that selects it (unnamed.onnx has no node names at all: the output "
      "tensor serves); in same_name.onnx asking for 'conv' is refused as ambiguous, offering c1 and c2; 'c2' works")

c = B.case("O15", 1, "files that are not models: Git LFS pointer, empty, picture, cut short, too new, unknown operators",
           ["commaai/commavq#12", "microsoft/Llama-2-Onnx#19", "onnx/models#569", "notAI-tech/NudeNet#156",
            "microsoft/onnxruntime#2413", "microsoft/onnxruntime#8796"])
c.put("lfs.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 102400\n")
c.refuse("lfs.onnx", ["LFS", "lfs"])
c.put("empty.onnx", b"")
c.refuse("empty.onnx", ["empty"])
c.put("picture.onnx", png(1, 1, 8, 2, b"\0\1\2\3"))
c.refuse("picture.onnx", ["not an ONNX", "PNG"])
good = model([n("Conv", ["x", "w"], ["y"], "c")], [vi("x", [1, 1, 8, 8])], [vi("y", [1, 8, 6, 6])],
             [init("w", seq(8, 1, 3, 3))], opset=13, ir=7).SerializeToString()
c.put("cut60.onnx", good[:len(good) * 6 // 10])
c.refuse("cut60.onnx", ["truncated", "unexpected end", "corrupt"])
for nm, op, ir in (("opset99.onnx", 99, 8), ("ir99.onnx", 13, 99)):
    save(c, model([n("Relu", ["x"], ["y"])], [vi("x", [1, 2])], [vi("y", [1, 2])], opset=op, ir=ir), nm, check=False)
    c.refuse(nm, ["99"], text="names the version found and the highest supported one; never runs as if it were older")
m = model([h.make_node("Foo", ["x"], ["a"], name="n1", domain="com.example"), n("NonMaxSuppression", ["a", "a"], ["b"], "n2"),
           n("Relu", ["x"], ["y"])], [vi("x", [1, 2])], [vi("y", [1, 2])], opset=13, ir=7, extra_opsets=[("com.example", 1)])
save(c, m, "unknown_ops.onnx", check=False)
c.refuse("unknown_ops.onnx", ["com.example"], text="all unsupported operators are listed at once with domain, node name and count")

c = B.case("O16", 1, "QDQ model: int8 per-channel weights behind DequantizeLinear, halves round to even",
           ["NVIDIA/TensorRT#2366", "Unity-Technologies/barracuda-release#178", "microsoft/onnxruntime#18576", "microsoft/onnxruntime#25045"])
wq = np.array([[[[2]]], [[[-3]]]], np.int8)
m = model([n("QuantizeLinear", ["x", "sx", "zx"], ["xq"]), n("DequantizeLinear", ["xq", "sx", "zx"], ["xd"]),
           n("DequantizeLinear", ["wq", "sw", "zw"], ["wd"], axis=0), n("Conv", ["xd", "wd", "b"], ["y"], kernel_shape=[1, 1])],
          [vi("x", [1, 1, 1, 5])], [vi("y", [1, 2, 1, 5])],
          [init("sx", F(0.5)), init("zx", np.uint8(10)), init("wq", wq), init("sw", np.array([0.5, 0.25], F)),
           init("zw", np.zeros(2, np.int8)), init("b", np.array([0, 1], F))], opset=13, ir=7)
save(c, m)
x = np.array([1.25, 1.75, -1.25, -99, 999], F).reshape(1, 1, 1, 5)
xd = np.array([1.0, 2.0, -1.0, -5.0, 122.5])
c.run("model.onnx", {"x": x}, {"y": np.stack([xd, -0.75 * xd + 1]).reshape(1, 2, 1, 5)}, tol=1e-5)
c.add(do="behave", text="gradient through QuantizeLinear: either straight-through (1 inside the range, 0 outside) and said "
      "so in the report, or refused; an all-zero gradient without a word is wrong")

# ---------------------------------------------------------------- 2 images
def jpg(im, **k):
    b_ = io.BytesIO()
    im.save(b_, "JPEG", **k)
    return b_.getvalue()


c = B.case("O17", 2, "phone photo with EXIF orientation 6",
           ["pytorch/vision#7977", "davisking/dlib#1706", "open-mmlab/mmcv#805", "mittagessen/kraken#760"])
a = np.zeros((16, 32, 3), np.uint8)
a[:, :16] = (220, 30, 30)
a[:, 16:] = (30, 30, 220)
ex = Image.Exif()
ex[0x0112] = 6
c.put("o6.jpg", jpg(Image.fromarray(a), quality=95, subsampling=0, exif=ex))
c.image("o6.jpg", 16, 32, [{"x": 8, "y": 4, "rgb": [220, 30, 30]}, {"x": 8, "y": 28, "rgb": [30, 30, 220]}], tol=6,
        text="orientation applied by default and reported; a switch keeps stored order (some training loaders ignore EXIF)")

c = B.case("O18", 2, "CMYK JPEG written by Adobe-style software",
           ["nothings/stb#424", "LadybirdBrowser/ladybird#6486", "libvips/libvips#1283", "Kozea/WeasyPrint#2179"])
cm = np.zeros((16, 48, 4), np.uint8)
cm[:, :16] = (255, 0, 0, 0)
cm[:, 16:32] = (0, 0, 0, 255)
c.put("cmyk.jpg", jpg(Image.fromarray(cm, "CMYK"), quality=100))
c.image("cmyk.jpg", 48, 16, [{"x": 8, "y": 8, "rgb": [0, 255, 255]}, {"x": 24, "y": 8, "rgb": [0, 0, 0]},
                             {"x": 40, "y": 8, "rgb": [255, 255, 255]}], tol=8,
        text="or refused naming CMYK; never the negative picture, never read as RGBA")

c = B.case("O19", 2, "RGBA PNG with rubbish colour under transparent pixels",
           ["NousResearch/hermes-agent#64677", "haskell-github-trust/Juicy.Pixels#155", "kornelski/pngquant#362",
            "juglab/featureforest#7", "AlexeyAB/darknet#4131"])
px = [[(200, 0, 0, 255), (0, 255, 0, 0), (100, 50, 0, 128)]]
c.put("rgba.png", png(3, 1, 8, 6, rows_plain(px)))
c.image("rgba.png", 3, 1, [{"x": 0, "y": 0, "rgb": [200, 0, 0]}, {"x": 1, "y": 0, "rgb": [255, 255, 255]},
                           {"x": 2, "y": 0, "rgb": [177, 152, 127]}], tol=1, oracle="arithmetic: over white",
        text="another documented background is fine; green at x=1 is wrong unless the user asked to drop alpha; a warning says alpha was present")

c = B.case("O20", 2, "16-bit greyscale PNG is scaled, not chopped or clipped",
           ["solvespace/solvespace#1110", "pnggroup/libpng#561", "StbSharp/StbImageSharp#23"])
v = [0, 255, 384, 32896, 65280, 65535]
c.put("g16.png", png(6, 1, 16, 0, rows_plain([[(s,) for s in v]], 16)))
c.image("g16.png", 6, 1, [{"x": i, "y": 0, "rgb": [round(s / 257)] * 3} for i, s in enumerate(v)], tol=1,
        oracle="arithmetic: round(v/257)", as_float=[s / 65535 for s in v])

c = B.case("O21", 2, "interlaced (Adam7) PNG whose sides are not multiples of 8",
           ["NathanNeurotic/Open-PS2-Loader#247", "opentoonz/opentoonz#7100", "DCurrent/openbor#160", "ome/bioformats#1855"])
px = [[(x * 50, y * 100, (x + y) * 30) for x in range(5)] for y in range(3)]
c.put("adam7.png", png(5, 3, 8, 2, rows_adam7(px), interlace=1))
c.image("adam7.png", 5, 3, [{"x": x, "y": y, "rgb": list(px[y][x])} for y in range(3) for x in range(5)])
c.put("adam7_1x1.png", png(1, 1, 8, 2, rows_adam7([[(9, 8, 7)]]), interlace=1))
c.image("adam7_1x1.png", 1, 1, [{"x": 0, "y": 0, "rgb": [9, 8, 7]}])

c = B.case("O22", 2, "file name says one format, content another",
           ["alexwlchan/dominant_colours#57", "vlad-salone/rimage#143", "brendan-duncan/image#636", "jamsinclair/jSquash#44"])
im = Image.new("RGB", (16, 16), (40, 160, 90))
c.put("really_jpeg.png", jpg(im, quality=95))
c.image("really_jpeg.png", 16, 16, [{"x": 8, "y": 8, "rgb": [40, 160, 90]}], tol=4)
c.put("really_png.jpg", png(2, 1, 8, 2, rows_plain([[(1, 2, 3), (4, 5, 6)]])))
c.image("really_png.jpg", 2, 1, [{"x": 1, "y": 0, "rgb": [4, 5, 6]}])
for fmt, nm, word in (("WEBP", "really_webp.jpg", "WebP"), ("GIF", "really_gif.png", "GIF"), ("TIFF", "really_tiff.jpg", "TIFF")):
    b_ = io.BytesIO()
    im.save(b_, fmt)
    c.put(nm, b_.getvalue())
    c.refuse(nm, [word], probe=None, also_allowed="decoded correctly to (40,160,90)")

c = B.case("O23", 2, "pictures cut short or damaged",
           ["ultralytics/yolov5#916", "zylo117/Yet-Another-EfficientDet-Pytorch#250", "etemesi254/zune-image#312", "tensorflow/models#9424"])
rng = np.random.default_rng(0)
big = Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8))
j = jpg(big, quality=90)
c.put("half.jpg", j[:len(j) // 2])
c.refuse("half.jpg", ["truncated", "premature", "corrupt", "incomplete"], probe="pil",
         also_allowed="decoded with a warning that is repeated in the JSON report and a switch to make it an error")
raw = png(8, 8, 8, 2, rows_plain([[(x, y, 0) for x in range(8)] for y in range(8)]))
c.put("half.png", raw[:len(raw) * 6 // 10])
c.refuse("half.png", ["truncated", "corrupt", "incomplete", "unexpected end"], probe="pil")
bad = bytearray(raw)
bad[60] ^= 0x55
c.put("crc.png", bytes(bad))
c.refuse("crc.png", ["CRC", "checksum", "corrupt", "damaged", "invalid"], probe="pil")
for nm, d in (("zero.jpg", b""), ("text.png", b"hello, not a picture\n")):
    c.put(nm, d)
    c.refuse(nm, ["empty", "not a", "unknown", "recogni"], probe="pil")

# ---------------------------------------------------------------- 3 preprocessing
c = B.case("O24", 3, "channel order, scale, mean/std: the tensor that reaches the network",
           ["onnx/onnx#1440", "microsoft/onnxruntime#487", "openvinotoolkit/openvino#11942", "brucechou1983/CheXNet-Keras#29"])
c.put("flat.png", png(8, 8, 8, 2, rows_plain([[(255, 128, 0)] * 8] * 8)))
rgb = np.array([255, 128, 0])
mean, std = np.array([.485, .456, .406]), np.array([.229, .224, .225])
for spec, vals in (({"order": "RGB", "scale": "1/255", "mean": mean.tolist(), "std": std.tolist(), "layout": "NCHW"}, (rgb / 255 - mean) / std),
                   ({"order": "BGR", "scale": "1", "mean": [104, 117, 123], "std": [1, 1, 1], "layout": "NCHW"}, rgb[::-1] - np.array([104, 117, 123])),
                   ({"order": "RGB", "scale": "1/127.5", "mean": [1, 1, 1], "std": [1, 1, 1], "layout": "NHWC"}, rgb / 127.5 - 1),
                   ({"order": "RGB", "scale": "1", "mean": [0, 0, 0], "std": [1, 1, 1], "layout": "NHWC"}, rgb * 1.0)):
    c.add(do="preproc", file=c.rel("flat.png"), spec=spec, want={"per_channel_in_network_order": arr(np.array(vals, F))}, tol=1e-5,
          oracle="arithmetic")
m = model([n("Conv", ["x", "w"], ["c"], kernel_shape=[1, 1]), n("Relu", ["c"], ["r"])] + head(3, 3),
          [vi("x", [1, 3, 8, 8])], [vi("logits", [1, 3])],
          [init("w", np.eye(3, dtype=F).reshape(3, 3, 1, 1)), init("fw", np.eye(3, dtype=F)), init("fb", np.zeros(3, F))], opset=13, ir=7)
save(c, m)
x = np.broadcast_to((rgb / 255).reshape(1, 3, 1, 1), (1, 3, 8, 8)).astype(F)
c.run("model.onnx", {"x": x}, {"logits": (rgb / 255)[None]}, tol=1e-5)
c.add(do="behave", text="model.onnx with flat.png at RGB/255: top class 0 (1.0); with BGR: top class 2 (1.0). The report repeats "
      "the preprocessing used, and min/max of the input tensor, so that a wrong order can be seen")

c = B.case("O25", 3, "resize shorter side + centre crop: the map must land on the right pixels of the photo",
           ["open-edge-platform/anomalib#3129", "LibreYOLO/libreyolo#583", "jacobgil/pytorch-grad-cam#51", "rigvedrs/YOLO-26-CAM#34"])
px = [[(255, 255, 255) if 56 <= x < 64 and 16 <= y < 24 else (0, 0, 0) for x in range(96)] for y in range(48)]
c.put("block.png", png(96, 48, 8, 2, rows_plain(px)))
m = model([n("Conv", ["x", "w"], ["c"], kernel_shape=[1, 1]), n("Relu", ["c"], ["r"], "relu")] + head(1, 2),
          [vi("x", [1, 3, 32, 32])], [vi("logits", [1, 2])],
          [init("w", np.full((1, 3, 1, 1), 1 / 3, F)), init("fw", np.array([[1], [-1]], F)), init("fb", np.zeros(2, F))], opset=13, ir=7)
save(c, m)
im = np.asarray(Image.open(c.path("block.png")).convert("L").resize((64, 32), Image.BILINEAR)).astype(F)[:, 16:48]
ys, xs = np.mgrid[0:32, 0:32]
com = [float(((xs + .5 + 16) * 1.5 * im).sum() / im.sum()), float(((ys + .5) * 1.5 * im).sum() / im.sum())]
assert abs(com[0] - 60) < .3 and abs(com[1] - 20) < .3, com
Case.verified += 1
c.add(do="place", file=c.rel("block.png"), model=c.rel("model.onnx"), method="gradcam", layer="r",
      target={"output": "logits", "index": 0}, spec={"resize_shorter": 32, "crop": 32, "order": "RGB", "scale": "1/255"},
      want={"centre": [60.0, 20.0], "tol": 1.0, "outside": "columns x < 24 and x >= 72 were never seen by the network: 0 or marked"},
      oracle="arithmetic: scale 2/3, crop offset 16")

c = B.case("O26", 3, "integrated gradients: a black baseline is black in pixels, not 0 after normalising",
           ["meta-pytorch/captum#428", "marcoancona/DeepExplain#23", "sicara/tf-explain#128", "ankurtaly/Integrated-Gradients#5"])
c.put("flat.png", png(4, 4, 8, 2, rows_plain([[(51, 102, 204)] * 4] * 4)))
a3 = np.array([1, -2, 3], F)
m = model([n("GlobalAveragePool", ["x"], ["gap"]), n("Flatten", ["gap"], ["f"]), n("Gemm", ["f", "fw"], ["logits"], transB=1)],
          [vi("x", [1, 3, 4, 4])], [vi("logits", [1, 1])], [init("fw", a3[None])], opset=13, ir=7)
save(c, m)
xn = np.array([51, 102, 204]) / 127.5 - 1
x = np.broadcast_to(xn.reshape(1, 3, 1, 1), (1, 3, 4, 4)).astype(F)
c.run("model.onnx", {"x": x}, {"logits": np.array([[(a3 * xn).sum()]])}, tol=1e-5)
c.add(do="behave", file=c.rel("flat.png"), method="integrated_gradients", spec={"scale": "1/127.5", "mean": [1, 1, 1]},
      want={"black_baseline_sum_per_channel": arr((a3 * (xn + 1)).astype(F)),
            "zero_baseline_sum_per_channel": arr((a3 * xn).astype(F)),
            "f_x_minus_f_baseline": {"black": float((a3 * (xn + 1)).sum()), "zero": float((a3 * xn).sum())}}, tol=1e-4,
      text="attributions add up to f(x)-f(baseline); the report names the baseline; both baselines can be asked for")

# ---------------------------------------------------------------- 4 methods
c = B.case("O27", 4, "network ends in Softmax and is certain: gradients of the probability are exactly 0",
           ["keras-team/keras#5881", "jacobgil/keras-grad-cam#25", "sicara/tf-explain#54", "ismailuddin/gradcam-tensorflow-2#2", "keras-team/keras-io#370"])
w = np.array([1, -1], F).reshape(2, 1, 1, 1)
fw = np.array([[40, 0], [-40, 10]], F)
m = model([n("Conv", ["x", "w"], ["c"], kernel_shape=[1, 1]), n("Relu", ["c"], ["r"])] + head(2, 2) + [n("Softmax", ["logits"], ["prob"], axis=1)],
          [vi("x", [1, 1, 2, 2])], [vi("prob", [1, 2])], [init("w", w), init("fw", fw), init("fb", np.zeros(2, F))], opset=13, ir=7)
save(c, m)
x = np.array([4, 3, -1, 2], F).reshape(1, 1, 2, 2)
A = np.maximum(conv2d(x[0], w), 0)
g = np.broadcast_to((fw[0] / 4)[:, None, None], (2, 2, 2)).astype(np.float64)
p = ort_run(c.path("model.onnx"), {"x": x})["prob"]
assert p[0, 0] == 1.0 and p[0, 1] == 0.0, p
c.run("model.onnx", {"x": x}, {"prob": np.array([[1, 0]], F)}, tol=1e-6)
c.cam("model.onnx", {"x": x}, "r", {"output": "logits", "index": 0}, A, g)
c.add(do="behave", text="without options the map is that of the tensor before the Softmax (above), and the report says so; if the "
      "user insists on the probability the map is all 0 and is reported as empty, not as a picture")

c = B.case("O28", 4, "every weight negative: the Grad-CAM map is empty",
           ["jacobgil/pytorch-grad-cam#42", "jacobgil/pytorch-grad-cam#235", "kazuto1011/grad-cam-pytorch#15", "discuss.pytorch.org/t/gradcam-zero-output/89496"])
w = np.ones((1, 1, 1, 1), F)
m = model([n("Conv", ["x", "w"], ["c"], kernel_shape=[1, 1]), n("Relu", ["c"], ["r"])] + head(1, 2),
          [vi("x", [1, 1, 2, 2])], [vi("logits", [1, 2])], [init("w", w), init("fw", np.array([[4], [-8]], F)), init("fb", np.zeros(2, F))], opset=13, ir=7)
save(c, m)
x = np.array([1, 2, 0, 3], F).reshape(1, 1, 2, 2)
A = np.maximum(conv2d(x[0], w), 0)
for cls, s in ((0, 1.0), (1, -2.0)):
    c.cam("model.onnx", {"x": x}, "r", {"output": "logits", "index": cls}, A, np.full((1, 2, 2), s))
c.add(do="behave", text="class 1: no NaN anywhere; JSON carries max 0 and a flag such as empty; the raw map before ReLU can be exported")

c = B.case("O29", 4, "one sigmoid output: explain 'yes' and 'no'",
           ["jacobgil/pytorch-grad-cam#428", "itdxer/neupy#246", "Project-MONAI/MONAI#5530", "sicara/tf-explain#73", "jacobgil/pytorch-grad-cam#325"])
w = np.array([1, -1], F).reshape(2, 1, 1, 1)
m = model([n("Conv", ["x", "w"], ["c"], kernel_shape=[1, 1]), n("Relu", ["c"], ["r"])] + head(2, 1) + [n("Sigmoid", ["logits"], ["p"])],
          [vi("x", [1, 1, 2, 2])], [vi("p", [1, 1])], [init("w", w), init("fw", np.array([[4, -8]], F)), init("fb", np.zeros(1, F))], opset=13, ir=7)
save(c, m)
x = np.array([2, -1, -3, 1], F).reshape(1, 1, 2, 2)
A = np.maximum(conv2d(x[0], w), 0)
z = float((np.array([4, -8]) * A.mean((1, 2))).sum())
c.run("model.onnx", {"x": x}, {"p": np.array([[1 / (1 + np.exp(-z))]])}, tol=1e-5)
g = np.broadcast_to(np.array([1.0, -2.0])[:, None, None], (2, 2, 2))
c.cam("model.onnx", {"x": x}, "r", {"output": "logits", "index": 0, "sign": 1}, A, g)
c.cam("model.onnx", {"x": x}, "r", {"output": "logits", "index": 0, "sign": -1}, A, -g)
c.add(do="behave", text="the default for p < 0.5 is said in the report (which side is explained); class index 1 is refused or means 'yes', never out of bounds")

c = B.case("O30", 4, "max pooling over equal values: one input gets the gradient, the first in reading order",
           ["tensorflow/tensorflow#51682", "Theano/Theano#5404", "facebookresearch/CrypTen#90"])
m = model([n("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2])], [vi("x", [1, 1, 2, 4])], [vi("y", [1, 1, 1, 2])], opset=12, ir=7)
save(c, m)
mi = model([n("MaxPool", ["x"], ["y", "idx"], kernel_shape=[2, 2], strides=[2, 2])], [vi("x", [1, 1, 2, 4])],
           [vi("y", [1, 1, 1, 2]), vi("idx", [1, 1, 1, 2], T.INT64)], opset=12, ir=7)
save(c, mi, "with_indices.onnx")
x = np.array([[1, 1, 0, 2], [1, 1, 2, 0]], F).reshape(1, 1, 2, 4)
idx = ort_run(c.path("with_indices.onnx"), {"x": x})["idx"].reshape(-1).tolist()
assert idx == [0, 3], idx
for o_, pos in ((0, (0, 0)), (1, (0, 3))):
    g = np.zeros((1, 1, 2, 4))
    g[0, 0][pos] = 1
    c.grad("model.onnx", {"x": x}, "x", "y", o_, g, fd=False)

c = B.case("O31", 4, "target layer in NHWC order, and target layer after global pooling",
           ["jacobgil/pytorch-grad-cam#124", "jacobgil/pytorch-grad-cam#355", "jacobgil/pytorch-grad-cam#426", "raghakot/keras-vis#29"])
wc = np.array([[1], [2], [-1]], F).reshape(3, 1, 1, 1)
m = model([n("Conv", ["x", "wc"], ["c"], kernel_shape=[1, 1]), n("Relu", ["c"], ["r"]), n("Transpose", ["r"], ["tl"], perm=[0, 2, 3, 1]),
           n("Mul", ["tl", "gamma"], ["nhwc"]), n("ReduceMean", ["nhwc"], ["pool"], axes=[1, 2], keepdims=0),
           n("Gemm", ["pool", "fw"], ["logits"], transB=1)],
          [vi("x", [1, 1, 2, 3])], [vi("logits", [1, 2])],
          [init("wc", wc), init("gamma", np.array([1, 1, 2], F)), init("fw", np.array([[6, -6, 0], [0, 12, 6]], F))], opset=13, ir=7)
save(c, m)
x = np.array([1, 2, 0, -1, 3, 1], F).reshape(1, 1, 2, 3)
A = np.maximum(conv2d(x[0], wc), 0)
An = A * np.array([1, 1, 2])[:, None, None]
for cls, gv in ((1, [0.0, 2.0, 1.0]), (0, [1.0, -1.0, 0.0])):
    g = np.broadcast_to(np.array(gv)[:, None, None], (3, 2, 3))
    c.cam("model.onnx", {"x": x}, "nhwc", {"output": "logits", "index": cls}, An, g, A_file_order=An.transpose(1, 2, 0))
c.add(do="behave", text="layer 'nhwc' (shape [1,2,3,3]) gives the maps above, 2 rows by 3 columns (class 1: 4 8 0 / 2 12 4), or is refused with the advice "
      "to name the layout or take layer 'r'; layer 'pool' (no spatial size) is refused with a reason")

c = B.case("O32", 4, "model exported with a fixed batch of 4, one picture given",
           ["jhgan00/java-ort-example-yolov5#5", "microsoft/onnxruntime#5577", "opencv/opencv#22086", "microsoft/onnxruntime#13184"])
m = model([n("Conv", ["x", "w"], ["c"], kernel_shape=[1, 1]), n("Relu", ["c"], ["r"])] + head(2, 2),
          [vi("x", [4, 1, 2, 2])], [vi("logits", [4, 2])],
          [init("w", np.array([1, -1], F).reshape(2, 1, 1, 1)), init("fw", np.array([[4, 0], [0, 4]], F)), init("fb", np.zeros(2, F))], opset=13, ir=7)
save(c, m)
x1 = np.array([1, -2, 3, -4], F).reshape(1, 1, 2, 2)
c.run("model.onnx", {"x": np.repeat(x1, 4, 0)}, {"logits": np.repeat(np.array([[4, 6]], F), 4, 0)}, tol=1e-5)
c.add(do="behave", text="one picture: row 0 of the above ([4, 6]) whatever fills the other rows, or a refusal naming the batch of 4; "
      "more than 4 pictures are run in groups", want={"logits": [4, 6]})

# ---------------------------------------------------------------- 5 feature visualisation
c = B.case("O33", 5, "synthesis target that can never fire",
           ["tensorflow/lucid#68", "yosinski/deep-visualization-toolbox#49", "keras-team/tf-keras#147", "greentfrapp/lucent#34"])
m = model([n("Conv", ["x", "w", "b"], ["pre"], kernel_shape=[3, 3]), n("Relu", ["pre"], ["r"])], [vi("x", [1, 1, 8, 8])], [vi("r", [1, 2, 6, 6])],
          [init("w", np.stack([np.ones((1, 3, 3)), np.ones((1, 3, 3))]).astype(F)), init("b", np.array([-100, -1], F))], opset=13, ir=7)
save(c, m)
c.run("model.onnx", {"x": np.ones((1, 1, 8, 8), F)}, {"r": np.concatenate([np.zeros((1, 1, 6, 6)), np.full((1, 1, 6, 6), 8)], 1)}, tol=0)
c.add(do="behave", text="pixel range 0..1, channel 0 of 'r': objective stays 0 and the run says so (flag in JSON, non-zero exit or clear "
      "warning), it does not save a grey picture as if it were a result; channel 0 of 'pre' climbs to -91 (all ones); channel 1 of 'r' climbs to 8",
      want={"r[0]": 0.0, "pre[0]_max": -91.0, "r[1]_max": 8.0})

c = B.case("O34", 5, "gradient ascent goes up, ends at the known optimum, and repeats exactly",
           ["utkuozbulak/pytorch-cnn-visualizations#5", "fchollet/deep-learning-with-python-notebooks#98", "keisen/tf-keras-vis#33",
            "raghakot/keras-vis#59", "raghakot/keras-vis#94"])
w = np.array([[[2, -1, 0], [1, -3, 1], [0, 2, -1]], [[-2, 1, 0], [-1, 3, -1], [0, -2, 1]]], F).reshape(2, 1, 3, 3)
m = model([n("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3])], [vi("x", [1, 1, 6, 6])], [vi("y", [1, 2, 4, 4])], [init("w", w)], opset=13, ir=7)
save(c, m)
for ch in (0, 1):
    S = np.zeros((6, 6))
    for i in range(4):
        for j_ in range(4):
            S[i:i + 3, j_:j_ + 3] += w[ch, 0]
    best = (S > 0).astype(F)
    top = float(S[S > 0].sum() / 16)
    got = ort_run(c.path("model.onnx"), {"x": best[None, None]})["y"][0, ch].mean()
    assert abs(got - top) < 1e-5
    Case.verified += 1
    c.add(do="behave", text=f"maximise the mean of channel {ch} of y, pixels limited to 0..1, no regulariser, no jitter: final objective at "
          "least 0.95 of the maximum, never below the start", want={"max_mean": top, "best_pixels_0_or_1_where_S_nonzero": arr(best), "S": arr(S)})
c.add(do="behave", text="same seed gives the same bytes, with 1 thread and with 2; another seed changes the start; channel 2, -1 and 99 are "
      "refused naming the range 0..1")

# ---------------------------------------------------------------- 6 performance
c = B.case("O35", 6, "trained weights full of denormals must not be many times slower",
           ["opencv/opencv#17259", "pytorch/pytorch#19651", "lukemelas/EfficientNet-PyTorch#39", "Tencent/ncnn#2610"])
rng = np.random.default_rng(1)
base = rng.standard_normal((32, 32, 3, 3)).astype(F)
for nm, s in (("normal.onnx", 1e-2), ("denormal.onnx", 1e-40)):
    w = (base.astype(np.float64) * s).astype(F)
    save(c, model([n("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3], pads=[1] * 4), n("Relu", ["c"], ["r"]), n("GlobalAveragePool", ["r"], ["y"])],
                  [vi("x", [1, 32, 56, 56])], [vi("y", [1, 32, 1, 1])], [init("w", w)], opset=13, ir=7), nm)
assert 0 < np.abs(w).min() < 1.2e-38 and np.abs(w).max() < 1.2e-38
c.add(do="behave", text="forward and gradient of denormal.onnx take at most 3x the time of normal.onnx (input all 1); outputs are 0 within 1e-30")

c = B.case("O36", 6, "a 3000x2000 photo through a large kernel: memory stays bounded and is told beforehand",
           ["PaddlePaddle/Paddle#6801", "SeanNaren/deepspeech.pytorch#273", "apache/mxnet#1638", "Dhar/image-dreamer#2"])
m = model([n("Conv", ["x", "w"], ["c"], kernel_shape=[7, 7], pads=[3] * 4), n("Relu", ["c"], ["r"])] + head(8, 2),
          [vi("x", [1, 3, "H", "W"])], [vi("logits", [1, 2])],
          [init("w", (rng.standard_normal((8, 3, 7, 7)) * 0.05).astype(F)), init("fw", np.ones((2, 8), F)), init("fb", np.zeros(2, F))], opset=13, ir=7)
save(c, m)
c.put("big.png", png(3000, 2000, 8, 2, b"".join(b"\0" + bytes([y % 256, (y // 8) % 256, 128]) * 3000 for y in range(2000))))
c.add(do="behave", file=c.rel("big.png"), model=c.rel("model.onnx"), max_rss_mb=1500,
      text="Grad-CAM at 'r', no resize: peak memory at most 1.5 GB (a full im2col buffer alone would need 3.5 GB); over a limit set by the user "
      "it refuses before starting and names the need")

# ---------------------------------------------------------------- 7 output
c = B.case("O37", 7, "layer names with slashes, colons, spaces and dots become file names",
           ["qualcomm/aimet#2395", "qualcomm/aimet#2660", "elastic/detection-rules#6841"])
names = ["StatefulPartitionedCall/model/conv1/Relu:0", "a/b", "a_b", "../../escape", "/abs/olute", "name with space\tand tab", "x" * 300]
nodes, prev = [], "x"
for i, nm in enumerate(names):
    nodes.append(n("Relu", [prev], [nm], f"n{i}"))
    prev = nm
nodes.append(n("GlobalAveragePool", [prev], ["gap"]))
nodes.append(n("Flatten", ["gap"], ["y"]))
save(c, model(nodes, [vi("x", [1, 2, 2, 2])], [vi("y", [1, 2])], opset=13, ir=7))
c.run("model.onnx", {"x": seq(1, 2, 2, 2)}, {"y": np.array([[2.5, 6.5]], F)}, tol=1e-6)
c.add(do="behave", text="dumping all activations into OUT writes one distinct file per tensor ('a/b' and 'a_b' do not overwrite each other), "
      "nothing outside OUT, no file name over 255 bytes, and an index that maps files to tensor names", tensors=names)

c = B.case("O38", 7, "a folder of pictures with one bad file, non-ASCII names, and exit codes",
           ["himdel/hsetroot#6", "itlab-vision/dl-benchmark#282", "opencv/opencv#4292", "opencv/opencv#18305", "Booritas/slideio#14"])
g1 = png(8, 8, 8, 2, rows_plain([[(10 * x, 10 * y, 0) for x in range(8)] for y in range(8)]))
c.put("pics/good 1.png", g1)
c.put("pics/bad.png", b"not a picture")
c.put("pics/\u5199\u771f-\u00fc\u00e9.png", g1)
c.put("pics/UPPER.PNG", g1)
c.put("pics/notes.txt", b"ignore me\n")
c.add(do="behave", dir=c.rel("pics"), text="3 pictures processed, bad.png named in an error on stderr and in the report, the rest not lost, exit code not 0; "
      "'notes.txt' skipped or reported; a missing path: exit code not 0 and the path in the message; the non-ASCII file is read and its output name keeps the letters")

c = B.case("O39", 7, "NaN or infinite scores and the JSON report",
           ["esnet/iperf#370", "Francesco149/oppai#48", "matsen/pplacer#331", "comet-ml/opik#8455"])
m = model([n("GlobalAveragePool", ["x"], ["gap"]), n("Flatten", ["gap"], ["f"]), n("Log", ["f"], ["y"])], [vi("x", [1, 3, 2, 2])], [vi("y", [1, 3])], opset=13, ir=7)
save(c, m)
x = np.stack([np.full((2, 2), v_) for v_ in (1.0, 0.0, -1.0)])[None].astype(F)
with np.errstate(all="ignore"):
    c.run("model.onnx", {"x": x}, {"y": np.log(np.array([[1, 0, -1]], F))}, tol=1e-6)
c.add(do="behave", text="scores are 0, -inf, NaN: the JSON report still parses with a strict parser (null or a string, never NaN/Infinity), a warning names the "
      "first node that produced a non-finite value (Log), the top class is not the NaN one, exit code not 0")

c = B.case("O40", 7, "label files: byte-order mark, CRLF, wrong number of lines",
           ["NVIDIA/DIGITS#420", "CertifaiAI/classifai#437", "drainingsun/ybat#2", "marcotcr/lime#242", "tensorflow/tpu#521"])
c.put("bom_crlf.txt", b"\xef\xbb\xbfcat\r\ndog\r\nna\xc3\xafve fish\r\n")
c.put("short.txt", b"cat\ndog\n")
c.put("background.txt", b"background\ncat\ndog\nfish\n")
c.add(do="behave", text="3-class model (O24/model.onnx): bom_crlf.txt gives exactly 'cat','dog','naïve fish'; short.txt and background.txt do not fit "
      "3 classes: said clearly, numbers are printed instead; labels are never shifted by guess", want={"labels": ["cat", "dog", "naïve fish"]})

c = B.case("O46", 7, "overlay arithmetic, raw values and the scale of the colours",
           ["pooya-mohammadi/yolov5-gradcam#2", "utkuozbulak/pytorch-cnn-visualizations#38", "eclique/RISE#12", "raghakot/keras-vis#178", "sicara/tf-explain#157"])
ramp = png(256, 2, 8, 2, rows_plain([[(i, 255 - i, 128) for i in range(256)]] * 2))
c.put("photo.png", ramp)
c.add(do="behave", file=c.rel("photo.png"), text="overlay with opacity 0 gives the photo back byte for byte (size 256x2, no re-scaling of brightness); opacity 1 gives the colour map alone; "
      "value 0 takes the first colour and value 1 the last one (no wrap at 255); the raw export (before any scaling) and the minimum, maximum and normalisation used are in the report, "
      "so that two pictures can be compared; values as small as 1e-9 still give a full-scale map, not a blank one")

# ---------------------------------------------------------------- 8 hostile input
c = B.case("O41", 8, "external data that points outside the model's folder",
           ["onnx/onnx#3991", "onnx/onnx#5917", "onnx/onnx#7686", "promptfoo/modelaudit#606"])
c.put("secret.bin", np.array([7], F).tobytes())
for nm, loc in (("in/up.onnx", "../secret.bin"), ("in/abs.onnx", "/etc/hostname"), ("in/hidden_up.onnx", "sub/../../secret.bin"), ("in/empty.onnx", "")):
    t = T(name="w", data_type=T.FLOAT, dims=[1], data_location=T.EXTERNAL)
    for k, v_ in (("location", loc), ("offset", "0"), ("length", "4")):
        t.external_data.add(key=k, value=v_)
    m = model([n("Mul", ["x", "w"], ["y"])], [vi("x", [1])], [vi("y", [1])], opset=13, ir=7)
    m.graph.initializer.append(t)
    save(c, m, nm, check=False)
    c.refuse(nm, ["external", "outside", "path"])

c = B.case("O42", 8, "tensor sizes that lie",
           ["onnx/onnx#7580", "microsoft/onnxruntime#27547", "opencv/opencv#29370", "onnx/onnx-tensorrt#1058", "microsoft/onnxruntime#27721"])
for nm, dims, raw in (("product_overflow.onnx", [1 << 32, 1 << 32], b"\0" * 16), ("short_data.onnx", [1000000], b"\0" * 4),
                      ("negative.onnx", [-1, 4], b"\0" * 16), ("int64_min.onnx", [-(1 << 63), 2], b""), ("huge_no_data.onnx", [1 << 40], b""),
                      ("long_data.onnx", [1], b"\0" * 400)):
    t = T(name="w", data_type=T.FLOAT, dims=dims, raw_data=raw)
    m = model([n("Add", ["x", "w"], ["y"])], [vi("x", [1])], [vi("y", None)], opset=13, ir=7)
    m.graph.initializer.append(t)
    save(c, m, nm, check=False)
    c.refuse(nm, ["w", "size", "dim"], max_rss_mb=200, max_seconds=1)

c = B.case("O43", 8, "attributes that would divide by zero or read past the end",
           ["microsoft/onnxruntime#28731", "microsoft/onnxruntime#10086"])
def bad(nm, op, wshape, **at):
    ins = ["x", "w"] if wshape else ["x"]
    m_ = model([n(op, ins, ["y"], "bad", **at)], [vi("x", [1, 4, 6, 6])], [vi("y", None)],
               [init("w", np.ones(wshape, F))] if wshape else [], opset=13, ir=7)
    save(c, m_, nm, check=False)
    c.refuse(nm, ["bad", op], max_rss_mb=200, max_seconds=1)
bad("w_rank5.onnx", "Conv", (2, 4, 3, 3, 3))
bad("stride0.onnx", "Conv", (2, 4, 3, 3), strides=[0, 0])
bad("group0.onnx", "Conv", (2, 4, 3, 3), group=0)
bad("group3.onnx", "Conv", (3, 1, 3, 3), group=3)
bad("dilation0.onnx", "Conv", (2, 4, 3, 3), dilations=[0, 0])
bad("pads_short.onnx", "Conv", (2, 4, 3, 3), pads=[1])
bad("pads_min.onnx", "Conv", (2, 4, 3, 3), pads=[-(1 << 62)] * 4)
bad("kernel_mismatch.onnx", "Conv", (2, 4, 3, 3), kernel_shape=[5, 5])
bad("pool_kernel0.onnx", "MaxPool", None, kernel_shape=[0, 0])
bad("kernel_bigger.onnx", "Conv", (2, 4, 9, 9))

c = B.case("O44", 8, "nesting and recursion", ["microsoft/onnxruntime#32344", "microsoft/onnxruntime#28187", "dotnet/machinelearning#5585", "opencv/opencv#17138"])
def vint(v_):
    o = bytearray()
    while True:
        o.append((v_ & 127) | (128 if v_ > 127 else 0))
        v_ >>= 7
        if not v_:
            return bytes(o)
def tag(num, length):
    return vint(num << 3 | 2) + vint(length)
def field(num, b_):
    return tag(num, len(b_)) + b_
def deep(k):
    """ModelProto with an If nested k times, written level by level without recursion."""
    leaf = h.make_graph([n("Identity", ["x"], ["q"])], "leaf", [], [vi("q", [1])]).SerializeToString()
    out_vi, pre, post, size = field(12, vi("q", [1]).SerializeToString()), [], [], len(leaf)
    for _ in range(k):
        a0, a1 = field(1, b"then_branch") + tag(6, size), vint(20 << 3) + b"\5"
        la = len(a0) + size + len(a1)
        n0 = field(1, b"cond") + field(2, b"q") + field(4, b"If") + tag(5, la)
        ln = len(n0) + la
        g0, g1 = tag(1, ln), field(2, b"g") + out_vi
        pre.append(g0 + n0 + a0)
        post.append(a1 + g1)
        size += len(pre[-1]) + len(post[-1])
    g = b"".join(reversed(pre)) + leaf + b"".join(post)
    return bytes([8, 7]) + field(7, g) + field(8, h.make_opsetid("", 13).SerializeToString())
chk = onnx.load_from_string(deep(3))
assert chk.graph.node[0].attribute[0].g.node[0].attribute[0].g.node[0].op_type == "If"
for k in (50, 5000, 100000):
    c.put(f"if_{k}.onnx", deep(k))
    c.refuse(f"if_{k}.onnx", ["nest", "deep", "If", "recurs", "corrupt"], probe="ort", max_seconds=2, nested_if=k)
    os.remove(c.path(f"if_{k}.onnx"))
fa = h.make_function("loc", "A", ["a"], ["o"], [h.make_node("A", ["a"], ["o"], domain="loc")], [h.make_opsetid("", 18), h.make_opsetid("loc", 1)])
save(c, model([h.make_node("A", ["x"], ["y"], domain="loc")], [vi("x", [1])], [vi("y", [1])], opset=18, ir=8, extra_opsets=[("loc", 1)], functions=[fa]),
     "self_call.onnx", check=False)
c.refuse("self_call.onnx", ["recurs", "A"])
save(c, model([n("Add", ["x", "b"], ["a"], "p"), n("Relu", ["a"], ["b"], "q"), n("Relu", ["b"], ["y"])], [vi("x", [1])], [vi("y", [1])], opset=13, ir=7), "cycle.onnx", check=False)
c.refuse("cycle.onnx", ["cycle", "loop", "sorted", "not produced", "undefined"])

c = B.case("O45", 8, "PNG bomb: tiny file, 60000 x 60000 pixels",
           ["image-rs/image#1748", "1bit-MONSTER/1bit-MONSTER#1296", "lvandeve/lodepng#171", "python-pillow/Pillow#515"])
c.put("bomb.png", png(60000, 60000, 8, 2, b"\0" * 2_000_000))
c.refuse("bomb.png", ["large", "limit", "60000", "big"], probe="pil", max_rss_mb=200, max_seconds=1,
         text="refused from the header, before allocating; the limit can be raised by a switch")
c.put("zero_width.png", png(0, 5, 8, 2, b""))
c.refuse("zero_width.png", ["width", "size", "invalid"], probe="pil")

B.save()
