# The image of header-doctor: one static program, the public certificate authorities, and folders. docs/image.md tells how it is used.
#
#   docker build -t header-doctor .
#   buildah bud --format docker -t header-doctor .     # and podman build --format docker: an image of OCI's format has no HEALTHCHECK

FROM docker.io/library/rust:1.95-slim-bookworm AS builder
WORKDIR /src
COPY . .
# Everything that the image holds, laid out as it will lie there. Whoever runs in it may write to /tmp alone.
RUN deploy/image/build-static /image/header-doctor \
    && install -d /image/etc/header-doctor /image/etc/ssl/certs /image/usr/share/doc/header-doctor \
    && install -d -m 1777 /image/tmp \
    && install -m 644 deploy/image/header-doctor.yaml /image/etc/header-doctor/ \
    && install -m 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
    && install -m 644 LICENSE-APACHE LICENSE-MIT /image/usr/share/doc/header-doctor/

FROM scratch
COPY --from=builder /image/ /

# The version of Cargo.toml; tests/image holds the two together.
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="header-doctor" \
      org.opencontainers.image.description="A reverse proxy for WordPress that forwards Authorization and says where it was lost" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"

# Health is asked by whoever runs the container, so it listens to all; the file only says where requests come in.
ENV HEADER_DOCTOR_CONFIG=/etc/header-doctor/header-doctor.yaml \
    HEADER_DOCTOR_HEALTH_ADDRESS=0.0.0.0:9901
USER 65532:65532
EXPOSE 8080 9901
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/header-doctor", "health"]
ENTRYPOINT ["/header-doctor"]
CMD ["run"]
