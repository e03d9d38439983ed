"""A number of threads that would end the genuine server is refused before anything is exported."""

from pathlib import Path

import pytest

from export import config, fitting
from export.config import Purpose
from tests.support import exporting

ASKED = ["--module", "campaigns.networks:small", "--resize", "40", "--crop", "32"]


def by_hand(repository: Path, name: str, value: str) -> None:
    """Writes a config.pbtxt with a parameter that somebody has added."""
    text = config.render(Purpose(), [32])
    text += f'parameters {{ key: "{name}" value {{ string_value: "{value}" }} }}\n'
    (repository / "keywording").mkdir(parents=True)
    (repository / "keywording" / "config.pbtxt").write_text(text)


@pytest.mark.parametrize("value", ["99999999999", "1025", "-1", "all", "", "4.5"])
@pytest.mark.parametrize("name", ["intra_op_thread_count", "inter_op_thread_count"])
def test_threads_that_would_end_the_server_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    by_hand(tmp_path, name, value)
    (tmp_path / "labels.txt").write_text("cat\ndog\nfox\n")
    words = [*ASKED, "--precision", "fp32", "--version", "1", "--labels", f"{tmp_path}/labels.txt"]
    assert exporting.run([*words, "--repository", f"{tmp_path}"]) == 2
    expected = f"export: config.pbtxt sets {name} to '{value}': it must be 0 to 1024 threads\n"
    assert capsys.readouterr().err == expected
    assert not (tmp_path / "keywording" / "1").exists()


@pytest.mark.parametrize("value", ["0", "4", "1024"])
def test_threads_that_a_server_can_have_are_taken(tmp_path: Path, value: str) -> None:
    by_hand(tmp_path, "intra_op_thread_count", value)
    text = config.read(tmp_path)
    assert text is not None
    assert f'string_value: "{value}"' in text
    fitting.check_numbers(text)


def test_a_comment_sets_no_threads() -> None:
    fitting.check_numbers(
        "# Such as:\n"
        '# parameters { key: "intra_op_thread_count" value { string_value: "99999999999" } }\n'
    )
