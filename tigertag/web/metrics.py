"""`/metrics`, in the formats of Prometheus."""

import hmac
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from flask import Flask, Response, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from tigertag.services import metrics
from tigertag.web import state

PATH = "/metrics"
ENDPOINT = "metrics"
_BEARER = "Bearer "
_HOW = (
    "Send `Authorization: Bearer` with TIGERTAG_METRICS_TOKEN, or with REST's key; see `tigertag"
    " password -h`."
)


def register(app: Flask, *, token: str) -> None:
    """Serve `/metrics` to whoever shows the token or REST's key."""

    def page() -> Response:
        _check(token)
        encode, content_type = _encoder(request.headers.get("Accept", ""))
        return Response(encode(_Figures(metrics.figures(state.core()))), content_type=content_type)

    app.add_url_rule(PATH, ENDPOINT, page)


def _check(token: str) -> None:
    """Raises `Unauthorized` without the token or the key."""
    authorization = request.headers.get("Authorization", "")
    scheme, given = authorization[: len(_BEARER)], authorization[len(_BEARER) :].strip()
    if scheme.casefold() == _BEARER.casefold() and given:
        if token and hmac.compare_digest(given.encode(), token.encode()):
            return
        if state.get().accounts.check_key(given):
            return
    raise Unauthorized(_HOW, www_authenticate=WWWAuthenticate("bearer", {"realm": "TigerTag"}))


def _encoder(accept: str) -> tuple[Any, str]:
    from prometheus_client.exposition import choose_encoder

    return choose_encoder(accept)


class _Figures:
    """A registry of one scrape: what the client's encoders collect."""

    def __init__(self, figures: metrics.Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Any]:
        families = _families()
        for name, metric in metrics.METRICS.items():
            family = families[metric.kind](
                name.removesuffix("_total"), metric.what, labels=metric.labels
            )
            for labels, value, count in self._figures.get(name, ()):
                if metric.kind == "summary":
                    family.add_metric(labels, count_value=count, sum_value=value)
                else:
                    family.add_metric(labels, value)
            yield family


@lru_cache(1)
def _families() -> dict[str, Any]:
    from prometheus_client import core

    return {
        "gauge": core.GaugeMetricFamily,
        "counter": core.CounterMetricFamily,
        "summary": core.SummaryMetricFamily,
    }
