"""What a service answers instead of an answer, and what it means. No text of it shows a key."""

import re
from dataclasses import dataclass
from typing import Final

from tigertag.errors import AuthFailed, EngineError, QuotaExhausted, Unavailable
from tigertag.wording import one_line, without_password

WEB_PAGE: Final = "with a web page"
"""What a server says that is none of this API, such as a proxy before it."""

_LONGEST: Final = 200
_KEY = re.compile(r"\b(?:sk|sess|org|proj|key)-[\w*.…-]{2,}|\bBearer\s+\S+", re.IGNORECASE)
_PICTURE = re.compile(r"data:[\w/+.-]*;base64,\S*|[A-Za-z0-9+/=]{120,}")
PASSING = frozenset({408, 409, 425, 429})
_UNHEARD = frozenset({301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 413, 415, 422, 429})
_OUT_OF_MONEY = re.compile(
    r"insufficient_quota|billing_hard_limit|billing_not_active|exceeded_quota"
)
_LASTING = frozenset({400, 413, 415, 422})
_OF_ITS_OWN = frozenset({500, 501, 502, 504})
"""What a server answers, too, that falls over a picture."""

_CONTENT = re.compile(
    r"content.?(?:filter|polic|safety|violat)|ResponsibleAI|moderation|flagged|safety"
    r"|usage (?:guidelines|polic)",
    re.IGNORECASE,
)
_OVER_A_PICTURE = re.compile(
    r"context.(?:size|length|window)|exceeds? .{0,30}context|maximum model length|n_ctx"
    r"|prompt (?:is )?too long|too many tokens"
    r"|mmproj|multimodal|image input|support (?:\w+ )?(?:image|vision)|GGML_ASSERT"
    r"|larger than factor"
    r"|aspect ratio|(?:decode|process|load|invalid|unsupported|encode|read)\w* (?:the )?image",
    re.IGNORECASE,
)
"""What a server says, also with 500, of what will be the same the next time."""


def redacted(text: str) -> str:
    """Return what a server said in one short line, without what looks like a key or a picture."""
    text = _PICTURE.sub("…", _KEY.sub("***", without_password(one_line(text))))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


@dataclass(eq=False)
class Fault(Exception):
    """No answer. `status` None: there was no response; `sent`: the request may have arrived.

    `text` is a redacted clause without a full stop.
    """

    text: str
    status: int | None = None
    code: str = ""
    param: str = ""
    sent: bool = True
    retry_after_s: float | None = None

    def __str__(self) -> str:
        return f"{self.status}: {self.text}" if self.status else self.text

    @property
    def costs_nothing(self) -> bool:
        """Whether it is certain that the service did not count the request."""
        return not self.sent or self.status in _UNHEARD

    @property
    def is_lasting(self) -> bool:
        """Whether the same request would be refused again: for its picture, or for all of them."""
        if self.status == 403:
            return self.is_about_content
        if self.status is not None and self.status >= 500:
            return _OVER_A_PICTURE.search(f"{self.code} {self.text}") is not None
        return self.status in _LASTING

    @property
    def may_be_of_one(self) -> bool:
        """Whether it may be for the picture, and others may be answered for."""
        if self.is_lasting:
            return True
        if self.retry_after_s is not None:
            return False
        return self.status in _OF_ITS_OWN or (self.status is None and self.sent)

    @property
    def is_about_content(self) -> bool:
        return _CONTENT.search(f"{self.code} {self.text}") is not None

    @property
    def is_about_the_context(self) -> bool:
        return bool(re.search(r"context|maximum model length", f"{self.code} {self.text}"))

    def mentions(self, *words: str) -> bool:
        said = f"{self.code} {self.param} {self.text}".casefold()
        return any(word in said for word in words)


@dataclass(frozen=True, slots=True)
class Meanings:
    """Words a fault as an error of the engine: the service's name, and that of the settings."""

    label: str
    stem: str
    model: str

    def error(self, fault: Fault) -> EngineError:
        label, stem, status = self.label, self.stem, fault.status
        if status is None:
            return Unavailable(f"{label} {fault.text}; what was answered is kept.")
        if status == 402 or _OUT_OF_MONEY.search(f"{fault.code} {fault.text}"):
            return QuotaExhausted(
                f"{label} says that the account's credit is used up; what was answered is kept."
                " Add credit there, then scan again."
            )
        if status == 401:
            return AuthFailed(f"{label} refused the key; check {stem}API_KEY.")
        if status == 403 and not fault.is_lasting:
            return AuthFailed(f"{label} does not allow this ({fault.text}); check {stem}API_KEY.")
        if status == 404:
            return self._missing(fault)
        if status in PASSING or (status >= 500 and not fault.is_lasting):
            return Unavailable(
                f"{label} cannot answer now ({fault}); what was answered is kept.",
                retry_after_s=fault.retry_after_s,
            )
        if 300 <= status < 400:
            return EngineError(
                f"{label} sends to another address, where no picture is sent; check {stem}BASE_URL."
            )
        return EngineError(f"{label} refuses what it is asked ({fault}); check {stem}MODEL.")

    def _missing(self, fault: Fault) -> EngineError:
        if fault.mentions("model"):
            return EngineError(f"{self.label} has no model {self.model!r}; set {self.stem}MODEL.")
        return EngineError(
            f"{self.label} has nothing at this address; check {self.stem}BASE_URL, which mostly"
            " ends in /v1."
        )
