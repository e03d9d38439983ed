"""Versions of the model, and the Triton that runs them.

The face is `ModelRegistry`, `ModelLoader`, `TritonClient`, `Contract` and `Keywords`. It is
imported from the modules, and nothing here: the export and processes that are yet to fork read
`contract` too, and must load neither gRPC nor a database for it.
"""
