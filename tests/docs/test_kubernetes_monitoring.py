"""What deploy/kubernetes has for Prometheus and for scaling goes with deploy/prometheus."""

import subprocess
from pathlib import Path

import yaml

from deploy import prometheus_rule
from local.stack import ROOT
from tests.support.kubernetes import of_kind
from tests.support.watcher import metrics_in, program_or_skip


def test_the_rules_are_made_of_those_of_prometheus() -> None:
    assert prometheus_rule.WRITTEN.read_text() == prometheus_rule.made()
    for name in prometheus_rule.FILES:
        source = yaml.safe_load((ROOT / f"deploy/prometheus/{name}.yml").read_text())
        assert of_kind("example", "PrometheusRule")[f"similarity-{name}"]["spec"] == source
        groups = [group["name"] for group in source["groups"]]
        assert len(groups) == len(set(groups))


def test_targets_have_the_labels_that_rules_reckon_by() -> None:
    monitors = of_kind("example", "ServiceMonitor")
    assert set(monitors) == {"sidecar", "worker", "triton"}
    keys = {
        name: each["spec"]["endpoints"][0].get("authorization") for name, each in monitors.items()
    }
    assert keys.pop("sidecar") == {"credentials": {"name": "similarity-keys", "key": "prometheus"}}
    assert set(keys.values()) == {None}
    for name, each in monitors.items():
        [endpoint] = each["spec"]["endpoints"]
        renamed, dropped = endpoint["relabelings"]
        assert renamed["targetLabel"] == "instance"
        # What the operator adds: with these, `without (instance)` sums up nothing.
        assert dropped == {"action": "labeldrop", "regex": "pod|container|endpoint|service"}
        service = of_kind("example", "Service")[name]
        assert service["metadata"]["labels"][each["spec"]["jobLabel"]] == name
        assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_what_scales_triton_is_a_figure_that_it_exports(tmp_path: Path) -> None:
    """Which the rules read, too: stack/test_watched.py holds these against the real one."""
    [scaled] = of_kind("example", "ScaledObject").values()
    [trigger] = scaled["spec"]["triggers"]
    query = trigger["metadata"]["query"]
    assert metrics_in(query) == {"nv_inference_queue_duration_us"}
    assert metrics_in(query) <= metrics_in((ROOT / "deploy/prometheus/recording.yml").read_text())
    assert scaled["spec"]["scaleTargetRef"]["name"] in of_kind("example", "Deployment")
    assert "replicas" not in of_kind("example", "Deployment")["triton"]["spec"]
    least = of_kind("base", "Deployment")["triton"]["spec"]["replicas"]
    assert scaled["spec"]["minReplicaCount"] == least
    rules = {"groups": [{"name": "scaling", "rules": [{"record": "waiting", "expr": query}]}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules))
    command = [program_or_skip("promtool"), "check", "rules", str(tmp_path / "rules.yml")]
    assert subprocess.run(command, check=False).returncode == 0
