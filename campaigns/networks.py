"""Small torch networks for tests and campaigns, under the export's factory contract."""

import torch
from torch import Tensor, nn

from export.networks import named


class Small(nn.Module):
    """Makes eight features and three keywords from one convolution, drawn at random."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4, padding=1), nn.ReLU())
        self.head = nn.Linear(8, 3)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = self.layers(image).mean((2, 3))
        return features, self.head(features)


def small() -> nn.Module:
    """Returns the network with weights that are the same each time."""
    torch.manual_seed(7)
    return Small()


class Tiny(nn.Module):
    """Keeps where things are: 1,280 features, as many as lite0's, from 32 pixels in no time."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Conv2d(3, 20, 3, stride=4, padding=1)
        self.head = nn.Linear(1280, 3)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = self.layers(image).flatten(1)
        return features, self.head(features)


def tiny() -> nn.Module:
    """Returns the network with weights that are the same each time."""
    torch.manual_seed(7)
    return Tiny()


def tiny_other() -> nn.Module:
    """Returns the network with other weights."""
    torch.manual_seed(8)
    return Tiny()


class Projected(nn.Module):
    """Projects EfficientNet-Lite2 to 64 features and 10 keywords, drawn at random."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = named("efficientnet-lite2", None).module
        self.features = nn.Linear(1280, 64, bias=False)
        self.head = nn.Linear(1280, 10)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features, _ = self.whole(image)
        return self.features(features), self.head(features)


def projected() -> nn.Module:
    """Returns the network with weights that are the same each time."""
    torch.manual_seed(7)
    return Projected()


class Signed(nn.Module):
    """Makes as few features as `Small`, with both signs: those of two seeds are far apart."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Conv2d(3, 8, 3, stride=4, padding=1)
        self.head = nn.Linear(8, 3)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = torch.tanh(self.layers(image)).mean((2, 3))
        return features, self.head(features)


def signed_one() -> nn.Module:
    """Returns one set of weights."""
    return Signed(1)


def signed_two() -> nn.Module:
    """Returns another set of weights."""
    return Signed(2)
