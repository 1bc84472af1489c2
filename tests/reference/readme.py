"""Where the class activation map of data/dog.jpg is hottest, for test_readme.c.

onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6, pillow 13.0.0. Run from the top folder.
The map is sum_k W[235,k] A_k of the layer "head" (Zhou et al., 2016).
"""
import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from PIL import Image

model = onnx.load("data/efficientnet-lite0.int8.onnx")
model.graph.output.append(onnx.ValueInfoProto(name="head"))
constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
weights = constants["logits.w_q"].astype(np.float32) * constants["logits.w_scale"][:, None]

photo = Image.open("data/dog.jpg").convert("RGB")
short = min(photo.size)
photo = photo.resize([int(256 * side / short) for side in photo.size], Image.BICUBIC)
left, top = (round((side - 224) / 2) for side in photo.size)
pixels = np.asarray(photo.crop((left, top, left + 224, top + 224)), np.float32)
tensor = ((pixels - 127) / 128).transpose(2, 0, 1)[None]

session = onnxruntime.InferenceSession(model.SerializeToString())
logits, head = session.run(["logits", "head"], {"image": tensor})
cam = np.einsum("k,khw->hw", weights[235], head[0])
print("class", logits.argmax(), "hottest cell (row, column)", np.unravel_index(cam.argmax(), cam.shape))
