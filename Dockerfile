# The API, the worker and every command, in one image; the command says which.
FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /venv
# With service reports as PDF; `requirements.lock` is the same without (34 MB less).
ARG LOCK=requirements-pdf.lock
COPY ${LOCK} /tmp/requirements.lock
RUN /venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r /tmp/requirements.lock \
    && /venv/bin/pip uninstall --yes pip setuptools


FROM python:3.11-slim-bookworm

LABEL org.opencontainers.image.title="Firstfix" \
      org.opencontainers.image.description="Open-source backend for field service" \
      org.opencontainers.image.licenses="Apache-2.0"

# The account has no password, no shell and no home; it owns the data folder and nothing else.
RUN groupadd --system --gid 10001 firstfix \
    && useradd --system --uid 10001 --gid firstfix --no-create-home --home-dir /nonexistent \
       --shell /usr/sbin/nologin firstfix \
    && install --directory --owner=firstfix --group=firstfix --mode=0700 /data

ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FIRSTFIX_HOST=0.0.0.0 \
    FIRSTFIX_PORT=8000 \
    FIRSTFIX_DATA_DIR=/data

WORKDIR /srv
COPY --from=build /venv /venv
COPY alembic.ini ./
COPY migrations ./migrations
COPY clients/python ./clients/python
COPY app ./app

USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['FIRSTFIX_PORT']}/readyz\", timeout=4)"]

CMD ["python", "-m", "app", "serve"]
