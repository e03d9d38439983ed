"""Torch modules made into versions of the model repository; run it with `python -m export`.

    networks ──► graph ──► sessions (quantise, compare) ──► versions ──► publish
    (torch)      (onnx)    (onnxruntime)                    (contract)   (staged, renamed)

The sidecar never imports this package, and torch never leaves `networks`.
"""
