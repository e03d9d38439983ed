"""Which release of the client this is, and which API of the service it was made for."""

import re
import warnings

VERSION = "0.1.0"
API = 1  # what the service calls `api`: it grows when a call changes its meaning


class NewerService(UserWarning):
    """The service is newer than this client, which may not know all that it answers."""


def is_newer(release: str, api: int) -> bool:
    """Says whether a service of this release and API is newer: releases that differ in their last
    number alone have the same calls."""
    return api > API or _numbers(release)[:2] > _numbers(VERSION)[:2]


def warn(release: str, api: int) -> None:
    """Warns where a service of this release and API is newer."""
    if is_newer(release, api):
        warnings.warn(
            f"the service is release {release} (API {api}), this client {VERSION} (API {API}): "
            "there may be a newer similarity-client",
            NewerService,
            stacklevel=2,
        )


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release))
