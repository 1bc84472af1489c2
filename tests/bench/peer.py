"""Answers bench.c's questions with another library.

    python peer.py ENGINE MODEL

Reads lines WORK BATCH THREADS [LAYER] and prints the milliseconds of each run
as JSON, or {"error": ...} where the engine cannot do it. Engines:

    onnxruntime     forward
    openvino        forward, in float32
    torch, torch-cl (channels-last)   forward; gradcam and gradient by
                    torch.autograd on frozen weights; ascent, Adam on pixels
                    with the network cut at the layer
    lucent          synthesis with its own Fourier picture and transforms
    captum, captum-cl                 integrated_gradients, smoothgrad; BATCH
                    samples at once
    grad-cam        gradcam, scorecam (BATCH channels at once), ablationcam of
                    pytorch-grad-cam

The torch engines build torchvision's network of the file's name with random
weights: MODEL is resnet18.onnx or resnet18.legacy.onnx.
"""
import json
import os
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")

# the last spatial layer of each network
LAST = {
    "alexnet": "features.11", "vgg16": "features.29", "resnet18": "layer4",
    "resnet50": "layer4", "squeezenet1_1": "features",
    "mobilenet_v2": "features.18", "densenet121": "features.norm5",
    "efficientnet_b0": "features.8", "googlenet": "inception5b",
    "convnext_tiny": "features.7",
    "vit_b_16": "encoder.layers.encoder_layer_11.ln_1",
}
STEPS, SAMPLES, ASCENT, CHANNEL = 50, 25, 128, 5


def noise(shape):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


def onnxruntime_forward(model, batch, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"])
    first = session.get_inputs()[0]
    x = noise([batch] + list(first.shape[1:]))
    return lambda: session.run(None, {first.name: x})


def openvino_forward(model, batch, threads):
    import openvino
    core = openvino.Core()
    network = core.read_model(model)
    shape = [batch] + [d.get_length()
                       for d in list(network.input(0).partial_shape)[1:]]
    network.reshape(shape)
    compiled = core.compile_model(network, "CPU", {
        "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32"})
    request, x = compiled.create_infer_request(), noise(shape)
    return lambda: request.infer({0: x}, share_inputs=True)


def network_name(model):
    return os.path.basename(model).split(".")[0]


def torch_network(model, threads, channels_last, frozen=True):
    import torch
    import torchvision
    torch.set_num_threads(threads)
    name = network_name(model)
    options = dict(aux_logits=False, init_weights=False) \
        if name == "googlenet" else {}
    network = getattr(torchvision.models, name)(weights=None, **options).eval()
    network.requires_grad_(not frozen)
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
    return network, dict(network.named_modules())[LAST[name]]


def picture(batch, channels_last):
    import torch
    x = torch.from_numpy(noise((batch, 3, 224, 224)))
    return x.to(memory_format=torch.channels_last) if channels_last else x


def hand_gradcam(network, layer, x):
    """Frozen weights and a graph that begins at the layer."""
    import torch
    kept = {}

    def hook(module, inputs, output):
        kept["a"] = output.detach().requires_grad_(True)
        return kept["a"].clone()
    handle = layer.register_forward_hook(hook)
    y = network(x)
    handle.remove()
    return torch.autograd.grad(y.max(1).values.sum(), kept["a"])[0]


def ascent(network, layer, batch, channels_last):
    import torch

    class Reached(Exception):
        pass

    def hook(module, inputs, output):
        kept["a"] = output
        raise Reached
    kept = {}
    x = (picture(batch, channels_last) / 10).requires_grad_(True)
    adam = torch.optim.Adam([x], lr=0.05)
    handle = layer.register_forward_hook(hook)
    for _ in range(ASCENT):
        adam.zero_grad()
        try:
            network(x)
        except Reached:
            pass
        (-kept["a"][:, CHANNEL].mean()).backward()
        adam.step()
    handle.remove()


def torch_work(model, work, batch, threads, layer_name, channels_last):
    import torch
    network, layer = torch_network(model, threads, channels_last)
    if layer_name:
        layer = dict(network.named_modules())[layer_name]
    x = picture(batch, channels_last)

    def forward():
        with torch.inference_mode():
            return network(x)

    def gradient():
        leaf = x.detach().requires_grad_(True)
        return torch.autograd.grad(network(leaf).max(1).values.sum(), leaf)
    return {"forward": forward, "gradient": gradient,
            "gradcam": lambda: hand_gradcam(network, layer, x),
            "ascent": lambda: ascent(network, layer, batch, channels_last),
            }[work]


def captum_work(model, work, batch, threads, channels_last):
    from captum.attr import IntegratedGradients, NoiseTunnel, Saliency
    network, _ = torch_network(model, threads, channels_last)
    x = picture(1, channels_last)
    if work == "integrated_gradients":
        method = IntegratedGradients(network)
        return lambda: method.attribute(x, target=0, n_steps=STEPS,
                                        internal_batch_size=batch)
    tunnel = NoiseTunnel({"smoothgrad": Saliency}[work](network))
    return lambda: tunnel.attribute(
        x.clone().requires_grad_(True), nt_type="smoothgrad",
        nt_samples=SAMPLES, nt_samples_batch_size=batch, stdevs=0.15, target=0)


def lucent_work(model, work, batch, threads, layer_name):
    from lucent.optvis import objectives, param, render
    if work != "synthesis":
        raise KeyError(work)
    network, _ = torch_network(model, threads, False)
    wanted = objectives.channel(
        (layer_name or LAST[network_name(model)]).replace(".", "_"), CHANNEL)
    return lambda: render.render_vis(
        network, wanted, lambda: param.image(224, batch=batch),
        thresholds=(ASCENT,), progress=False, show_image=False)


def grad_cam_work(model, work, batch, threads):
    import pytorch_grad_cam as package
    network, layer = torch_network(model, threads, False, frozen=False)
    kind = {"gradcam": "GradCAM", "scorecam": "ScoreCAM",
            "ablationcam": "AblationCAM"}[work]
    cam = getattr(package, kind)(model=network, target_layers=[layer])
    if work == "scorecam":
        cam.batch_size = batch
    x = picture(batch if work == "gradcam" else 1, False)
    return lambda: cam(input_tensor=x, targets=None)


def prepare(engine, model, work, batch, threads, layer):
    if engine in ("onnxruntime", "openvino"):
        if work != "forward":
            raise KeyError(work)
        return {"onnxruntime": onnxruntime_forward,
                "openvino": openvino_forward}[engine](model, batch, threads)
    if engine in ("torch", "torch-cl"):
        return torch_work(model, work, batch, threads, layer,
                          engine == "torch-cl")
    if engine in ("captum", "captum-cl"):
        return captum_work(model, work, batch, threads, engine == "captum-cl")
    if engine == "lucent":
        return lucent_work(model, work, batch, threads, layer)
    return grad_cam_work(model, work, batch, threads)


def main(engine, model):
    ready = {}
    for line in sys.stdin:
        work, batch, threads, *layer = line.split()
        try:
            if line not in ready:
                ready[line] = prepare(engine, model, work, int(batch),
                                      int(threads), layer[0] if layer else "")
            if work in ("forward", "gradcam", "gradient"):
                ready[line]()    # wakes the threads, as bench.c does
            start = time.perf_counter()
            ready[line]()
            answer = {"ms": (time.perf_counter() - start) * 1e3}
        except Exception as problem:    # whatever a peer raises is its answer
            answer = {"error": f"{type(problem).__name__}: {problem}"[:200]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
