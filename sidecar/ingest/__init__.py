"""Uploads into the catalogue: decoded, embedded, committed.

single          one upload, which is acknowledged once it is on the disk
batch           the many images of one request, each as if it came alone
batch_metadata  the file `metadata.jsonl` that a batch may bring
similar         uploads that are compared with the stored images before they are stored

Import from the modules.
"""
