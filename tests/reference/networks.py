"""The small networks of tests/data/nets: composition, weights and input.

Composed of torchvision's own blocks, so that the operators are written as the
exporters write the large networks. nets.py exports them.
"""
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import convnext, densenet, efficientnet, inception
from torchvision.models import mnasnet, mobilenetv2, mobilenetv3, regnet
from torchvision.models import resnet, shufflenetv2, squeezenet
from torchvision.models import swin_transformer, vision_transformer
from torchvision.models.googlenet import BasicConv2d, GoogLeNet, Inception
from torchvision.ops.misc import Conv2dNormActivation

# the legacy exporter does not know attention's fused operator
torch.backends.mha.set_fastpath_enabled(False)

HEIGHT, WIDTH, CLASSES = 24, 20, 10   # not square: a swap of the two shows


# ---- the networks ----------------------------------------------------------

def head(channels):
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES)]


def stem(channels):
    return Conv2dNormActivation(3, channels, 3, stride=2, inplace=False)


def plain():
    """AlexNet and VGG: convolutions with bias, max pools, three linear."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2, padding=2), nn.ReLU(),
        nn.MaxPool2d(3, 2, padding=1), nn.Conv2d(8, 12, 3, padding=1),
        nn.ReLU(), nn.Conv2d(12, 12, 3, padding=(1, 1)), nn.ReLU(),
        nn.MaxPool2d(2, 2), nn.AdaptiveAvgPool2d((3, 1)), nn.Flatten(),
        nn.Dropout(), nn.Linear(36, 24), nn.ReLU(), nn.Dropout(),
        nn.Linear(24, CLASSES))


def projection(i, o, stride):
    return nn.Sequential(resnet.conv1x1(i, o, stride), nn.BatchNorm2d(o))


def basic():
    """ResNet 18 and 34."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(6),
        nn.ReLU(), nn.MaxPool2d(3, 2, padding=1), resnet.BasicBlock(6, 6),
        resnet.BasicBlock(6, 10, 2, projection(6, 10, 2)), *head(10))


def bottleneck():
    """ResNet 50 and ResNeXt: grouped and dilated 3x3 convolutions."""
    wide = dict(groups=2, base_width=64)
    return nn.Sequential(
        stem(6), resnet.Bottleneck(6, 4, 2, projection(6, 16, 2)),
        resnet.Bottleneck(16, 4, **wide),
        resnet.Bottleneck(16, 4, dilation=2), *head(16))


def fire():
    """SqueezeNet: concatenations, ceil-mode pools, convolution as head."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(),
        nn.MaxPool2d(3, 2, ceil_mode=True), squeezenet.Fire(8, 4, 8, 8),
        squeezenet.Fire(16, 4, 8, 8), nn.MaxPool2d(3, 2, ceil_mode=True),
        squeezenet.Fire(16, 6, 10, 10), nn.Dropout(),
        nn.Conv2d(20, CLASSES, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten())


def mobile2():
    """MobileNet v2: depthwise convolutions, ReLU6, linear bottlenecks."""
    block = mobilenetv2.InvertedResidual
    return nn.Sequential(
        Conv2dNormActivation(3, 8, stride=2, activation_layer=nn.ReLU6),
        block(8, 6, 1, 1), block(6, 8, 2, 4), block(8, 8, 1, 4),
        Conv2dNormActivation(8, 24, 1, activation_layer=nn.ReLU6),
        *head(24))


def mobile3():
    """MobileNet v3: hard swish, hard sigmoid in squeeze-and-excitation."""
    def c(*a): return mobilenetv3.InvertedResidualConfig(*a, 1, 1.0)
    return mobilenetv3.MobileNetV3(
        [c(8, 3, 8, 8, False, "RE", 2), c(8, 5, 24, 8, True, "HS", 1)], 16,
        num_classes=CLASSES)


def dense():
    """DenseNet: batch norm before convolution, growing concatenations."""
    return densenet.DenseNet(4, (2, 2), 8, 2, num_classes=CLASSES)


class Google(nn.Module):
    """GoogLeNet: input transform, four-way blocks, ceil-mode pools."""
    def __init__(self):
        super().__init__()
        self.conv = BasicConv2d(3, 8, kernel_size=7, stride=2, padding=3)
        self.pool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception1 = Inception(8, 4, 4, 6, 2, 4, 4)
        self.pool2 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.inception2 = Inception(18, 6, 4, 8, 2, 4, 4)
        self.fc = nn.Linear(22, CLASSES)

    _transform_input = GoogLeNet._transform_input
    transform_input = True

    def forward(self, x):
        x = self.pool1(self.conv(self._transform_input(x)))
        x = self.inception2(self.pool2(self.inception1(x)))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


def factorised():
    """Inception v3: 1x7 and 7x1 kernels, average pools that count padding.
    The blocks' fixed widths are divided by 64."""
    def conv(i, o, **k): return inception.BasicConv2d(i // 64, o // 64, **k)
    return nn.Sequential(
        conv(192, 256, kernel_size=3, stride=2), inception.InceptionB(256, conv),
        inception.InceptionC(736, 128, conv),
        inception.InceptionE(768, conv), *head(32))


def efficient():
    """EfficientNet: SiLU, squeeze-and-excitation, stochastic depth."""
    def c(*a): return efficientnet.MBConvConfig(*a)
    return efficientnet.EfficientNet(
        [c(1, 3, 1, 8, 8, 1), c(4, 5, 2, 8, 8, 1)], 0.2, num_classes=CLASSES,
        last_channel=32)


def shuffle():
    """ShuffleNet v2: chunk, channel shuffle, mean over positions."""
    return shufflenetv2.ShuffleNetV2([2, 1, 1], [8, 12, 16, 16, 24], CLASSES)


class Mnas(nn.Module):
    """MNASNet and RegNet Y: mean over positions; grouped bottleneck with
    squeeze-and-excitation."""
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            stem(8), mnasnet._InvertedResidual(8, 8, 3, 1, 3),
            mnasnet._InvertedResidual(8, 12, 5, 2, 3))
        self.block = regnet.ResBottleneckBlock(
            12, 16, 2, nn.BatchNorm2d, nn.ReLU, group_width=4, se_ratio=0.25)
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(16, CLASSES))

    def forward(self, x):
        return self.classifier(self.block(self.layers(x)).mean([2, 3]))


def next_():
    """ConvNeXt: channels-last linear layers inside of blocks, GELU, layer
    norms over channels, layer scale."""
    config = convnext.CNBlockConfig
    return convnext.ConvNeXt([config(8, 12, 1), config(12, None, 1)],
                             num_classes=CLASSES)


class Tokens(nn.Module):
    """ViT: patches as tokens behind a class token, attention. torchvision's
    own class takes square pictures alone."""
    def __init__(self):
        super().__init__()
        width = 16
        self.conv_proj = nn.Conv2d(3, width, 4, stride=4)
        self.class_token = nn.Parameter(torch.randn(1, 1, width))
        self.encoder = vision_transformer.Encoder(
            1 + HEIGHT // 4 * (WIDTH // 4), 2, 2, width, 24, 0.0, 0.0)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x):
        x = self.conv_proj(x).flatten(2).permute(0, 2, 1)
        token = self.class_token.expand(x.shape[0], -1, -1)
        return self.head(self.encoder(torch.cat([token, x], 1))[:, 0])


def windows():
    """Swin: channels-last maps, attention in shifted, padded windows."""
    return swin_transformer.SwinTransformer(
        [4, 4], 8, [2, 1], [2, 2], [3, 3], num_classes=CLASSES)


# name -> (network, two modules whose outputs are inner values, parameters)
NETS = {
    "plain": (plain, "5", "8", ["0.weight", "0.bias", "11.weight", "14.bias"]),
    "basic": (basic, "4", "5.bn1", ["0.weight", "1.weight", "8.bias"]),
    "bottleneck": (bottleneck, "1", "2.bn2",
                   ["0.0.weight", "2.conv2.weight", "1.bn3.weight", "6.bias"]),
    "fire": (fire, "3", "6", ["0.weight", "8.bias"]),
    "mobile2": (mobile2, "2", "3.conv.1",
                ["0.0.weight", "2.conv.1.0.weight", "0.1.weight", "7.bias"]),
    "mobile3": (mobile3, "features.1", "features.3",
                ["features.0.0.weight", "features.2.block.2.fc1.bias",
                 "features.0.1.bias", "classifier.3.bias"]),
    "dense": (dense, "features.transition1", "features.norm5",
              ["features.conv0.weight", "features.norm0.weight",
               "features.denseblock2.denselayer2.norm1.bias",
               "classifier.bias"]),
    "google": (Google, "inception1", "inception2.branch4",
               ["conv.conv.weight", "conv.bn.weight", "fc.bias"]),
    "factorised": (factorised, "1", "2",
                   ["0.conv.weight", "0.bn.bias", "6.bias"]),
    "efficient": (efficient, "features.1", "features.2",
                  ["features.0.0.weight", "features.1.0.block.1.fc2.weight",
                   "classifier.1.bias"]),
    "shuffle": (shuffle, "stage2", "conv5",
                ["conv1.0.weight", "conv1.1.weight", "fc.bias"]),
    "mnas": (Mnas, "layers.1", "block.f.se",
             ["layers.0.0.weight", "block.f.b.0.weight", "classifier.1.bias"]),
    "next": (next_, "features.1", "features.3.0.block.2",
             ["features.0.0.weight", "features.3.0.layer_scale",
              "features.2.0.bias", "classifier.2.bias"]),
    "tokens": (Tokens, "encoder.layers.encoder_layer_1.ln_1", "encoder.ln",
               ["conv_proj.weight", "encoder.pos_embedding", "encoder.ln.bias",
                "head.bias"]),
    "windows": (windows, "features.1", "norm",
                ["features.0.0.weight", "features.1.0.norm1.weight",
                 "norm.bias", "head.bias"]),
}

# ---- weights and input -----------------------------------------------------

def images(count, seed, height=HEIGHT, width=WIDTH, octaves=(4, 12, 28)):
    """Seeded smooth noise, per channel of mean 0 and deviation 1."""
    g = torch.Generator().manual_seed(seed)
    x = torch.zeros(count, 3, height, width)
    for size in octaves:
        noise = torch.randn(count, 3, size, size, generator=g)
        x += F.interpolate(noise, (height, width), mode="bilinear")
    mean, deviation = x.mean((2, 3), keepdim=True), x.std((2, 3), keepdim=True)
    return (x - mean) / deviation


def alive(m, images=images):
    """Statistics, scales and a last layer that neither hide errors nor kill
    gradients: running statistics of real activations, gamma in 0.7..1.3,
    ConvNeXt's layer scales 0.1, logits with a standard deviation of 2.
    images(count, seed) makes input."""
    g = torch.Generator().manual_seed(1)
    norms = [b for b in m.modules() if isinstance(b, nn.BatchNorm2d)]
    last = [a for a in m.modules() if isinstance(a, (nn.Linear, nn.Conv2d))]
    with torch.no_grad():
        m.eval()
        for b in norms:
            b.weight.uniform_(0.7, 1.3, generator=g)
            b.bias.normal_(0, 0.2, generator=g)
            b.momentum = 0.5
            b.train()
        for layer in m.modules():
            if isinstance(layer, nn.LayerNorm):
                layer.weight.uniform_(0.7, 1.3, generator=g)
                layer.bias.normal_(0, 0.2, generator=g)
        for path, scale in m.named_parameters():
            if path.endswith("layer_scale"):
                scale.fill_(0.1)
        for seed in range(100, 104) if norms else ():
            m(images(16, seed))
        m.eval()
        last[-1].weight.normal_(0, 0.1, generator=g)
        last[-1].bias.normal_(0.3, 0.1, generator=g)
        last[-1].weight.mul_(2 / m(images(8, 200)).std(1).mean())
    return m


def int8_scale(w):
    """Symmetric, one scale for each output channel."""
    return w.abs().amax(tuple(range(1, w.dim()))) / 127


def round_weights(m, form):
    """Rounds what REWRITTEN will store in a narrower type, so that torch
    computes with exactly the numbers of the file."""
    with torch.no_grad():
        for p in m.parameters():
            if form == "fp16":
                p.copy_(p.half())
            elif form == "int8" and p.dim() > 1:
                s = int8_scale(p).view(-1, *[1] * (p.dim() - 1))
                p.copy_(torch.round(p / s) * s)
    return m


def build(name, form=None):
    torch.manual_seed(0)
    m = alive(NETS[name][0]())
    return round_weights(m, form) if form else m
