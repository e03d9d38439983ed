# For NVIDIA's tritonserver: the server of the same release from a wheel, with the repository's backend
# in Python, under the same command.
FROM stand-in:base
WORKDIR /opt/stand-in
COPY local/requirements.txt local/
RUN python3 -m venv /opt/triton \
 && /opt/triton/bin/pip install --no-cache-dir --no-deps -r local/requirements.txt
COPY local local
COPY --chmod=755 tritonserver.py /usr/local/bin/tritonserver
# The server takes its backends from one folder; where it runs, the root is read-only.
RUN python3 -c "from pathlib import Path; from local.triton import assemble, find_environment; \
      assemble(find_environment(Path('/opt/triton')))"
WORKDIR /
