# For prom/prometheus: Debian's build of the same program, at the same places.
FROM stand-in:base
COPY prometheus /bin/prometheus
RUN install -d -o 65534 -g 65534 /prometheus
WORKDIR /prometheus
VOLUME /prometheus
USER 65534
ENTRYPOINT ["/bin/prometheus"]
