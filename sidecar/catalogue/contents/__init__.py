"""The bytes of images: canonical JPEGs and uploads, in rows or in PICTURES_STORE.

reading  canonical JPEGs as rows have them, whole and checked
unnamed  those that no row names any more, until they are deleted
walk     all of them, for who checks, copies or moves them
copying  from one catalogue to another
moves    from rows into the store, and back
"""

from sidecar.catalogue.contents.reading import JPEG, checked, damage, jpegs_of, missing, whole

__all__ = ["JPEG", "checked", "damage", "jpegs_of", "missing", "whole"]
