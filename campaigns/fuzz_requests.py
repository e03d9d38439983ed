"""The requests that the fuzzer sends, drawn from the table of routes: a new call is among them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

from campaigns import fuzz_bodies as bodies
from sidecar.http.reading.known_params import taken
from sidecar.http.route import Route

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
ODD_METHODS = (*METHODS, "WEBSOCKET", "PROPFIND", "get", "X" * 30, "G-T")
ODD_HEADERS = (
    *(b"X-Request-Id: chosen", b"X-Request-Id: \xff\xfe", b"X-Request-Id: " + b"r" * 200),
    *(b"Authorization: Bearer none", b"Authorization: basic \xff", b"X-API-Key:", b"Cookie: a=b"),
    *(b"X-Forwarded-For: 203.0.113.7, unknown, \xff", b"X-Forwarded-For: " + b"::1," * 50),
    *(b"X-Forwarded-Prefix: /photos", b"X-Forwarded-Prefix: \xff//../", b"Forwarded: for=_x"),
    *(b"Origin: https://shop.example", b"Origin: null", b"Access-Control-Request-Method: POST"),
    *(b'If-None-Match: "1-0"', b"If-None-Match: *", b'If-None-Match: W/"x, "'),
    *(b"If-None-Match: \xff", b"Range: bytes=0-1", b"Accept: text/html", b"TE: trailers"),
    *(b"Expect: 100-continue", b"Expect: something", b"Accept-Encoding: br;q=x", b"Host: a b"),
    *(b"Content-Type: text/html", b"Content-Encoding: gzip", b"Upgrade: websocket"),
    *(b"SCRIPT_NAME: /similarity", b"Script-Name: /x", b"X-Forwarded-Proto: https"),
    *(b"X-Long: " + b"l" * 9000, b"Transfer-Encoding: gzip", b"no colon"),
)


@dataclass(frozen=True)
class Call:
    """A method of a route, and what it reads."""

    method: str
    path: str
    names: tuple[str, ...]
    files: bool


@dataclass(frozen=True)
class Request:
    """A request as bytes.

    Args:
        whole: whether it is one HTTP request with all its bytes, which gets an answer; others may
            also lose their connection.
    """

    call: Call
    method: str
    raw: bytes
    whole: bool


def calls(routes: Iterable[Route]) -> Iterator[Call]:
    """Yields each method of each route."""
    for route in routes:
        for method in METHODS:
            known = taken(route.resource, method)
            if known is not None:
                yield Call(method, route.path, known.names, known.body)


@dataclass(frozen=True)
class Generator:
    """Draws requests, the same ones for the same seed, each by its number alone."""

    calls: tuple[Call, ...]
    seed: int

    def request(self, number: int) -> Request:
        """Draws a request."""
        chance = Random(f"{self.seed}:{number}")  # noqa: S311  the same each time
        call = chance.choice(self.calls)
        method = call.method if chance.random() < 0.92 else chance.choice(ODD_METHODS)
        target = _path(chance, call).encode() + _query(chance, call.names)
        has_body = method not in ("GET", "HEAD", "OPTIONS") or chance.random() < 0.03
        body = bodies.body(chance, call.names, call.files) if has_body else bodies.Body(b"", b"")
        lines = [b"Host: localhost", b"Connection: close"]
        lines += [b"Content-Type: " + body.kind] if body.kind else []
        lines += chance.sample(ODD_HEADERS, chance.choice((0, 0, 0, 1, 2)))
        framing, content, whole = _framed(chance, body.content, has_body)
        head = b"\r\n".join([method.encode() + b" " + target + b" HTTP/1.1", *lines, *framing])
        raw = head + b"\r\n\r\n" + content
        if chance.random() < 0.03:
            raw, whole = _damaged(chance, raw), False
        return Request(call, method, raw, whole)


def _path(chance: Random, call: Call) -> str:
    path = call.path
    while "{" in path:
        before, _, rest = path.partition("{")
        value = quote(bodies.text(chance), safe=chance.choice(("", "/.")))
        path = before + value + rest.partition("}")[2]
    if chance.random() < 0.06:
        odd = ("/", "//", "/..", "%2f", "%00", "%ff", "%0a", ";x", "/x", "#x", "%zz")
        path = chance.choice((path + chance.choice(odd), f"/{path}", path.upper(), "/", "*", "x"))
    return path if chance.random() < 0.98 else f"http://fuzz{path}"


def _query(chance: Random, names: tuple[str, ...]) -> bytes:
    given = [name for name in names if chance.random() < 0.35]
    if chance.random() < 0.08:
        given.append(chance.choice(bodies.NAMES))
    if given and chance.random() < 0.05:
        given.append(given[0])
    if not given and chance.random() < 0.95:
        return b""
    pairs = [f"{quote(name)}={quote(bodies.text(chance))}".encode() for name in given]
    odd = (b"%", b"&&", b"=", b"a;b", b"id=\xff", b"?id=x", b"%00=%00", b"id[]=1")
    return b"?" + b"&".join(pairs + [chance.choice(odd)] * (chance.random() < 0.05))


def _framed(chance: Random, content: bytes, has_body: bool) -> tuple[list[bytes], bytes, bool]:
    """Returns the headers that say how long a body is, the body, and whether they are true."""
    if not has_body:
        return [], b"", True
    length = b"Content-Length: %d" % len(content)
    dice = chance.random()
    if dice < 0.85:
        return [length], content, True
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(content[at : at + 999]), content[at : at + 999])
        for at in range(0, len(content), 999)
    )
    if dice < 0.93:
        return [b"Transfer-Encoding: chunked"], chunks + b"0\r\n\r\n", True
    broken = (
        ([b"Content-Length: %d" % (len(content) + 50)], content),
        ([b"Content-Length: 99999999999"], content),
        ([b"Content-Length: -1"], content),
        ([b"Content-Length: ten"], content),
        ([length, b"Content-Length: 3"], content),
        ([length, b"Transfer-Encoding: chunked"], chunks + b"0\r\n\r\n"),
        ([b"Transfer-Encoding: chunked"], chunks),
        ([b"Transfer-Encoding: chunked"], chunks[:-9]),
        ([b"Transfer-Encoding: chunked"], b"zz\r\n" + content),
        ([b"Transfer-Encoding: chunked"], b"-5\r\n" + content),
        ([length], content[: len(content) // 2]),
    )
    framing, sent = chance.choice(broken)
    return framing, sent, False


def _damaged(chance: Random, raw: bytes) -> bytes:
    content = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        content[chance.randrange(min(len(content), 400))] = chance.randrange(256)
    return bytes(content)
