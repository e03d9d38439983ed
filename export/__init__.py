"""Makes torch modules into versions of the model repository: `python -m export`.

    pipeline:  networks ──► graph ──► runtime ──────────────► checks ──► contract ──► publish
               torch        onnx      onnxruntime: int8,      what any                staged beside,
                                      compared with fp32      Triton loads            renamed whole

    config renders config.pbtxt, the one for all versions

The sidecar never imports this package, and torch never leaves `networks`.
"""
