"""Writes the rules of Prometheus as its operator takes them: `python -m deploy.prometheus_rule`.

The source is deploy/prometheus. Each file becomes an object of its own, since the names of groups
have to differ within one.
"""

from pathlib import Path
from textwrap import indent

FOLDER = Path(__file__).parent
FILES = ("recording", "alerts")
WRITTEN = FOLDER / "kubernetes" / "monitoring" / "rules.yaml"
HEAD = """\
# Made of deploy/prometheus/{name}.yml by `python -m deploy.prometheus_rule`: change it there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: similarity-{name}
spec:
"""


def made() -> str:
    """Returns the text of the file, as the sources are now."""
    return "---\n".join(map(_object, FILES))


def _object(name: str) -> str:
    text = (FOLDER / "prometheus" / f"{name}.yml").read_text()
    groups = text[text.index("groups:\n") :]
    return HEAD.format(name=name) + indent(groups, "  ")


if __name__ == "__main__":
    WRITTEN.write_text(made())
