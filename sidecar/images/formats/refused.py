"""Names what is no image made of pixels, or one of a kind that this service does not read.

Sources: the signatures of each format, as its specification or `file(1)` gives them.
"""

import re

# What a file begins with, and how a user calls it.
SIGNATURES = (
    (b"%PDF-", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"8BPS\x00\x02", "PSB (a large Photoshop document)"),
    (b"FUJIFILMCCD-RAW", "camera RAW (RAF)"),
    (b"IIU\x00", "camera RAW (RW2)"),
    (b"IIRO", "camera RAW (ORF)"),
    (b"IIRS", "camera RAW (ORF)"),
    (b"MMOR", "camera RAW (ORF)"),
    (b"FOVb", "camera RAW (X3F)"),
    (b"\x00MRM", "camera RAW (MRW)"),
    (b"II\x1a\x00\x00\x00HEAPCCDR", "camera RAW (CRW)"),
    (b"II\xbc", "JPEG XR"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"DDS ", "DDS"),
    (b"\xd7\xcd\xc6\x9a", "WMF"),
    (b"\x01\x00\x00\x00\x6c\x00\x00\x00", "EMF"),
    (b"gimp xcf", "XCF (GIMP)"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "gzip"),
    (b"\x1aE\xdf\xa3", "video (Matroska, WebM)"),
)
# `ftyp` brands of ISO base media files (ISO/IEC 14496-12); HEIC and AVIF are read by their plugins.
BRANDS = {
    b"crx ": "camera RAW (CR3)",
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"mif1": "HEIF",
    b"msf1": "HEIF",
    b"avif": "AVIF",
    b"avis": "AVIF",
    b"qt  ": "video (QuickTime)",
}
JPEG_XL = (b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n")
# An XML file whose root is svg may begin with a declaration, comments and a document type.
SVG = re.compile(rb"\s*(<\?xml|<!--|<!DOCTYPE\s+svg|<(\w+:)?svg[\s>/])", re.IGNORECASE)
SVG_ROOT = re.compile(rb"<(\w+:)?svg[\s>/]", re.IGNORECASE)
HTML = re.compile(rb"\s*<(!DOCTYPE\s+html|html)[\s>]", re.IGNORECASE)
HEAD_BYTES = 4096


def name(upload: bytes) -> str | None:
    """Returns what a user calls the format of a file that nothing here opened; None if unknown."""
    head = upload[:HEAD_BYTES].removeprefix(b"\xef\xbb\xbf")
    for signature, called in SIGNATURES:
        if head.startswith(signature):
            return called
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12], "video (MP4)")
    if head.startswith(JPEG_XL):
        return "JPEG XL"
    return _markup(head)


def _markup(head: bytes) -> str | None:
    if SVG.match(head) and SVG_ROOT.search(head):
        return "SVG"
    return "HTML" if HTML.match(head) else None
