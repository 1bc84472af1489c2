"""Golden heatmaps of targets other than one logit: tests/data/targets.

    python targets.py [FOLDER]        (default: ../data/targets)

Three small networks (a segmentation, a detector, one sigmoid output) with
random weights, and what pytorch-grad-cam and captum, in float64, make of
targets of theirs: pytorch-grad-cam's own BinaryClassifierOutputTarget,
SemanticSegmentationTarget and RawScoresOutputTarget where there is one, else a
function of the output.
index.json lists the cases: the text that cxai reads for the target, its
number at the picture, and where its map begins in numbers.npy.

Made with torch 2.14.1, grad-cam 1.5.7, captum 0.9.0, onnx 1.23.2.
"""
import json
import os
import sys
from unittest import mock

import numpy as np
import onnx
import torch
from captum import attr
from pytorch_grad_cam import GradCAM, LayerCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import (
    BinaryClassifierOutputTarget, RawScoresOutputTarget,
    SemanticSegmentationTarget)
from torch import nn

HEIGHT, WIDTH = 12, 16


def trunk():
    return [nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(),
            nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.ReLU()]


class Detector(nn.Module):
    """(1, 4 + 2, 48): boxes, and the scores of two classes."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(*trunk())
        self.box = nn.Conv2d(8, 4, 1)
        self.score = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        x = self.trunk(x)
        return torch.cat([self.box(x).flatten(2),
                          self.score(x).flatten(2).sigmoid()], 1)


def networks():
    torch.manual_seed(5)
    segment = nn.Sequential(
        *trunk(), nn.Conv2d(8, 4, 1),
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False))
    binary = nn.Sequential(*trunk(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                           nn.Linear(8, 1))
    return {"segment": segment, "detect": Detector(), "binary": binary}


def layer_of(net):
    return net.trunk[3] if isinstance(net, Detector) else net[3]


def export(net, path, x):
    torch.onnx.export(net.eval(), (x,), path, input_names=["x"],
                      output_names=["out"], opset_version=13, dynamo=False)
    graph = onnx.load(path).graph
    return [n.output[0] for n in graph.node if n.op_type == "Relu"][1]


def scaled(cam, target_size=None):
    """scale_cam_image without its rounding to float32."""
    return scale_cam_image(np.float64(cam), target_size)


class Cases:
    def __init__(self):
        self.list, self.numbers = [], []

    def add(self, name, layer, method, text, score, array):
        self.list.append({
            "network": name, "layer": layer, "method": method, "target": text,
            "score": float(score), "shape": list(array.shape),
            "offset": sum(a.size for a in self.numbers)})
        self.numbers.append(np.float32(array))


def run(cases, name, net, layer, x, text, number, pgc=None):
    """number: a function of the output of one picture (without the batch);
    pgc: pytorch-grad-cam's target, where it has one of its own."""
    score = number(net(x)[0]).detach()
    for method, cam in (("gradcam", GradCAM), ("layercam", LayerCAM)):
        with cam(model=net, target_layers=[layer_of(net)]) as c:
            got = c(input_tensor=x, targets=[pgc or number])[0]
        cases.add(name, layer, method, text, score, got)
    forward = lambda t: torch.stack([number(o) for o in net(t)])
    cases.add(name, layer, "saliency", text, score,
              attr.Saliency(forward).attribute(x)[0].detach().numpy())
    cases.add(name, layer, "integrated_gradients", text, score,
              attr.IntegratedGradients(forward).attribute(x)[0].detach()
              .numpy())


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "data", "targets")
    os.makedirs(folder, exist_ok=True)
    x = torch.randn(1, 3, HEIGHT, WIDTH, generator=torch.Generator()
                    .manual_seed(6)).float()
    cases = Cases()
    for name, net in networks().items():
        if name == "segment":    # let every class win somewhere
            with torch.no_grad():
                net[4].bias -= net(x)[0].mean((1, 2))
        # the file ends in the sigmoid; the references explain the logit
        whole = nn.Sequential(net, nn.Sigmoid()) if name == "binary" else net
        layer = export(whole, os.path.join(folder, name + ".onnx"), x)
        net = net.double()
        at = lambda *a: run(cases, name, net, layer, x.double(), *a)
        out = net(x.double())[0]
        if name == "segment":
            winner = out.argmax(0)
            for k in (1, 3):
                mask = (winner == k).double()
                at(f"{k}@wins",
                   lambda o, k=k, m=mask: (o[k] * m).sum() / m.sum(),
                   SemanticSegmentationTarget(k, mask.numpy()))
            region = np.zeros((HEIGHT, WIDTH))
            region[2:7, 4:11] = 1
            at("1@4,2,11,7", lambda o: o[1, 2:7, 4:11].mean(),
               SemanticSegmentationTarget(1, region))
            at("out[1,2:7,4:11]", lambda o: o[1, 2:7, 4:11].mean())
            at("2 - 0", lambda o: o[2].mean() - o[0].mean())
            at("2*3@wins - 1",
               lambda o: 2 * o[3][winner == 3].mean() - o[1].mean())
        elif name == "detect":
            best = int(out[5].argmax())
            at("out[4,17]", lambda o: o[4, 17])
            at("out[5,top1]", lambda o: o[5, best])
            at("out[-1,-3]", lambda o: o[5, 45])
            at("out[:4,20]", lambda o: o[:4, 20].mean())
            at("out[4] - out[5]", lambda o: o[4].mean() - o[5].mean())
        else:
            at("yes", lambda o: o[0], BinaryClassifierOutputTarget(1))
            at("no", lambda o: -o[0], BinaryClassifierOutputTarget(0))
            at("0", lambda o: o[0], RawScoresOutputTarget())
            at("-0", lambda o: -o[0])
            at("top1", lambda o: o[0].abs(),    # the side that wins
               BinaryClassifierOutputTarget(int(out[0] > 0)))
    np.save(os.path.join(folder, "input.npy"), x.numpy())
    np.save(os.path.join(folder, "numbers.npy"),
            np.concatenate([a.ravel() for a in cases.numbers]))
    with open(os.path.join(folder, "index.json"), "w") as f:
        f.write("{\n\"cases\": [\n" + ",\n".join(
            json.dumps(c) for c in cases.list) + "\n]\n}\n")
    print(len(cases.list), "cases")


if __name__ == "__main__":
    with mock.patch("pytorch_grad_cam.base_cam.scale_cam_image", scaled):
        main()
