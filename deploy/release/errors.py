"""The one error of a release."""


class ReleaseRefused(Exception):
    """Says why the working tree can't be released as it is."""
