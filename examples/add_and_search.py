"""Adds a photo, then asks which stored photos are most like it.

python examples/add_and_search.py cat.jpg
"""

import argparse

from similarity_client import Similarity, sha256_of


def main() -> None:
    """Adds the photo under the SHA-256 of its bytes, so that running it again changes nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo")
    photo = parser.parse_args().photo
    with Similarity() as similarity:  # SIMILARITY_URL, or http://127.0.0.1:5000
        added = similarity.add(photo, id=sha256_of(photo))
        print(f"added as {added.id}")
        found = similarity.search(photo, num_results=5)
        for distance, image_id in found.pairs():
            print(f"{distance:.4f}  {image_id}")
        model, took = found.meta.model_version, found.meta.timings["total"]
        print(f"by version {model} of the model, in {took:.0f} ms")


if __name__ == "__main__":
    main()
