"""What a refusal by OpenAI, or by a server that speaks its API, means. No text shows a key."""

import re
from typing import Final

from tigertag.engines.http.errors import Fault, Meaning
from tigertag.text import one_line, without_password

WEB_PAGE: Final = "a web page"
"""The text of a fault where what answers is none of this API, such as a proxy before it."""

NO_ANSWER: Final = "not an answer of this API"

NOT_COUNTED: Final = frozenset(
    {301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 413, 415, 422, 429}
)
"""With these the service certainly did not count the request."""

_LONGEST: Final = 200
_KEY = re.compile(r"\b(?:sk|sess|org|proj|key)-[\w*.…-]{2,}|\bBearer\s+\S+", re.IGNORECASE)
_PICTURE = re.compile(r"data:[\w/+.-]*;base64,\S*|[A-Za-z0-9+/=]{120,}")
_OUT_OF_MONEY = re.compile(
    r"insufficient_quota|billing_hard_limit|billing_not_active|exceeded_quota"
)
_LATER = frozenset({408, 409, 425, 429})
_LASTING = frozenset({400, 413, 415, 422})
_CONTENT = re.compile(
    r"content.?(?:filter|polic|safety|violat)|ResponsibleAI|moderation|flagged|safety"
    r"|usage (?:guidelines|polic)",
    re.IGNORECASE,
)
# Servers say these also with status 500, and would say the same the next time.
_LASTING_TEXT = re.compile(
    r"context.(?:size|length|window)|exceeds? .{0,30}context|maximum model length|n_ctx"
    r"|prompt (?:is )?too long|too many tokens"
    r"|mmproj|multimodal|image input|support (?:\w+ )?(?:image|vision)|GGML_ASSERT"
    r"|larger than factor"
    r"|aspect ratio|(?:decode|process|load|invalid|unsupported|encode|read)\w* (?:the )?image",
    re.IGNORECASE,
)


def redacted(text: str) -> str:
    """Return what a server said in one short line, without what looks like a key or a picture."""
    text = _PICTURE.sub("…", _KEY.sub("***", without_password(one_line(text))))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def text_of(answer: object, name: str) -> str:
    """Return an attribute that each such answer of the SDK has: the SDK checks none of them."""
    value = getattr(answer, name, None)
    if not isinstance(value, str) or not value:
        raise Fault(NO_ANSWER, status=502)
    return value


def meaning(fault: Fault) -> Meaning:
    status = fault.status
    if status is None:
        return "later"
    if status == 402 or _OUT_OF_MONEY.search(_code_and_text(fault)):
        return "quota"
    if status == 401 or (status == 403 and not is_lasting(fault)):
        return "credentials"
    if status == 404:
        return "model" if fault.mentions("model") else "address"
    if status in _LATER or (status >= 500 and not is_lasting(fault)):
        return "later"
    if 300 <= status < 400:
        return "address"
    return "refused" if is_lasting(fault) else "unsupported"


def is_lasting(fault: Fault) -> bool:
    """Whether the same request would be refused again: for its picture, or for all of them."""
    if fault.status == 403:
        return is_about_content(fault)
    if fault.status is not None and fault.status >= 500:
        return _LASTING_TEXT.search(_code_and_text(fault)) is not None
    return fault.status in _LASTING


def is_about_content(fault: Fault) -> bool:
    """Whether the service refuses what the picture shows."""
    return _CONTENT.search(_code_and_text(fault)) is not None


def _code_and_text(fault: Fault) -> str:
    return f"{fault.code} {fault.text}"
