"""How hypothesis looks for examples: the same ones each time, so that no run flickers.

HYPOTHESIS_PROFILE=explore draws new ones, many more; what it finds becomes an `@example`.
"""

import os

from hypothesis import HealthCheck, settings

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)

settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,  # a busy machine is no failure
    database=None,
    max_examples=60,
    suppress_health_check=SLOW,
)
settings.register_profile(
    "explore", settings.get_profile("steady"), derandomize=False, max_examples=1000, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
