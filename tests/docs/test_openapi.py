"""The document of the API, held against the routes, the code and the pages."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from falcon import inspect
from openapi_spec_validator import OpenAPIV31SpecValidator

from campaigns.document import DOCUMENT
from local.stack import ROOT
from sidecar import errors
from sidecar.http import openapi
from sidecar.http.app import Sidecar, create_app
from sidecar.http.guards.auth import CHANGES
from sidecar.http.guards.cors import EXPOSED
from sidecar.http.reading.feedback_entries import MOST_EXAMPLES, MOST_WEIGHT
from sidecar.http.reading.json_body import MOST_ITEMS
from sidecar.http.reading.known_params import taken
from sidecar.http.resources import models
from sidecar.http.route import ANY, OPEN, Route
from sidecar.search.by_examples import UNLIKE_WEIGHT
from sidecar.settings import from_environment
from tests.docs.test_readme import table
from tests.support.examples import API
from tests.support.local_client import local_client

METHODS = ("get", "post", "put", "patch", "delete")
SCOPES = {OPEN: "open", ANY: "any"}
FILES = ("data", "other_data")
# The rows of the pages' table of parameters that name a call, too.
LIMITS = {"images": "images", "keywords": "keywords", "tasks": "tasks", "duplicates": "duplicates"}


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """A part of the document, or what it refers to, with what stands beside."""
    if "$ref" not in part:
        return part
    found: Any = DOCUMENT
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    beside = {name: value for name, value in part.items() if name != "$ref"}
    return {**resolved(found), **beside}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def parameters(path: str, operation: dict[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """The parameters of a call that stand in its query, its path or its head, by name."""
    given = [*DOCUMENT["paths"][path].get("parameters", []), *operation.get("parameters", [])]
    found = [resolved(each) for each in given]
    return {each["name"]: each for each in found if each["in"] == where}


def forms(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas of the forms that a call takes."""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        if "form" in kind:
            yield resolved(content["schema"])


def everything(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for each in part.values():
            yield from everything(each)
    elif isinstance(part, list):
        for each in part:
            yield from everything(each)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Sidecar:
    return create_app(from_environment(data_dir=tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def routes(app: Sidecar) -> dict[str, Route]:
    return {route.path: route for route in app.routes}


def test_it_is_valid() -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_the_service_answers_it(app: Sidecar) -> None:
    answer = local_client(app).simulate_get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == DOCUMENT
    assert "x-shared" not in DOCUMENT


def test_its_version_is_that_of_the_release() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert DOCUMENT["info"]["version"] == project["version"]


def test_every_path_and_method_is_in_it_and_no_other(app: Sidecar) -> None:
    served = {
        (route.path, method.method.lower())
        for route in inspect.inspect_routes(app)
        for method in route.methods
        if not method.internal
    }
    for path, method in served:
        assert (path, "head") not in served or (path, "get") in served, (path, method)
    without = {(path, method) for path, method in served if method != "head"}
    assert without == {(path, method) for path, method, _ in operations()}


def test_the_scope_of_every_call_is_in_it(routes: dict[str, Route]) -> None:
    for path, method, operation in operations():
        route = routes[path]
        posted = method == "post" and route.post_scope
        scope = posted or route.scope
        wanted = "write" if method.upper() in CHANGES else SCOPES.get(scope, scope)
        assert operation["x-scope"] == wanted, (path, method)
        assert (operation.get("security") == []) == (scope == OPEN), (path, method)


def test_the_parameters_of_every_call_are_in_it(routes: dict[str, Route]) -> None:
    for path, method, operation in operations():
        known = taken(routes[path].resource, method)
        assert known is not None
        assert set(parameters(path, operation, "query")) == set(known.names), (path, method)
        assert set(parameters(path, operation, "path")) == set(re.findall(r"{(\w+)}", path))


def test_what_is_a_parameter_of_a_query_is_a_field_of_every_form(
    routes: dict[str, Route],
) -> None:
    for path, method, operation in operations():
        in_query = parameters(path, operation, "query")
        known = taken(routes[path].resource, method)
        assert known is not None
        if method == "post" and in_query:
            assert list(forms(operation)), path
        for form in forms(operation):
            assert form["additionalProperties"] is False, path
            for name, schema in form["properties"].items():
                field = resolved(schema)
                if name in in_query and "type" in field and field.get("type") != "array":
                    assert field == resolved(in_query[name]["schema"]), (path, name)
            of_files = {
                name
                for name, schema in form["properties"].items()
                if name in FILES or resolved(schema).get("format") == "binary"
            }
            assert set(form["properties"]) - of_files == set(in_query), path


def test_a_form_in_json_has_the_same_fields() -> None:
    operation = DOCUMENT["paths"]["/similarity/recommend"]["post"]
    [in_json] = [
        resolved(content["schema"])
        for kind, content in operation["requestBody"]["content"].items()
        if kind == "application/json"
    ]
    assert set(in_json["properties"]) == set(
        parameters("/similarity/recommend", operation, "query")
    )


def test_a_parameter_has_the_range_and_the_default_of_the_pages() -> None:
    documented = {row[0]: (row[1], row[2]) for row in table(API, "Parameters")}
    seen = set()
    for path, method, operation in operations():
        for name, parameter in parameters(path, operation, "query").items():
            row = f"`{name}`"
            if name == "limit":
                row += f" of {path.rsplit('/', 1)[1]}"
            if name == "order":
                row += " of images" if path.endswith("/images") else " of a search"
            if row not in documented:
                continue
            seen.add(row)
            bounds, default = documented[row]
            schema = resolved(parameter["schema"])
            assert range_of(schema, bounds) == bounds, (path, method, name)
            assert_default(schema, default, parameter["description"], path)
    assert seen == set(documented)


def range_of(schema: dict[str, Any], written: str) -> str:
    """The range of a schema in the words of the pages; as written there, where it has none."""
    if "anyOf" in schema:  # a number, or a cursor
        return f"at least {schema['anyOf'][0]['minimum']}; {written.partition('; ')[2]}"
    if schema.get("type") == "boolean":
        return "`true` or `false`, `1` or `0`"
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    if "minimum" not in schema:
        assert schema.get("type") == "string"
        return written
    if schema.get("maximum") in (None, models.LARGEST_VERSION):
        return f"at least {schema['minimum']}"
    return f"{schema['minimum']} to {schema['maximum']}"


OF_TWO = ("/similarity/compare", "/similarity/explain")  # images


def assert_default(schema: dict[str, Any], written: str, text: str, path: str) -> None:
    number = re.match(r"^`?([\d./a-z]+)`?(?:; ([\d.]+) where two images are compared)?$", written)
    if number is None or written in ("none", "no limit"):  # or the name of a setting
        assert "default" not in schema
        setting = re.fullmatch(r"`([A-Z_]+)`", written)
        assert setting is None or setting[1] in schema["description"]
        return
    default = number[2] if number[2] and path in OF_TWO else number[1]
    value = schema["default"]
    if default == "1/3":
        assert value == UNLIKE_WEIGHT
    else:
        assert (str(value).lower() if isinstance(value, bool) else f"{value}") == default


def test_the_bounds_of_lists_are_those_of_the_code() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    paths = DOCUMENT["paths"]
    for path in (
        "/similarity/remove_batch",
        "/similarity/images/check",
        "/similarity/search_batch",
        "/similarity/duplicates/decisions",
    ):
        body = paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert body["maxItems"] == MOST_ITEMS
    assert schemas["Feedback"]["properties"]["like"]["maxItems"] == MOST_EXAMPLES
    assert schemas["UnlikeWeight"]["maximum"] == MOST_WEIGHT
    assert schemas["VersionNumber"]["maximum"] == models.LARGEST_VERSION


def words_of(part: Any) -> set[str]:
    """The words that a schema's `message` may be, where it lists them itself."""
    found = set()
    for each in everything(part):
        message = each.get("properties", {}).get("message", {})
        found |= {message["const"]} if "const" in message else set(message.get("enum", ()))
    return found


def test_the_words_of_errors_are_those_of_the_pages_and_of_the_code() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    documented = {row[1].strip("`") for row in table(API, "Errors")}
    assert set(schemas["ErrorWord"]["enum"]) == documented
    known = {kind.word for kind in kinds(errors.SimilarityError)}
    assert set(schemas["TaskErrorWord"]["enum"]) <= known


def kinds(kind: type[errors.SimilarityError]) -> Iterator[type[errors.SimilarityError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from kinds(each)


def test_every_error_is_in_it_under_its_status() -> None:
    documented = {(int(row[0]), row[1].strip("`")) for row in table(API, "Errors")}
    outside = {name: each for name, each in DOCUMENT["x-outside"].items() if name.isdigit()}
    answers = [operation["responses"] for *_, operation in operations()] + [outside]
    found = {
        (int(status), word)
        for each in answers
        for status, answer in each.items()
        for word in words_of(resolved(answer))
        if status >= "400"
    }
    malformed = {(400, word) for word in words_of(resolved(DOCUMENT["x-outside"]["malformed"]))}
    assert found | {(400, "malformed_request")} == documented
    assert (400, "malformed_request") in malformed


def test_every_answer_has_the_headers_that_all_have() -> None:
    for path, method, operation in operations():
        for status, answer in operation["responses"].items():
            headers = resolved(answer).get("headers", {})
            assert {"X-Request-Id", "Server-Timing"} <= set(headers), (path, method, status)
            assert ("Retry-After" in headers) == (
                status in ("429", "503") and path != "/health/ready"
            ), (path, method, status)


def test_every_header_that_a_web_page_may_read_is_in_it() -> None:
    named = {name for each in everything(DOCUMENT) for name in each.get("headers", {})}
    assert set(EXPOSED) <= named


def test_every_call_has_what_a_reader_and_a_client_need() -> None:
    names = [operation["operationId"] for *_, operation in operations()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for path, method, operation in operations():
        assert operation["summary"] and operation["description"], (path, method)
        assert operation["tags"] and set(operation["tags"]) <= tags, (path, method)
        done = resolved(operation["responses"]["200"])
        for kind, content in done["content"].items():
            binary = resolved(content.get("schema", {})).get("format") == "binary"
            shown = {"example", "examples"} & set(content)
            assert binary or shown or path == "/openapi.json", (path, method, kind)


def test_nothing_in_it_is_left_over() -> None:
    used = {each["$ref"] for each in everything(DOCUMENT) if "$ref" in each}
    for kind in ("schemas", "responses", "parameters", "headers"):
        for name in DOCUMENT["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, name


def test_no_part_of_it_lacks_in_the_package() -> None:
    folder = Path(openapi.__file__).parent
    assert {path.stem for path in folder.glob("*.yaml")} == set(openapi.PARTS)
