"""A small torch network for tests, under the export's factory contract: D 8, K 3."""

import torch
from torch import Tensor, nn


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4, padding=1), nn.ReLU())
        self.head = nn.Linear(8, 3)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = self.layers(image).mean((2, 3))
        return features, self.head(features)


def small() -> nn.Module:
    torch.manual_seed(7)
    return Small()


def no_network() -> int:
    return 1


def one_output() -> nn.Module:
    return nn.Flatten()


def failing() -> nn.Module:
    raise ValueError("no weights here")
