"""The subcommands about stored images, over the real stack."""

import hashlib
import io
import re
from base64 import b64decode
from pathlib import Path

import pytest
from PIL import Image
from similarity_client import Similarity

from local.stack import Stack
from tests.client.command import Command, refused
from tests.support.calls import jpeg, picture, unused

SOURCE = re.compile(r'<img src="data:([^;]+);base64,([^"]*)" alt="([^"]*)">')


@pytest.fixture
def photo(collection: dict[str, bytes], tmp_path: Path) -> Path:
    """A file of the first stored image."""
    name, content = next(iter(collection.items()))
    path = tmp_path / f"{name}.jpg"
    path.write_bytes(content)
    return path


def test_a_search_by_a_file_stdin_and_an_id(
    command: Command, similarity: Similarity, photo: Path
) -> None:
    wanted = similarity.search(photo, num_results=3, nprob=100)
    words = ("--num-results", "3", "--nprob", "100")
    found = command.json("search", f"{photo}", *words)
    assert found == [{"id": name, "dist": dist} for dist, name in wanted.pairs()]
    assert command.json("search", "-", *words, given=photo.read_bytes()) == found
    by_id = command.json("search", "--id", photo.stem, "-n", "2")
    assert [each["id"] for each in by_id] == list(wanted.result[1:])
    plain = command("search", f"{photo}", *words).stdout
    assert plain == "".join(f"{dist:.4f}\t{name}\n" for dist, name in wanted.pairs())
    near = command.json("search", f"{photo}", "--max-dist", "0")
    assert [each["id"] for each in near] == [photo.stem]
    same = similarity.search(photo, max_dist="same")
    assert command.json("search", f"{photo}", "--max-dist", "same") == [
        {"id": name, "dist": dist} for dist, name in same.pairs()
    ]
    refused(command("search", "--id", unused()), 1, "unknown_image_id")
    refused(command("search", f"{photo}", "-n", "0"), 2, "wrong_arguments_format", "num_results")
    refused(command("search", f"{photo}", "--box", "0,0,2,2"), 2, "wrong_arguments_format", "box")
    refused(command("search", "-", given=b"no image"), 1, "image_reading_error")
    refused(command("search", f"{photo}", "--max-dist", "equal"), 2, "a number, same or similar")
    refused(command("search", "-"), 1, "data_payload_required")


def test_a_search_by_fields_pages_groups_and_parts(
    command: Command, similarity: Similarity, tmp_path: Path
) -> None:
    group = unused()
    names = [f"{group}-{number}" for number in range(4)]
    for number, name in enumerate(names):
        said = {"group": group, "half": number // 2}
        similarity.add(picture(20 + number), name, metadata=said)
    path = tmp_path / "query.jpg"
    path.write_bytes(picture(20))
    of_group = ("search", f"{path}", "--filter", f'{{"group": "{group}"}}')
    first, *_ = command.json(*of_group, "--fields")
    assert first["id"] == names[0]
    assert first["metadata"] == {"group": group, "half": 0}
    assert {"name", "score"} == set(first["keywords"][0])
    line = command(*of_group, "--fields", "-n", "1").stdout
    assert line.split("\t")[1::2] == [names[0], f'{{"group": "{group}", "half": 0}}\n']
    assert first["keywords"][0]["name"] in line.split("\t")[2]
    ranked = command.json(*of_group, "--offset", "0")
    assert command.json(*of_group, "--offset", "2", "-n", "2") == ranked[2:]
    groups = command.json(*of_group, "--group-by", "half", "--group-size", "2", "-n", "1")
    assert {each["id"] for each in groups} == set(names[:2])
    assert command.json(*of_group, "--box", "0.1,0.1,0.5,0.5") != ranked


def test_a_search_by_several_images(
    command: Command, similarity: Similarity, collection: dict[str, bytes], photo: Path
) -> None:
    one, other, third = list(collection)[1:4]
    (photo.parent / "third").write_bytes(collection[third])
    liked = similarity.recommend([photo, one], [other, photo.parent / "third"], num_results=5)
    words = (f"{photo}", "--id", one, "--unlike", other, "--unlike-file", f"{photo.parent}/third")
    found = command.json("search", *words, "-n", "5")
    assert [each["id"] for each in found] == list(liked.result)


def test_a_page_of_what_was_found(
    command: Command, similarity: Similarity, collection: dict[str, bytes], tmp_path: Path
) -> None:
    odd = f'"><b>&amp; {unused()}'
    similarity.add(picture(50), odd)
    query, page = tmp_path / "<i>.jpg", tmp_path / "found.html"
    query.write_bytes(picture(50))
    result = command("search", f"{query}", "-n", "2", "--page", f"{page}")
    assert result.exit_code == 0
    assert result.stderr == f"the page is {page}\n"
    text = page.read_text()
    assert "<script" not in text
    assert "<b>" not in text
    assert "<i>" not in text
    tiles = SOURCE.findall(text)
    assert [kind for kind, _, _ in tiles] == ["image/jpeg"] * 3
    assert b64decode(tiles[0][1]) == picture(50)
    shown = {alt: b64decode(data) for _, data, alt in tiles[1:]}
    [escaped] = [alt for alt in shown if alt.startswith("&quot;&gt;&lt;b&gt;&amp;amp; ")]
    assert shown[escaped] == similarity.thumbnail(odd).content
    assert len(re.findall(r"<small>\d\.\d{4}</small>", text)) == 2
    name = next(iter(collection))
    assert command("search", "--id", name, "-n", "1", "--page", f"{page}").exit_code == 0
    assert SOURCE.findall(page.read_text())[0][2] == name
    refused_page = command("search", "--id", name, "--page", f"{tmp_path}/none/page.html")
    assert (refused_page.exit_code, "Traceback" in refused_page.output) == (1, False)
    assert refused_page.stderr.startswith("error: ")


def test_a_page_is_opened_in_a_browser(
    command: Command, collection: dict[str, bytes], tmp_path: Path
) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    name = next(iter(collection))
    env = {"BROWSER": f"{browser} %s", "TMPDIR": f"{tmp_path}"}
    process = command.begun("search", "--id", name, "-n", "2", "--open", **env)
    out, said = process.communicate()
    assert process.returncode == 0, said
    assert len(out.splitlines()) == 2
    page = Path(said.removeprefix("the page is ").strip())
    assert opened.read_text() == f"{page.as_uri()}\n"
    assert page.parent == tmp_path
    assert page.stat().st_mode & 0o777 == 0o600
    assert len(SOURCE.findall(page.read_text())) == 3


def test_an_image_is_described(command: Command, similarity: Similarity) -> None:
    name = unused()
    similarity.add(picture(60), name, metadata={"category": "größe", "tags": ["a", "b"]})
    [found] = command.json("get", name)
    assert found["id"] == name
    assert found["sha256"] == hashlib.sha256(picture(60)).hexdigest()
    assert found["metadata"] == {"category": "größe", "tags": ["a", "b"]}
    assert found["versions"] == [1]
    assert "meta" not in found
    shown = dict(line.split("\t") for line in command("get", name).stdout.splitlines())
    assert shown["metadata"] == '{"category": "größe", "tags": ["a", "b"]}'
    assert shown["indexed"] == "no"
    assert shown["keywords"].startswith(found["keywords"][0]["name"])
    refused(command("get", unused()), 1, "unknown_image_id")
    refused(command("get", "a/b"), 2)
    refused(command("get", "a?b"), 2, "wrong_arguments_format")


def test_all_images_are_listed(command: Command, similarity: Similarity, served: Stack) -> None:
    name = unused()
    similarity.add(picture(61), name)
    ids = [each.id for each in similarity.images()]
    assert len(ids) > 1000  # of which there are two pages
    assert command("ls").stdout == "".join(f"{each}\n" for each in ids)
    assert command.json("ls") == [{"id": each} for each in ids]
    assert command("ls", "--limit", "2").stdout.splitlines() == ids[:2]
    assert command("ls", "--newest").stdout.splitlines() == ids[::-1]
    keyword = similarity.get(name).keywords[0].name
    refused(command("ls", "--newest", "--keyword", keyword), 2)
    wanted = list(similarity.images(keyword=keyword, min_score=0.1))
    found = command.json("ls", "--keyword", keyword, "--min-score", "0.1")
    assert found == [{"id": each.id, "score": each.score} for each in wanted]
    first = command("ls", "--keyword", keyword, "--limit", "1").stdout
    assert first == f"{wanted[0].id}\t{wanted[0].score:.4f}\n"
    refused(command("ls", "--keyword", "nonsense"), 2, "wrong_arguments_format")
    code, shown = command.on_terminal("ls", "--limit", "3")
    assert (code, shown.splitlines()) == (0, ids[:3])


def test_who_reads_a_list_may_stop(command: Command) -> None:
    process = command.begun("ls")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait() == 0
    assert process.stderr.read() == ""
    process.stderr.close()


def test_images_are_removed(command: Command, similarity: Similarity) -> None:
    names = [unused() for _ in range(6)]
    for name in names:
        similarity.add(picture(62), name)
    assert command("rm", names[0]).stdout == f"{names[0]}\tremoved\n"
    refused(command("rm", names[0]), 1, "unknown_image_id", names[0])
    found = command.json("rm", names[0], names[1], "--yes", code=1)
    states = [(each["id"], each["state"]) for each in found]
    assert states == [(names[0], "missing"), (names[1], "removed")]
    refused(command("rm", *names[2:4]), 2, "say --yes")
    lines = f"{names[2]}\n\n{names[3]}\r\n".encode()
    removed = command("rm", "-", "-y", given=lines)
    assert removed.stdout == f"{names[2]}\tremoved\n{names[3]}\tremoved\n"
    assert command("rm", "-", "-y").exit_code == 0
    code, shown = command.on_terminal("rm", *names[4:], typed="n\n")
    assert (code, "nothing was done" in shown) == (1, True)
    code, shown = command.on_terminal("rm", *names[4:], typed="y\n")
    assert (code, f"{names[5]}" in shown) == (0, True)
    assert similarity.check(dict.fromkeys(names, "00")).of("missing") == tuple(names)


def test_the_files_of_an_image(command: Command, similarity: Similarity, tmp_path: Path) -> None:
    name, path = unused(), tmp_path / "out.jpg"
    similarity.add(jpeg((1, 200, 3)), name)
    kept = command("thumbnail", name).stdout_bytes
    assert Image.open(io.BytesIO(kept)).format == "JPEG"
    assert command("thumbnail", name, "--original").stdout_bytes == jpeg((1, 200, 3))
    [found] = command.json("thumbnail", name, "--original", "-o", f"{path}")
    size = len(jpeg((1, 200, 3)))
    assert found == {"id": name, "file": f"{path}", "bytes": size}
    assert path.read_bytes() == jpeg((1, 200, 3))
    refused(command("thumbnail", unused()), 1, "unknown_image_id")
    code, shown = command.on_terminal("thumbnail", name)
    assert (code, "-o FILE" in shown) == (2, True)


def test_keywords_are_counted(command: Command, similarity: Similarity) -> None:
    counts = similarity.keywords(limit=2).keywords
    found = command.json("keywords", "--limit", "2")
    assert found == [{"name": each.name, "count": each.count} for each in counts]
    prefix = counts[0].name[:2]
    for line in command("keywords", "--prefix", prefix).stdout.splitlines():
        assert line.startswith(prefix)
    refused(command("keywords", "--limit", "0"), 2, "wrong_arguments_format")


def test_a_terminal_gets_a_table_and_no_colour_where_that_is_asked_for(
    command: Command, collection: dict[str, bytes]
) -> None:
    line = ("search", "--id", next(iter(collection)), "-n", "1")
    shown = command(*line, FORCE_COLOR="1").stdout
    assert "dist" in shown
    assert "\x1b[" in shown
    assert "\t" not in shown
    shown = command(*line, FORCE_COLOR="1", NO_COLOR="1").stdout
    assert not re.search(r"\x1b\[[\d;]*[34]\d", shown)


def test_duplicates_are_found_and_listed(command: Command, similarity: Similarity) -> None:
    one, other = unused(), unused()
    for name in (one, other):
        similarity.add(picture(91), name)
    similarity.update().wait(timeout=60)
    assert command("duplicates", "--class", "identical", "--find").exit_code == 0
    found = command.json("duplicates", "--class", "identical")
    [group] = [group for group in found if group["best"] == one]
    assert [image["id"] for image in group["images"]] == [one, other]
    lines = command("duplicates", "--class", "identical").stdout.splitlines()
    assert f"1.000\t{one}\t{other}" in lines
    similarity.remove_batch([one, other])
