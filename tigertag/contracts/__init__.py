"""What a plugin must, may and gets.

A plugin is one module with `Options`, a pydantic model that forbids extra fields, and
`build(id, options, host)`, which returns an `Engine`, a `DeferredEngine` or a `Library` and does no
I/O.
"""

from tigertag.contracts.engine import AnyEngine as AnyEngine
from tigertag.contracts.engine import Call as Call
from tigertag.contracts.engine import Calls as Calls
from tigertag.contracts.engine import Capabilities as Capabilities
from tigertag.contracts.engine import Checkable as Checkable
from tigertag.contracts.engine import Collected as Collected
from tigertag.contracts.engine import DeferredEngine as DeferredEngine
from tigertag.contracts.engine import Embedding as Embedding
from tigertag.contracts.engine import Engine as Engine
from tigertag.contracts.engine import Enrolled as Enrolled
from tigertag.contracts.engine import Enrolling as Enrolling
from tigertag.contracts.engine import Failed as Failed
from tigertag.contracts.engine import FormerlyDeferred as FormerlyDeferred
from tigertag.contracts.engine import Keyed as Keyed
from tigertag.contracts.engine import KnowingFaces as KnowingFaces
from tigertag.contracts.engine import Labelled as Labelled
from tigertag.contracts.engine import LeastConfidences as LeastConfidences
from tigertag.contracts.engine import NoCalls as NoCalls
from tigertag.contracts.engine import Outcome as Outcome
from tigertag.contracts.engine import PersonStatus as PersonStatus
from tigertag.contracts.engine import Prepared as Prepared
from tigertag.contracts.engine import Progress as Progress
from tigertag.contracts.engine import RunContext as RunContext
from tigertag.contracts.engine import Sampling as Sampling
from tigertag.contracts.engine import SamplingMethod as SamplingMethod
from tigertag.contracts.engine import deferred_side as deferred_side
from tigertag.contracts.engine import is_deferred as is_deferred
from tigertag.contracts.engine import is_prompt as is_prompt
from tigertag.contracts.host import NOTICE as NOTICE
from tigertag.contracts.host import Forgetful as Forgetful
from tigertag.contracts.host import Host as Host
from tigertag.contracts.host import Http as Http
from tigertag.contracts.host import Kept as Kept
from tigertag.contracts.host import PluginState as PluginState
from tigertag.contracts.host import PluginStateInMemory as PluginStateInMemory
from tigertag.contracts.host import RequestSlots as RequestSlots
from tigertag.contracts.library import Advising as Advising
from tigertag.contracts.library import Catalogued as Catalogued
from tigertag.contracts.library import Cataloguing as Cataloguing
from tigertag.contracts.library import EditOutcome as EditOutcome
from tigertag.contracts.library import Excluding as Excluding
from tigertag.contracts.library import FootageChoice as FootageChoice
from tigertag.contracts.library import KnowingMetadata as KnowingMetadata
from tigertag.contracts.library import LeftOut as LeftOut
from tigertag.contracts.library import LeftOutReason as LeftOutReason
from tigertag.contracts.library import Library as Library
from tigertag.contracts.library import Locating as Locating
from tigertag.contracts.library import Mounted as Mounted
from tigertag.contracts.library import Need as Need
from tigertag.contracts.library import NotedItems as NotedItems
from tigertag.contracts.library import Notes as Notes
from tigertag.contracts.library import NotingWrites as NotingWrites
from tigertag.contracts.library import NotRead as NotRead
from tigertag.contracts.library import OnLocalDisk as OnLocalDisk
from tigertag.contracts.library import PlacingGenres as PlacingGenres
from tigertag.contracts.library import Source as Source
from tigertag.contracts.library import Stream as Stream
from tigertag.contracts.library import VerifyingLater as VerifyingLater
from tigertag.contracts.library import Watch as Watch
from tigertag.contracts.library import Watching as Watching
from tigertag.sequences import evenly as evenly
