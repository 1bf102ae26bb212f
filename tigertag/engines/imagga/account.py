"""An Imagga account's quota: the last reading of /usage, and own calls since."""

import time
from datetime import UTC, datetime
from threading import Lock
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from tigertag.contracts import NOTICE, PluginState
from tigertag.errors import QuotaExhausted

READ_EVERY = 100
_FRESH_S = 60.0


def _lenient(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """Return what it says; None for what cannot be read."""
    try:
        return None if isinstance(value, bool) else read(value)
    except ValidationError:
        return None


def _in_utc(at: datetime | None) -> datetime | None:
    """Take a time for UTC unless it says otherwise, and none for what is no end of a month."""
    if at is None:
        return None
    at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return at if at.timestamp() > 0 else None


_Limit = Annotated[PositiveInt | None, WrapValidator(_lenient)]
_Used = Annotated[NonNegativeInt | None, WrapValidator(_lenient)]
_Moment = Annotated[datetime | None, WrapValidator(_lenient), AfterValidator(_in_utc)]


class AccountUsage(BaseModel):
    """The `result` of GET /usage, all of which may be missing or of any shape.

    Calls a month, calls made, calls at once, the month's end; None: no limit, or not known.
    """

    model_config = ConfigDict(frozen=True, validate_by_name=True)

    limit: _Limit = Field(default=None, validation_alias="monthly_limit")
    used: _Used = Field(default=None, validation_alias="monthly_processed")
    at_once: _Limit = Field(default=None, validation_alias=AliasPath("concurrency", "max"))
    ends: _Moment = Field(default=None, validation_alias="billing_period_end")

    def sentence(self, date_format: str, *, more: str = "") -> str:
        """Return the usage as people read it, without a full stop."""
        if self.used is None:
            calls = "the account reports no usage"
        elif self.limit is None:
            calls = f"{self.used} calls used this month, no limit reported"
        else:
            calls = f"{self.used} of {self.limit} calls used this month"
        renews = f"; renews on {self.ends:{date_format}}" if self.ends else ""
        return calls + more + renews


class Account:
    """Counts calls between two readings, and keeps one line about them. Thread-safe."""

    def __init__(self, state: PluginState) -> None:
        self._state = state
        self._lock = Lock()
        self._usage = AccountUsage()
        self._since = 0
        self._read_at: float | None = None

    def update(self, usage: AccountUsage) -> None:
        """Take a new reading."""
        with self._lock:
            self._usage, self._since, self._read_at = usage, 0, time.monotonic()
        self.show()

    def show(self) -> None:
        """Keep the line that is shown beside the engine."""
        self._state.put(NOTICE, self.usage.sentence("%Y-%m-%d"))

    def count(self) -> bool:
        """Count an own call; tell whether it is time for a reading."""
        with self._lock:
            self._since += 1
            return self._since % READ_EVERY == 0

    @property
    def usage(self) -> AccountUsage:
        """The last reading, and own calls since."""
        with self._lock:
            used = self._usage.used
            own = {} if used is None else {"used": used + self._since}
            return self._usage.model_copy(update=own)

    @property
    def is_used_up(self) -> bool:
        usage = self.usage
        return usage.limit is not None and usage.used is not None and usage.used >= usage.limit

    @property
    def is_fresh(self) -> bool:
        """Whether the last reading is new, and no call was made since."""
        with self._lock:
            read_at, since = self._read_at, self._since
        return read_at is not None and since == 0 and time.monotonic() - read_at < _FRESH_S

    def error(self) -> QuotaExhausted:
        """Return the error for a month whose calls are used up, with when it ends."""
        usage = self.usage
        ends = usage.ends if usage.ends and usage.ends > datetime.now(UTC) else None
        calls = "calls" if usage.limit is None else f"{usage.limit} calls"
        when = f"on {ends:%-d %B %Y at %H:%M} (UTC)" if ends else "when the account's month is over"
        return QuotaExhausted(
            f"Imagga's {calls} of this month are used up; earlier results are kept. It continues"
            f" {when}.",
            resets_at=ends,
        )
