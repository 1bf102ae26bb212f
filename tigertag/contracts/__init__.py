"""What a plugin must, may and gets.

A plugin is one module with `Options`, a pydantic model that forbids extra fields, and
`build(id, options, host)`, which returns an `Engine`, a `DeferredEngine` or a `Library` and does no
I/O.
"""

from tigertag.contracts.catalogue import Catalogued, Cataloguing, PlacingGenres
from tigertag.contracts.deferred import (
    AnyEngine,
    Collected,
    DeferredEngine,
    FormerlyDeferred,
    Prepared,
    Progress,
    deferred_side,
    is_deferred,
    is_prompt,
)
from tigertag.contracts.engine import (
    Capabilities,
    Checkable,
    Engine,
    Enrolled,
    Enrolling,
    Failed,
    Labelled,
    Outcome,
)
from tigertag.contracts.frames import Sampling
from tigertag.contracts.host import (
    NOTICE,
    Forgetful,
    Host,
    Http,
    Kept,
    PluginState,
    PluginStateInMemory,
)
from tigertag.contracts.library import EditOutcome, Library, Need, NotRead, Source, Stream
from tigertag.contracts.listed import (
    Excluding,
    LeftOut,
    LeftOutReason,
    Mounted,
    NotedItems,
    Notes,
)
from tigertag.contracts.use import Call, Calls, NoCalls, RunContext
from tigertag.sequences import evenly

__all__ = [
    "NOTICE",
    "AnyEngine",
    "Call",
    "Calls",
    "Capabilities",
    "Catalogued",
    "Cataloguing",
    "Checkable",
    "Collected",
    "DeferredEngine",
    "EditOutcome",
    "Engine",
    "Enrolled",
    "Enrolling",
    "Excluding",
    "Failed",
    "Forgetful",
    "FormerlyDeferred",
    "Host",
    "Http",
    "Kept",
    "Labelled",
    "LeftOut",
    "LeftOutReason",
    "Library",
    "Mounted",
    "Need",
    "NoCalls",
    "NotRead",
    "NotedItems",
    "Notes",
    "Outcome",
    "PlacingGenres",
    "PluginState",
    "PluginStateInMemory",
    "Prepared",
    "Progress",
    "RunContext",
    "Sampling",
    "Source",
    "Stream",
    "deferred_side",
    "evenly",
    "is_deferred",
    "is_prompt",
]
