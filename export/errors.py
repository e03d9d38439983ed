"""The one error of the export: what was asked for can't be made, in one line for people."""


class ExportRefused(Exception):
    """An argument is wrong, or what came out breaks a rule of the model repository."""
