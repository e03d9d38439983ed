"""Which process of a parallel run has which files."""

from pathlib import Path

from local.stack import ROOT
from tests.support.scheduling import group

TESTS = ROOT / "tests"


def test_files_that_share_a_stack_or_a_database_run_in_one_process() -> None:
    def groups(*files: str) -> set[str]:
        return {group(TESTS / file) for file in files}

    assert groups("stack/test_api.py", "stack/test_bench.py") == {"the stack"}
    assert groups("stack/test_logs.py", "stack/test_stored_images.py") == {"the tiny stack"}
    catalogue = [f"catalogue/{file.name}" for file in (TESTS / "catalogue").glob("test_*.py")]
    shares = {name for name in groups(*catalogue) if name.startswith("databases")}
    assert shares == {f"databases of catalogue, {n} of 3" for n in (1, 2, 3)}
    assert groups("stack/test_chaos.py", "stack/test_old_volume.py") == {"databases of stack"}


def test_any_other_file_is_a_group_of_its_own(tmp_path: Path) -> None:
    for file in (TESTS / "stack/test_recovery.py", TESTS / "unit/test_ports.py"):
        assert group(file) == str(file)
    own = tmp_path / "test_own.py"
    own.write_text("\ndef stack():\n    ...\n\ndef test_one(stack: Stack) -> None:\n    ...\n")
    assert group(own) == str(own)
