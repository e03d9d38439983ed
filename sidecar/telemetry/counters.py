"""Counts what happens in the sidecar, as it happens, in files that its processes share.

Source of names and units: https://prometheus.io/docs/practices/naming/.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REQUEST_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 600)
STAGE_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
UNKNOWN = "unknown"  # a method or route that clients made up
GROUP_IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

REGISTRY = CollectorRegistry()

_requests = Counter(
    "similarity_http_requests",
    "Requests answered.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
_request_seconds = Histogram(
    "similarity_http_request_duration_seconds",
    "From a request's headers to its answer.",
    ["route"],
    buckets=REQUEST_SECONDS,
    registry=REGISTRY,
)
_broken = Counter(
    "similarity_http_broken_requests",
    "Requests that their clients broke off or cut wrong; no fault of the service.",
    ["reason"],
    registry=REGISTRY,
)
_in_flight = Gauge(
    "similarity_http_requests_in_hand",
    "Requests being worked on.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
_stage_seconds = Histogram(
    "similarity_stage_duration_seconds",
    "What requests spent on each stage, as in Server-Timing.",
    ["stage"],
    buckets=STAGE_SECONDS,
    registry=REGISTRY,
)
_groups = {
    "infer": Histogram(
        "similarity_infer_images",
        "Images in a call to Triton.",
        buckets=GROUP_IMAGES,
        registry=REGISTRY,
    ),
    "commit": Histogram(
        "similarity_commit_images",
        "Images in a commit of the catalogue.",
        buckets=GROUP_IMAGES,
        registry=REGISTRY,
    ),
}
_triton_errors = Counter(
    "similarity_triton_errors",
    "Calls to Triton that failed, by the status of gRPC.",
    ["code"],
    registry=REGISTRY,
)
for _code in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL"):
    _triton_errors.labels(_code)  # exported from the start: else a rate misses the first error


def request_begins() -> None:
    """Counts a request as in flight."""
    _in_flight.inc()


def request_ends(
    method: str, route: str, status: int, took_s: float, stages: dict[str, float]
) -> None:
    """Counts a request as answered.

    Args:
        route: the template of its path, which keeps the number of labels small.
        stages: seconds by name, as `timings.stages` returns them.
    """
    _in_flight.dec()
    _requests.labels(method, route, str(status)).inc()
    _request_seconds.labels(route).observe(took_s)
    for stage, seconds in stages.items():
        _stage_seconds.labels(stage).observe(seconds)


def request_broken(reason: str) -> None:
    """Counts a request that its client broke off: "cut", "chunks" or "timeout" in its body, "gone"
    before its answer."""
    _broken.labels(reason).inc()


def request_malformed(status: int) -> None:
    """Counts a request that no call has seen, because it is not HTTP or over a limit."""
    _requests.labels(UNKNOWN, UNKNOWN, str(status)).inc()


def group(name: str, images: int) -> None:
    """Counts the images that shared a call to Triton ("infer") or a commit ("commit")."""
    if name in _groups:
        _groups[name].observe(images)


def triton_failed(code: str) -> None:
    """Counts a call that failed with this status of gRPC, such as "UNAVAILABLE"."""
    _triton_errors.labels(code).inc()
