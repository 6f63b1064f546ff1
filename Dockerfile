# One image, four programs: worker (the default), starter, portal and emulator. Nothing else is in it, not even a shell.

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOTOOLCHAIN=local

# Modules first: they change less often than code, so their layer is reused.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download

COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags='-s -w' -o /out/bin/ ./worker ./starter ./portal ./emulator

# The folders the worker and the portal write to, owned by their user: a named volume takes owner and mode from here.
RUN install -d -m 0750 /out/state/notices /out/state/reports && install -d -m 0700 /out/state/store

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/bin/ /usr/local/bin/
COPY --from=build --chown=65532:65532 /out/state/ /var/lib/cutover/

ARG VERSION=dev
LABEL org.opencontainers.image.title=cutover \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=${VERSION}

# A number, because there is no passwd file to look a name up in.
USER 65532:65532
ENV CUTOVER_NOTICES=/var/lib/cutover/notices \
    CUTOVER_REPORTS=/var/lib/cutover/reports \
    CUTOVER_STORE_URL=sqlite:/var/lib/cutover/store/cutover.db \
    CUTOVER_STORE_KEYS=/var/lib/cutover/store/keys.json
VOLUME /var/lib/cutover

# The worker asks its own readiness endpoint: the image holds no other client.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/usr/local/bin/worker", "health"]
CMD ["/usr/local/bin/worker"]
