"""Asks Triton, one server or several, for features and keywords. The one door to tritonclient.

TritonClient ──► Alone: one address ──────────────► Endpoint
            └──► Servers ──► Server, one an address ─► Endpoint: control, proof
                        └──► Route: those proved ────► Endpoint: inference, by turns
"""

from sidecar.models.triton.client import TritonClient
from sidecar.models.triton.endpoint import FEATURES, KEYWORDS, REGIONS, Endpoint, failures
from sidecar.models.triton.verdict import ServerState, State

__all__ = [
    "FEATURES",
    "KEYWORDS",
    "REGIONS",
    "Endpoint",
    "ServerState",
    "State",
    "TritonClient",
    "failures",
]
