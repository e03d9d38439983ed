"""Where the service is, and with which key it is asked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from similarity_client.version import VERSION

URL, KEY = "SIMILARITY_URL", "SIMILARITY_KEY"
DEFAULT_URL = "http://127.0.0.1:5000"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a client knows of its service.

    Args:
        url: without a slash at its end; a path in it comes before that of each call.
        key: an API key; None for a service that asks for none.
        timeout: seconds in which a connection has to be made, and in which something has to come.
    """

    url: str
    key: str | None = field(repr=False)
    timeout: float

    def headers(self) -> Mapping[str, str]:
        """Returns the headers of every request."""
        agent = {"User-Agent": f"similarity-client/{VERSION}"}
        return agent if self.key is None else agent | {"Authorization": f"Bearer {self.key}"}


def settings(url: str | None, key: str | None, timeout: float) -> Settings:
    """Returns settings; what is not given is SIMILARITY_URL and SIMILARITY_KEY.

    Raises:
        ValueError: the URL is none, or the key has characters that no key has.
    """
    where = (url or os.environ.get(URL) or DEFAULT_URL).rstrip("/")
    if not where.startswith(("http://", "https://")):
        raise ValueError(f"the URL of the service ({URL}) begins with http:// or https://: {where}")
    secret = key or os.environ.get(KEY) or None
    if secret is not None and not (secret.isascii() and secret.isprintable()):
        raise ValueError(f"the key ({KEY}) must be printable ASCII")
    return Settings(where, secret, timeout)
