"""What a GPU computes, held against the CPU: `make check-gpu`.

    __main__ ──► comparing ──► machine ──► inference (ONNX Runtime's CPU, CUDA, TensorRT)
                                      └──► training (FAISS' CPU, GPU)

The last two run in an environment of their own, .venvs/gpu, a process for each, so that one that
crashes is a line in the table. They know nothing of the others.
"""
