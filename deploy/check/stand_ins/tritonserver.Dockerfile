# For NVIDIA's tritonserver: the server of the same release from a wheel, with the repository's backend
# in Python, under the same command.
FROM stand-in:base
WORKDIR /opt/stand-in
COPY local local
RUN python3 -m venv /opt/triton \
 && /opt/triton/bin/pip install --no-cache-dir --no-deps -r local/requirements.txt
COPY --chmod=755 tritonserver.py /usr/local/bin/tritonserver
RUN tritonserver --help > /dev/null
WORKDIR /
