"""Adds products with what a shop knows of them, then searches among some of these alone.

python examples/filters.py products.csv shoe.jpg

The CSV has the columns id, photo, category and price; a photo's path is relative to it.
"""

import argparse
import csv
from pathlib import Path

from similarity_client import Similarity
from similarity_client.answers import Found


def add_all(similarity: Similarity, table: Path) -> None:
    """Adds each product, or says anew what is known of one that is there."""
    with table.open(newline="") as file:
        for row in csv.DictReader(file):
            known = {"category": row["category"], "price": float(row["price"])}
            added = similarity.add(table.parent / row["photo"], id=row["id"], metadata=known)
            if added.identical:
                similarity.put_metadata(row["id"], known)


def show(title: str, found: Found) -> None:
    """Prints what a search found, with its metadata."""
    print(title)
    for match in found.matches or ():
        known = match.metadata
        print(f"  {match.dist:.4f}  {match.id}  {known['category']}  {known['price']:.2f}")


def main() -> None:
    """Searches with one photo in three ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("photo", type=Path)
    given = parser.parse_args()
    with Similarity() as similarity:
        add_all(similarity, given.table)
        shoes = {"category": "shoes", "price": {"$lt": 100}}
        show("shoes under 100", similarity.search(given.photo, filter=shoes, fields=True))
        known = {"category": {"$exists": True}, "price": {"$exists": True}}
        others = {**known, "category": {"$exists": True, "$ne": "shoes"}}
        show("no shoes", similarity.search(given.photo, filter=others, fields=True))
        nearest = similarity.search(given.photo, filter=known, group_by="category", fields=True)
        show("the nearest of each category", nearest)


if __name__ == "__main__":
    main()
