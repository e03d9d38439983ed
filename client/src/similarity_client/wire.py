"""The only httpx2: one request becomes one reply, or none."""

import ssl
from collections.abc import AsyncIterator, Iterable
from functools import cache

import httpx2

from similarity_client.exchange import REQUEST_ID, NoReply, Outcome, Send
from similarity_client.request import Reply
from similarity_client.settings import Settings

# An upload has as many connections as it has uploads at once; the service keeps idle ones 75 s.
LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=256, keepalive_expiry=30.0)
UNBEGUN = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class Wire:
    """The connections of a sync client."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http = httpx2.Client(
            headers=dict(settings.headers()),
            timeout=settings.timeout,
            limits=LIMITS,
            verify=_trusted(),
        )

    def send(self, step: Send) -> Outcome:
        """Sends a request once."""
        try:
            return _reply(self._http.send(self._request(step)))
        except httpx2.RequestError as error:
            return _no_reply(error)

    def _request(self, step: Send) -> httpx2.Request:
        body = step.request.body
        content = None if body is None else body.make()
        return _made(self._http, self._settings, step, content)

    def close(self) -> None:
        """Closes all connections."""
        self._http.close()


class AsyncWire:
    """The connections of an async client."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http = httpx2.AsyncClient(
            headers=dict(settings.headers()),
            timeout=settings.timeout,
            limits=LIMITS,
            verify=_trusted(),
        )

    async def send(self, step: Send) -> Outcome:
        """Sends a request once."""
        try:
            return _reply(await self._http.send(self._request(step)))
        except httpx2.RequestError as error:
            return _no_reply(error)

    def _request(self, step: Send) -> httpx2.Request:
        body = step.request.body
        content = None if body is None else body.make()
        pieces = content if content is None or isinstance(content, bytes) else _async(content)
        return _made(self._http, self._settings, step, pieces)

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()


@cache
def _trusted() -> ssl.SSLContext:
    """Returns whom the clients of this process trust; to read it takes longer than many calls."""
    return httpx2.create_ssl_context()


def _made(
    http: httpx2.Client | httpx2.AsyncClient,
    settings: Settings,
    step: Send,
    content: bytes | Iterable[bytes] | AsyncIterator[bytes] | None,
) -> httpx2.Request:
    request = step.request
    headers = {**request.headers, REQUEST_ID: step.request_id}
    if request.body is not None:
        headers["Content-Type"] = request.body.kind
        headers["Content-Length"] = str(request.body.length)
    return http.build_request(
        request.method,
        settings.url + request.path,
        params=request.params or None,
        headers=headers,
        content=content,
        timeout=settings.timeout if request.timeout is None else request.timeout,
    )


async def _async(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _reply(response: httpx2.Response) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, response.content)


def _no_reply(error: httpx2.RequestError) -> NoReply:
    return NoReply(error, begun=not isinstance(error, UNBEGUN))
