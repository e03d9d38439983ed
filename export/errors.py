"""The one error of the export."""


class ExportRefused(Exception):
    """Says in one line why a version can't be made: a wrong argument, or a broken rule."""
