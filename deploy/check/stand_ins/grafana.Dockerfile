# For grafana/grafana, which Debian does not have: no Grafana, only what its container promises.
FROM stand-in:base
RUN install -d -o 472 -g 0 /var/lib/grafana
COPY grafana.py /grafana.py
VOLUME /var/lib/grafana
EXPOSE 3000
USER 472
ENTRYPOINT ["python3", "/grafana.py"]
