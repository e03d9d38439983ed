"""Compares what a GPU computes with the CPU: `make check-gpu`.

    __main__ ──► comparing ──► machine ──► inference (ONNX Runtime's CPU, CUDA, TensorRT)
                                      └──► training (FAISS' CPU, GPU)

The last two run in an environment of their own, .venvs/gpu, each in its own process, so that a
crash is a line in the table. They import none of the others.
"""
