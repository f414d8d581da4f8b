"""A small network for 32×32 pictures that learns much in few minutes of a CPU.

Its first layer is not learned: 2×2 filters that whiten the training pictures (their principal directions, divided by
their spread, each also negated), as in the fast CIFAR recipes. The layers behind then start on decorrelated inputs and
need no epochs to find that out. Three stages of convolution, pooling and a residual pair follow, then the maximum of
each feature. Strong features anywhere in the picture count, so it works at 32×32 only by training, not by its shape.
"""

import torch
from torch import nn
from torch.nn import functional

STAGES = (32, 96, 160)
SPREAD_FLOOR = 5e-4
LOGIT_SCALE = 1 / 8


def whitening_filters(pictures):
    """float NCHW 0–1 → [24, 3, 2, 2]: 12 principal directions of all 2×2 patches and their negatives."""
    patches = pictures.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12)
    patches = patches - patches.mean(0)
    spread, directions = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (directions / (spread + SPREAD_FLOOR).sqrt()).T.reshape(12, 3, 2, 2)
    return torch.cat([filters, -filters])


class Normed(nn.Module):
    """3×3 convolution, batch norm, ReLU; a pooling in between halves the work of all that follows."""

    def __init__(self, inputs, outputs, pooled=False):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, momentum=0.3)
        self.pooled = pooled

    def forward(self, x):
        x = self.convolution(x)
        if self.pooled:
            x = functional.max_pool2d(x, 2)
        return functional.relu(self.norm(x))


class Stage(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.reduce = Normed(inputs, outputs, pooled=True)
        self.inner = Normed(outputs, outputs)

    def forward(self, x):
        x = self.reduce(x)
        return x + self.inner(x)


class Classifier(nn.Module):
    """float RGB 0–1 of [batch, 3, 32, 32] → logits [batch, classes]."""

    def __init__(self, classes):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.requires_grad_(False)
        self.stages = nn.Sequential(*(Stage(*widths) for widths in zip((24, *STAGES), STAGES)))
        self.decide = nn.Linear(STAGES[-1], classes, bias=False)

    def forward(self, picture):
        features = self.stages(functional.relu(self.whiten(picture)))
        return self.decide(features.amax((2, 3))) * LOGIT_SCALE


def with_mirror(model, picture):
    """Logits averaged over the picture and its mirror image, as the exported graph has them."""
    return (model(picture) + model(picture.flip(3))) / 2


def parameter_count(model):
    return sum(parameter.numel() for parameter in model.parameters())
