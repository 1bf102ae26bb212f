"""Vision models behind OpenAI's API: OpenAI itself, now or in batches, or a server of one's own."""

from importlib.util import find_spec

from tigertag.contracts import AnyEngine, Host
from tigertag.engines.openai.batch import DeferredVision
from tigertag.engines.openai.engine import Vision
from tigertag.engines.openai.options import Options

__all__ = ["Options", "build"]


def build(id: str, options: Options, host: Host) -> AnyEngine:
    """Return the engine. Does no I/O. Raises `ModuleNotFoundError` where the SDK is missing."""
    if find_spec("openai") is None:
        raise ModuleNotFoundError("No module named 'openai'", name="openai")
    deferred = DeferredVision(id, options, host)
    return deferred if options.mode == "batch" else Vision(id, options, host, deferred)
