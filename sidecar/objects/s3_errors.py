"""What went wrong with a bucket, in a line: what is to be set right, where that is known."""

import re

MOST_TEXT = 400  # characters of an error, which may have a page of XML
DEBUG = "Debug source:"  # from here on the library says all of it once more
NO_BUCKET = "NoSuchBucket"
METADATA_SERVER = "169.254.169.254"  # where a machine of Amazon's has credentials
OTHER_REGION = (
    "AuthorizationHeaderMalformed",
    "PermanentRedirect",
    "IllegalLocationConstraintException",
    "Received redirect without LOCATION",
)
REFUSED = ("403 Forbidden", "401 Unauthorized")
NO_ANSWER = "HTTP error"


def is_missing(text: str) -> bool:
    """Says whether it is the object alone that is missing, not the bucket."""
    return NO_BUCKET not in text


def explained(text: str, region: str) -> str:
    """Returns a line about an error of the library.

    Args:
        region: that was asked.
    """
    said = _tag(text, "Message") or _tag(text, "Code")
    if NO_BUCKET in text:
        return "there is no such bucket"
    if any(word in text for word in OTHER_REGION):
        right = _tag(text, "Region")
        is_in = f"is in the region {right}" if right else "is in another region"
        return f"the bucket {is_in}, and {region} was asked: set AWS_REGION"
    if METADATA_SERVER in text:
        return "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if any(word in text for word in REFUSED):
        return (
            f"the server refuses it: {said or 'no reason given'} (AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY, and what they may do below the prefix)"
        )
    line = " ".join(text.partition(DEBUG)[0].split())[:MOST_TEXT]
    if NO_ANSWER in text:
        return f"no server answers (AWS_ENDPOINT_URL): {line}"
    return line


def _tag(text: str, name: str) -> str:
    """Returns what an answer has in an element of XML; empty where it has none."""
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    return " ".join(found[1].split()).rstrip(".") if found else ""
