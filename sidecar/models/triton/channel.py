"""The options of gRPC's channels to Triton."""

import json
from itertools import count

Options = list[tuple[str, str | int]]

ATTEMPTS = 3
_SIZES: Options = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]

# To one server. gRPC waits up to two minutes before it tries again; a restarted one is up sooner.
ALONE: Options = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 200),
    *_SIZES,
]

# An inference gives the same each time, so it may be tried again where a server does not take it.
# Source: https://github.com/grpc/proposal/blob/master/A6-client-retries.md.
SERVICE = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{"service": "inference.GRPCInferenceService", "method": "ModelInfer"}],
            "retryPolicy": {
                "maxAttempts": ATTEMPTS,
                "initialBackoff": "0.01s",
                "maxBackoff": "0.1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}
RETRY_BYTES = 1 << 30  # gRPC tries nothing again that is larger: 256 KiB unless set, two images
# A lost connection is tried again at once, which finds no server where one was killed, and then not
# for so long that a look has left the server out. So a restarted one is proved before it is asked.
RECONNECT_MS = 60_000
CONNECT_MS = 3000

_numbers = count()


def of_several() -> Options:
    """Returns the options of a channel to some of several servers.

    Each has a number of its own, or gRPC would give it the connections of an earlier channel, lost
    ones with the time that they wait.
    """
    return [
        ("grpc.service_config", json.dumps(SERVICE)),
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.per_rpc_retry_buffer_size", RETRY_BYTES),
        ("grpc.initial_reconnect_backoff_ms", RECONNECT_MS),
        ("grpc.min_reconnect_backoff_ms", CONNECT_MS),
        ("grpc.max_reconnect_backoff_ms", RECONNECT_MS),
        ("similarity.channel", next(_numbers)),
        *_SIZES,
    ]
