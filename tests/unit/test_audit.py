"""What the audit makes of pip-audit's answer."""

import pytest

from tests.support import audit

VULNERABLE = {
    "name": "old",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"]}],
}


def test_a_vulnerability_is_reported_unless_it_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert audit.vulnerabilities([VULNERABLE]) == ["old 1.0: PYSEC-1, mended in ['1.1']"]
    monkeypatch.setitem(audit.ACCEPTED, "CVE-1", "a test")
    assert audit.vulnerabilities([VULNERABLE]) == []


def test_what_is_accepted_has_a_reason() -> None:
    assert all(audit.ACCEPTED.values())
