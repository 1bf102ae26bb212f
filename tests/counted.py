"""The ledger of use as an engine meets it, kept in memory: it refuses what a budget would."""

from dataclasses import dataclass, field
from threading import Lock

from tigertag.errors import QuotaExhausted


@dataclass
class CountedCall:
    """A reservation. `settled`: (units, cost in USD), None while it is not."""

    sample: str
    host: str
    size_bytes: int
    units: int
    cost_usd: float
    settled: tuple[int, float | None] | None = None

    def settle(self, *, units: int, cost_usd: float | None) -> None:
        assert self.settled is None, "a call is settled once"
        assert units <= self.units
        self.settled = (units, cost_usd)


@dataclass
class CountedCalls:
    """Calls in the order in which they were reserved; at most `limit` units."""

    limit: int = 1_000_000
    made: list[CountedCall] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def reserve(
        self, sample: str, *, host: str, size_bytes: int, units: int = 0, cost_usd: float = 0.0
    ) -> CountedCall:
        assert "/" not in host, "the host's name alone"
        with self.lock:
            if self.units + units > self.limit:
                raise QuotaExhausted("The budget is used up.")
            self.made.append(CountedCall(sample, host, size_bytes, units, cost_usd))
            return self.made[-1]

    @property
    def units(self) -> int:
        """Spent or reserved."""
        return sum(one.units if one.settled is None else one.settled[0] for one in self.made)
