"""What an operator looks at and mends with: health, figures, and the commands beside the service.

`commands.maintain` is imported from its module: it loads what trains, which the HTTP process must
not.
"""

from sidecar.operations.gauges import Gauges
from sidecar.operations.health import Health
from sidecar.operations.model_status import ModelStatus
from sidecar.operations.stats import Inventory, Stats

__all__ = ["Gauges", "Health", "Inventory", "ModelStatus", "Stats"]
