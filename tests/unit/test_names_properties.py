"""A file's name in a batch becomes an id, and never leads anywhere."""

import posixpath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.errors import WrongArguments
from sidecar.images import ids
from sidecar.images.names import id_of
from tests.unit.test_ids_properties import IDS

PIECES = st.sampled_from(
    ["..", ".", "/", "\\", "a", "b.jpg", "C:", "~", " ", "\x00", "\udc80", ":"]
)
NAMES = st.lists(PIECES, min_size=1, max_size=8).map("".join) | st.text(min_size=1, max_size=20)
FOLDERS = st.lists(st.text("abcä0-_ ", min_size=1, max_size=5), max_size=4)


@given(NAMES)
@example(".")
@example("./")
@example("C:\\cat.jpg")
@example("cats/../../cat.jpg")
def test_a_name_is_an_id_within_its_folder_or_refused(name: str) -> None:
    try:
        image_id = id_of(name)
    except WrongArguments:
        return
    assert ids.check(image_id) == image_id
    inside = posixpath.normpath(f"/folder/{name}".replace("\\", "/"))
    assert inside.startswith("/folder/")
    assert image_id == posixpath.basename(inside).removesuffix("".join(ending(inside)))


def ending(path: str) -> list[str]:
    """The last ending of a file's name, if it has one: a dot at either end begins none."""
    name = posixpath.basename(path)
    at = name.rfind(".")
    return [name[at:]] if 0 < at < len(name) - 1 else []


@given(IDS, FOLDERS, st.sampled_from("/\\"))
def test_folders_and_an_ending_change_no_id(image_id: str, folders: list[str], cut: str) -> None:
    assert id_of(cut.join([*folders, f"{image_id}.jpeg"])) == image_id


@given(NAMES, st.sampled_from(["../", "/", "..\\", "\\", "a/../", "a\\..\\", "C:/"]))
def test_a_name_that_leads_out_of_its_folder_is_refused(name: str, out: str) -> None:
    with pytest.raises(WrongArguments):
        id_of(out + name)
