# For Docker's redis: Debian's, under the user that the real image has.
FROM stand-in:base
RUN install -d -o 999 -g 999 /data
WORKDIR /data
VOLUME /data
CMD ["redis-server"]
