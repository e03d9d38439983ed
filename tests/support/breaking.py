"""Finds what in a new document of the API breaks a client that was written for an older one.

A call may get parameters that need not be sent, and answers may get fields, statuses and words:
those are no breaks. What was answered stays, and what was taken is taken.
"""

from collections.abc import Iterator
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems")
MOST = ("maximum", "maxLength", "maxItems")
CHOICES = ("oneOf", "anyOf")

Part = dict[str, Any]


def breaks(old: Part, new: Part) -> list[str]:
    """Returns a sentence for each break."""
    return list(_of_paths(whole(old, old)["paths"], whole(new, new)["paths"]))


def whole(part: Any, document: Part) -> Any:
    """Returns a part of a document with all that it refers to in its place."""
    if isinstance(part, list):
        return [whole(each, document) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" not in part:
        return {name: whole(each, document) for name, each in part.items()}
    found: Any = document
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    beside = {name: each for name, each in part.items() if name != "$ref"}
    return _merged(whole(found, document), whole(beside, document))


def _merged(one: Part, beside: Part) -> Part:
    both = {**one, **beside}
    for name in one.keys() & beside.keys():
        if isinstance(one[name], dict) and isinstance(beside[name], dict):
            both[name] = _merged(one[name], beside[name])
    return both


def _of_paths(old: Part, new: Part) -> Iterator[str]:
    for path, item in old.items():
        for method in METHODS:
            if method not in item:
                continue
            call = f"{method.upper()} {path}"
            if method not in new.get(path, {}):
                yield f"{call} is gone"
                continue
            both = [
                {**each[method], "shared": each.get("parameters", [])} for each in (item, new[path])
            ]
            yield from (f"{call}: {each}" for each in _of_call(*both))


def _of_call(old: Part, new: Part) -> Iterator[str]:
    for name in ("operationId", "x-scope"):
        if old[name] != new[name]:
            yield f"its {name} is {new[name]}, and was {old[name]}"
    yield from _of_parameters(_parameters(old), _parameters(new))
    yield from _of_body(old.get("requestBody", {}), new.get("requestBody", {}))
    yield from _of_answers(old["responses"], new["responses"])


def _parameters(call: Part) -> dict[tuple[str, str], Part]:
    given = [*call["shared"], *call.get("parameters", [])]
    return {(each["in"], each["name"]): each for each in given}


def _of_parameters(
    old: dict[tuple[str, str], Part], new: dict[tuple[str, str], Part]
) -> Iterator[str]:
    for key, parameter in new.items():
        if parameter.get("required") and not old.get(key, {}).get("required"):
            yield f"{key[1]} must be sent"
    for key, parameter in old.items():
        if key not in new:
            yield f"{key[1]} is no more taken"
        else:
            yield from _taken(parameter["schema"], new[key]["schema"], key[1])


def _of_body(old: Part, new: Part) -> Iterator[str]:
    if new.get("required") and not old.get("required"):
        yield "a body must be sent"
    for kind, content in old.get("content", {}).items():
        if kind not in new.get("content", {}):
            yield f"{kind} is no more taken"
        else:
            yield from _taken(content["schema"], new["content"][kind]["schema"], kind)


def _of_answers(old: Part, new: Part) -> Iterator[str]:
    for status, answer in old.items():
        if status not in new:
            if status < "400":
                yield f"{status} is gone"
            continue
        for name in answer.get("headers", {}).keys() - new[status].get("headers", {}).keys():
            yield f"{status} lacks the header {name}"
        for kind, content in answer.get("content", {}).items():
            if kind not in new[status].get("content", {}):
                yield f"{status} is no more answered as {kind}"
            else:
                yield from _given(content["schema"], new[status]["content"][kind]["schema"], status)


def _taken(old: Part, new: Part, place: str) -> Iterator[str]:
    """Yields what was taken and no more is."""
    if not _types(old) <= _types(new):
        yield f"{place} takes other types"
    if "enum" in new and not set(map(str, _values(old))) <= set(map(str, new["enum"])):
        yield f"{place} takes fewer values"
    for names, narrower in ((LEAST, max), (MOST, min)):
        for name in names:
            if name in new and (name not in old or narrower(old[name], new[name]) != old[name]):
                yield f"{place}: its {name} is {new[name]}, and was {old.get(name)}"
    if old.get("default") != new.get("default"):
        yield f"{place}: its default is {new.get('default')}, and was {old.get('default')}"
    for name in set(new.get("required", ())) - set(old.get("required", ())):
        yield f"{place}.{name} must be sent"
    yield from _within(_taken, old, new, place, "no more taken")


def _given(old: Part, new: Part, place: str) -> Iterator[str]:
    """Yields what was answered and no more is, and what may be answered that was not."""
    if not _types(new) <= _types(old):
        yield f"{place} has other types"
    for name in set(old.get("required", ())) - set(new.get("required", ())):
        yield f"{place}.{name} may lack"
    if gone := set(map(str, _values(old))) - set(map(str, _values(new))):
        yield f"{place} is no more {', '.join(sorted(gone))}"
    yield from _within(_given, old, new, place, "gone")


def _within(compare: Any, old: Part, new: Part, place: str, gone: str) -> Iterator[str]:
    for name, schema in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{place}.{name} is {gone}"
        else:
            yield from compare(schema, new["properties"][name], f"{place}.{name}")
    if "items" in old:
        yield from compare(old["items"], new.get("items", {}), f"{place}[]")
    for kind in CHOICES:
        one, other = old.get(kind, []), new.get(kind, [])
        if len(one) != len(other):
            yield f"{place} has {len(other)} kinds, and had {len(one)}"
        for number, (before, after) in enumerate(zip(one, other, strict=False)):
            yield from compare(before, after, f"{place}({number})")


def _types(schema: Part) -> set[str]:
    given = schema.get("type", [])
    return {given} if isinstance(given, str) else set(given)


def _values(schema: Part) -> list[Any]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", []))
