"""The files of a request, as they were sent; never half of one, never more than is allowed."""

import tempfile
from contextlib import suppress
from pathlib import Path

import falcon
import pytest
from falcon import testing
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.errors import DataRequired, ImageTooLarge, SimilarityError, WrongArguments
from sidecar.http.reading.batch_uploads import BatchReader
from sidecar.http.reading.multipart import FIELD
from sidecar.http.reading.uploads import ImageReader
from sidecar.images.archives.members import BatchRules, File

MOST = 60  # bytes of an image
RULES = BatchRules(MOST, 100_000, max_files=200)
READER = ImageReader(MOST)
BOUNDARY = b"cut"
Fields = list[tuple[str, bytes]]

# Contents that look like the form around them, but for the boundary itself.
SHARDS = st.sampled_from(
    [b"\r\n", b"--", b"--cu", b"cut", b"\r\n--cu", b"\xff\xd8", b"", b"a" * 30]
)
CONTENTS = (
    st.lists(SHARDS, max_size=5).map(b"".join).filter(lambda content: b"--cut" not in content)
)
FIELDS = st.lists(st.tuples(st.sampled_from([FIELD, FIELD, "other"]), CONTENTS), max_size=5)


def form(fields: Fields) -> bytes:
    parts = b"".join(
        b"--%s\r\nContent-Disposition: form-data; name=%s; filename=f%d.jpg\r\n\r\n%s\r\n"
        % (BOUNDARY, name.encode(), number, content)
        for number, (name, content) in enumerate(fields)
    )
    return parts + b"--%s--\r\n" % BOUNDARY


def request(body: bytes, length: int | None = None) -> falcon.Request:
    """A request with a form, which says how long it is."""
    kind = f"multipart/form-data; boundary={BOUNDARY.decode()}"
    headers = {"Content-Type": kind, "Content-Length": str(length or len(body))}
    return testing.create_req(method="POST", headers=headers, body=body)


def read_batch(body: bytes, length: int | None = None) -> list[File]:
    with tempfile.TemporaryDirectory() as folder:
        found = list(BatchReader(RULES, Path(folder)).read(request(body, length)))
        assert list(Path(folder).iterdir()) == []
        return found


@given(FIELDS)
def test_the_one_image_is_read_as_it_was_sent(fields: Fields) -> None:
    sent = [content for name, content in fields if name == FIELD]
    expected: type[SimilarityError] | None = None
    if sent in ([], [b""]):
        expected = DataRequired
    elif len(sent[0]) > MOST:
        expected = ImageTooLarge
    elif len(sent) > 1:
        expected = WrongArguments
    if expected is None:
        assert READER.read(request(form(fields))) == sent[0]
    else:
        with pytest.raises(expected):
            READER.read(request(form(fields)))


@given(FIELDS)
def test_every_image_of_a_batch_is_read_as_it_was_sent(fields: Fields) -> None:
    sent = [(n, content) for n, (name, content) in enumerate(fields) if name == FIELD]
    if not sent:
        with pytest.raises(DataRequired):
            read_batch(form(fields))
        return
    found = read_batch(form(fields))
    assert [file.name for file in found] == [f"f{n}.jpg" for n, _ in sent]
    for file, (_, content) in zip(found, sent, strict=True):
        if len(content) > MOST:
            assert isinstance(file.content, ImageTooLarge)
        else:
            assert file.content == content


@given(FIELDS, st.floats(0, 1, exclude_max=True))
@example([(FIELD, b"a" * 30)], 0.9)
def test_a_request_that_breaks_off_gives_no_half_image(fields: Fields, share: float) -> None:
    body = form(fields)
    cut = body[: int(share * (len(body) - 4))]  # what follows the last "--" is nothing
    sent = [content for name, content in fields if name == FIELD]
    with pytest.raises((SimilarityError, falcon.HTTPError)):
        READER.read(request(cut, len(body)))
    try:
        found = read_batch(cut, len(body))
    except (SimilarityError, falcon.HTTPError):
        return
    *before, last = [file.content for file in found]
    assert isinstance(last, SimilarityError)
    for content, whole in zip(before, sent, strict=False):
        assert content == whole or isinstance(content, ImageTooLarge)


@given(FIELDS, st.data())
@example([(FIELD, b"a")], None)
def test_a_damaged_form_does_no_harm(fields: Fields, data: st.DataObject | None) -> None:
    body = bytearray(form(fields))
    if data is None:
        body = bytearray(body.replace(b"f0.jpg", b"\xe4.jpg"))  # Latin-1, not UTF-8
    else:
        at = st.integers(0, len(body) - 1)
        for place, byte in data.draw(st.lists(st.tuples(at, st.integers(0, 255)), max_size=4)):
            body[place] = byte
    with suppress(SimilarityError, falcon.HTTPError):
        assert len(READER.read(request(bytes(body)))) <= MOST
    try:
        found = read_batch(bytes(body))
    except (SimilarityError, falcon.HTTPError):
        return
    for content in (file.content for file in found):
        assert isinstance(content, bytes | SimilarityError)
        assert not isinstance(content, bytes) or len(content) <= MOST
