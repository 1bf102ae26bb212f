"""What an engine may ask while it works: to be counted, and whether to stop."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tigertag.errors import QuotaExhausted


class Call(Protocol):
    """A call of a service, reserved in the ledger of use; what is not settled counts as spent."""

    def settle(self, *, units: int, cost_usd: float | None) -> None:
        """Say what it took: 0 and 0 where it is certain that it was not counted.

        `cost_usd` None: nobody knows; the bound that was reserved stays.
        """


class Calls(Protocol):
    """The ledger of use, the budgets and the egress log of one engine. Thread-safe."""

    def reserve(
        self, sample: str, *, host: str, size_bytes: int, units: int = 0, cost_usd: float = 0.0
    ) -> Call:
        """Reserve a call, before it is made and anew for each retry; at most this it may take.

        It is the entry of the egress log, too: a picture of this size leaves for this host.
        `sample` is the sample's id, or the name of a picture that is of no library. Raises
        `QuotaExhausted` when the budget does not allow it: then nothing may be sent.
        """
        ...


class _Settled:
    def settle(self, *, units: int, cost_usd: float | None) -> None:
        """Nothing is counted."""


class NoCalls:
    """For engines that stay on the machine: what they do is counted nowhere."""

    def reserve(
        self, sample: str, *, host: str, size_bytes: int, units: int = 0, cost_usd: float = 0.0
    ) -> Call:
        if units or cost_usd:
            raise QuotaExhausted("No budget is kept here, so nothing that is paid for is asked.")
        return _Settled()


@dataclass(frozen=True, slots=True)
class RunContext:
    """What an engine may ask while it works. `cancelled`: begin no more calls."""

    cancelled: Callable[[], bool] = lambda: False
    calls: Calls = field(default_factory=NoCalls)
