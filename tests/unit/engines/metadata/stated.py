"""Metadata as files state them, and what the engine says of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from tigertag.contracts import Host, Http, Labelled, PluginState, PluginStateInMemory, RunContext
from tigertag.engines import metadata
from tigertag.model import Frame, Label, Media, Metadata, Sample

HERE = Metadata(latitude=48.2082, longitude=16.3738)
PHONE = Metadata(make="Apple", camera="iPhone 15", size_px=(4032, 3024))
WINTER_NIGHT = replace(HERE, taken_at=datetime(2021, 12, 24, 22, tzinfo=UTC))


def engine(**options: Any) -> metadata.MetadataEngine:
    return engine_with(PluginStateInMemory(), **options)


def engine_with(state: PluginState, **options: Any) -> metadata.MetadataEngine:
    checked = metadata.Options.model_validate(options)
    host = Host(Path("models"), cast(Http, None), state)
    return metadata.build("m", checked, host)


def labels(
    known: Metadata | None,
    media: Media = Media.PHOTO,
    frames: Sequence[Frame] = (),
    **options: Any,
) -> dict[str, Label]:
    """The labels of one sample by their names."""
    built = engine(**options)
    built.open()
    sample = Sample("1", media, tuple(frames), metadata=known)
    (outcome,) = built.tag([sample], RunContext())
    assert isinstance(outcome, Labelled)
    return {label.name: label for label in outcome.labels}
