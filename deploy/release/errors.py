"""What can speak against a release."""


class ReleaseRefused(Exception):
    """The working tree can't be released as it is; the text says why."""
