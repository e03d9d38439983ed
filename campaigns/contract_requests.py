"""The document of the API as the campaign draws requests of it.

What a schema says of a text, such as that it is a filter in JSON, no generator makes anything of:
here are some to choose from. Parameters stand in the query alone, since one that comes in the form,
too, is refused; and of those that exclude each other, each call has one.
"""

import copy
import json
from random import Random
from typing import Any

from hypothesis import strategies
from schemathesis import openapi as drawing

from campaigns.fuzz_bodies import image

PHOTO = "photo"  # a format, for the generator alone
PHOTOS = 200
IDS = ["first-1", "first-2", "first-3", "first-900", "new-1", "new-2", "check", "é", "a b", "猫"]
BOXES = ["0,0,1,1", "0.2,0.1,0.5,0.5", "0.5,0,0.5,1", "0,0,0.01,0.01", "0.9,0,0.2,1"]
DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"price": 45, "shop": "a", "tags": ["red", "sale"], "sold_out": False},
    {"price": 0.5, "shop": "b", "tags": [], "old": None},
    {"price": "dear"},
]
FILTERS: list[dict[str, Any]] = [
    {},
    {"shop": "a"},
    {"price": {"$lt": 50, "$gte": 0.5}},
    {"tags": {"$in": ["red", "blue"]}},
    {"$or": [{"shop": {"$ne": "a"}}, {"$not": {"price": {"$exists": True}}}]},
    {"$id": ["first-1", "first-2", "nobody"]},
]
TEXTS: dict[str, list[str]] = {
    "ImageId": IDS,
    "Box": BOXES,
    "Boxes": [*BOXES, f"{BOXES[1]};", ";"],
    "Weights": ["1", "0.5,2", "1000", "0"],
    "FieldName": ["price", "shop", "tags", "nothing"],
    "FilterText": [json.dumps(each) for each in FILTERS],
    "MetadataText": [json.dumps(each) for each in DOCUMENTS],
    "VectorText": [json.dumps([0.0] * size + [1.0]) for size in (0, 255, 1279)],
}
FORM, URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"
# What a call does without here, and what it must have.
WITHOUT = {
    "search": {"vector", "offset", "order"},
    "search_by_id": {"group_by", "group_size"},
    "recommend": {"like", "unlike", "like_weights", "like_boxes", "unlike_weights", "unlike_boxes"},
}
NEEDED = {"search_by_id": "id", "remove": "id", "upgrade": "version", "retire": "version"}
NEEDED_FILES = {"search": ["data"], "compare": ["data", "other_data"], "recommend": ["like"]}


def drawn(document: dict[str, Any]) -> dict[str, Any]:
    """Returns a copy of the document of which requests are drawn that make sense, many of them."""
    numbers = strategies.integers(0, PHOTOS - 1)
    drawing.format(PHOTO, numbers.map(lambda number: image(Random(number))))  # noqa: S311
    made = copy.deepcopy(document)
    schemas = made["components"]["schemas"]
    schemas |= {name: {"type": "string", "enum": texts} for name, texts in TEXTS.items()}
    schemas["File"] = {"type": "string", "format": PHOTO}
    examples = {name: schemas["Feedback"]["properties"][name] for name in ("like", "unlike")}
    examples["like"]["minItems"] = 1
    schemas["Feedback"] |= {"properties": examples, "required": ["like"]}
    for item in made["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict):
                _narrow(operation, made["components"]["parameters"])
    return made


def _narrow(operation: dict[str, Any], shared: dict[str, Any]) -> None:
    """Takes away from a call what excludes the rest of it, and asks for what it needs."""
    name = operation["operationId"]
    given = [
        dict(shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each)
        for each in operation.get("parameters", [])
    ]
    without = {"image_id", *WITHOUT.get(name, ())}
    if name == "compare":
        without |= {"id", "other_id"}
    kept = [each for each in given if each["in"] != "query" or each["name"] not in without]
    for each in kept:
        if each["name"] == NEEDED.get(name):
            each["required"] = True
    operation["parameters"] = kept
    if "requestBody" in operation:
        _narrow_body(operation, NEEDED_FILES.get(name, []))


def _narrow_body(operation: dict[str, Any], needed: list[str]) -> None:
    """Leaves of a form what can stand nowhere else: its files."""
    contents = operation["requestBody"]["content"]
    contents.pop(URLENCODED, None)
    if FORM in contents:
        schema = contents[FORM]["schema"]
        files = {name: each for name, each in schema["properties"].items() if "File" in f"{each}"}
        schema |= {"properties": files, "required": needed or schema.get("required", [])}
        if not files:
            del contents[FORM]
    if not contents:
        del operation["requestBody"]
    elif needed:
        operation["requestBody"]["required"] = True
