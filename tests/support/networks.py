"""Factories that the export must refuse."""

from torch import nn


def no_network() -> int:
    return 1


def one_output() -> nn.Module:
    return nn.Flatten()


def failing() -> nn.Module:
    raise ValueError("no weights here")
