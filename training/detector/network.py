"""A small detector without anchors: convolutions only, three sizes of grid, one box and one score per class at each point.

The picture becomes grey ink on white (white is 0, so that zero padding is more paper): the same page printed in colour or
black is the same page. Two planes with the coordinates join at stride 32, since a footnote is told from a paragraph by
where it stands. Each grid point answers directly: logits per class, and a box as the shift of its centre in strides and
the logarithm of its sides in strides. Everything up to the boxes in pixels is part of `forward`, and of the exported graph.
"""

import torch
from torch import nn
from torch.nn import functional

HEIGHT, WIDTH = 512, 384
STRIDES = (8, 16, 32)
STEM, WIDTHS, NECK, HEAD = 32, (48, 80, 112), 48, 48
BLOCKS = (1, 2, 2)
LUMA = (0.299, 0.587, 0.114)
RARE = -4.6  # logit of 0.01: at the start nothing is likely to be anything
TYPICAL_SIDES = (2.5, 1.0)  # logarithms, in strides: blocks of text are wider than high
LARGEST_SIDE = 5.0  # logarithm: 148 strides


class Normed(nn.Module):
    """Convolution, batch norm and, unless it ends a residual branch, ReLU."""

    def __init__(self, inputs, outputs, size=3, stride=1, active=True):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, momentum=0.03, eps=1e-3)
        self.active = active

    def forward(self, x):
        x = self.norm(self.convolution(x))
        return functional.relu(x) if self.active else x


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.second = Normed(width, width), Normed(width, width, active=False)

    def forward(self, x):
        return functional.relu(x + self.second(self.first(x)))


class Stage(nn.Module):
    def __init__(self, inputs, outputs, blocks):
        super().__init__()
        self.reduce = Normed(inputs, outputs, stride=2)
        self.blocks = nn.ModuleList(Block(outputs) for _ in range(blocks))

    def forward(self, x):
        x = self.reduce(x)
        for block in self.blocks:
            x = block(x)
        return x


class Head(nn.Module):
    """Class and box have branches of their own: one looks at texture, the other at edges."""

    def __init__(self, classes):
        super().__init__()
        self.look, self.measure = Normed(NECK, HEAD), Normed(NECK, HEAD)
        self.decide, self.place = nn.Conv2d(HEAD, classes, 1), nn.Conv2d(HEAD, 4, 1)
        nn.init.normal_(self.decide.weight, std=0.01)
        nn.init.constant_(self.decide.bias, RARE)
        nn.init.normal_(self.place.weight, std=0.01)
        with torch.no_grad():
            self.place.bias.copy_(torch.tensor([0.0, 0.0, *TYPICAL_SIDES]))

    def forward(self, x):
        return self.decide(self.look(x)), self.place(self.measure(x))


def coordinates(height, width):
    """float [1, 2, height, width], y and x from -1 to 1."""
    rows, columns = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"))[None]


def grid_points():
    """float [points, 2] as x and y in strides, and [points, 1] strides; level after level, row after row."""
    points, strides = [], []
    for stride in STRIDES:
        rows, columns = torch.arange(HEIGHT // stride) + 0.5, torch.arange(WIDTH // stride) + 0.5
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        points.append(torch.stack([x, y], 2).reshape(-1, 2))
        strides.append(torch.full((len(points[-1]), 1), float(stride)))
    return torch.cat(points), torch.cat(strides)


class Detector(nn.Module):
    """float RGB 0–1 of [batch, 3, HEIGHT, WIDTH] → logits [batch, points, classes], boxes [batch, points, 4] in pixels."""

    def __init__(self, classes):
        super().__init__()
        self.classes = classes
        self.stem = Normed(1, STEM, size=7, stride=4)  # at once: most of a page is white, and full size is dear
        inputs = (STEM, WIDTHS[0], WIDTHS[1] + 2)
        self.stages = nn.ModuleList(Stage(*shape) for shape in zip(inputs, WIDTHS, BLOCKS))
        self.laterals = nn.ModuleList(Normed(width, NECK, size=1) for width in WIDTHS)
        self.smooth = nn.ModuleList(Normed(NECK, NECK) for _ in WIDTHS[:-1])
        self.heads = nn.ModuleList(Head(classes) for _ in STRIDES)
        points, strides = grid_points()
        self.register_buffer("luma", torch.tensor(LUMA).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("where", coordinates(HEIGHT // 16, WIDTH // 16), persistent=False)
        self.register_buffer("points", points, persistent=False)
        self.register_buffer("strides", strides, persistent=False)

    def features(self, picture):
        x, levels = self.stem(1 - (picture * self.luma).sum(1, keepdim=True)), []
        for stage in self.stages:
            if len(levels) == 2:
                x = torch.cat([x, self.where.expand(len(x), -1, -1, -1)], 1)
            x = stage(x)
            levels.append(x)
        levels = [lateral(level) for lateral, level in zip(self.laterals, levels)]
        for index in (1, 0):
            wider = functional.interpolate(levels[index + 1], scale_factor=2, mode="nearest")
            levels[index] = self.smooth[index](levels[index] + wider)
        return levels

    def forward(self, picture):
        answers = [head(level) for head, level in zip(self.heads, self.features(picture))]
        logits, places = (torch.cat([part.flatten(2) for part in parts], 2).transpose(1, 2) for parts in zip(*answers))
        centre = (self.points + places[..., :2]) * self.strides
        half = places[..., 2:].clamp(max=LARGEST_SIDE).exp() * self.strides / 2
        return logits, torch.cat([centre - half, centre + half], 2)


def parameter_count(model):
    return sum(parameter.numel() for parameter in model.parameters())
