# One image for every server; the command chooses: `python -m labelwright.registry`, `labelwright.service` or
# `labelwright.worker`.
# docs/docker.md says how it is built, run and checked.

# Any Debian that has Python 3.11 or newer with its venv module will do.
ARG BASE_IMAGE=python:3.13-slim-bookworm

# ---- everything that builds: its tools and caches stay behind
FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# The wheels of all that is locked, each checked against its hash. Changes only when the lock does.
COPY requirements.lock ./
RUN python3 -m venv tools \
 && tools/bin/pip wheel --require-hashes --wheel-dir wheels --requirement requirements.lock

# Labelwright's own wheel, with the sandbox's runtime component inside.
RUN tools/bin/pip install --no-index --find-links wheels hatchling componentize-py
COPY . .
RUN PATH="/build/tools/bin:${PATH}" tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels .

# What serves, and nothing else: from the wheels above, without pip.
RUN python3 -m venv --without-pip /opt/labelwright \
 && tools/bin/pip --python /opt/labelwright/bin/python install --no-index --find-links wheels "labelwright[registry,service,worker]"

# ---- what runs
FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="labelwright" \
      org.opencontainers.image.description="LLM-written labeling programs, sandboxed and served over gRPC" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

RUN groupadd --gid 10001 labelwright \
 && useradd --uid 10001 --gid labelwright --no-create-home --home-dir /var/lib/labelwright --shell /usr/sbin/nologin labelwright \
 && install --directory --owner labelwright --group labelwright --mode 0700 /var/lib/labelwright
COPY --from=build /opt/labelwright /opt/labelwright
COPY deploy/healthcheck.py /opt/labelwright/healthcheck.py

ENV PATH="/opt/labelwright/bin:${PATH}" \
    PYTHONUNBUFFERED=1 \
    LABELWRIGHT_CACHE_DIR=/opt/labelwright/cache \
    LABELWRIGHT_SANDBOX_PROCESSOR=generic \
    LABELWRIGHT_REGISTRY_LISTEN=0.0.0.0:7420 \
    LABELWRIGHT_REGISTRY_DATA_DIR=/var/lib/labelwright/registry \
    LABELWRIGHT_SERVICE_LISTEN=0.0.0.0:7400 \
    LABELWRIGHT_SERVICE_METRICS_LISTEN=0.0.0.0:7401 \
    LABELWRIGHT_SERVICE_DATA_DIR=/var/lib/labelwright/service

# Compile the runtime ahead of time, into a folder that the running user can only read. "generic" code runs on every
# processor of this architecture, so an image that is built here starts at once elsewhere.
RUN python -c "from labelwright.sandbox import Sandbox; Sandbox().close()" \
 && chmod --recursive a+rX,go-w "${LABELWRIGHT_CACHE_DIR}" \
 && test -n "$(find "${LABELWRIGHT_CACHE_DIR}" -name '*.cwasm' -size +1M)"

WORKDIR /opt/labelwright
USER 10001:10001
VOLUME /var/lib/labelwright
EXPOSE 7400 7401 7420
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "/opt/labelwright/healthcheck.py", "127.0.0.1:7400", "127.0.0.1:7420"]
CMD ["python", "-m", "labelwright.service"]
