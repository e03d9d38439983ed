"""Files of every format that is read, opened without decoding a pixel.

`opening` has the list of them and asks each in its turn; the others bring one format into a form
that Pillow reads rightly, or refuse it, and `refused` names what is no image here.
"""

from sidecar.images.formats.opening import NAMES, opened, translated

__all__ = ["NAMES", "opened", "translated"]
