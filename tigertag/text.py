"""Text for messages: suggestions for misspelt names, amounts, counts, and secrets hidden."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from urllib.parse import urlsplit, urlunsplit

_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}
_LONGEST_NAME = 200
_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSW|PASSPHRASE|CREDENTIAL", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(?<=://)(?P<user>[^/@\s:]*):[^/\s]*(?=@)")


def did_you_mean(name: str, known: Iterable[str], *, likely: Collection[str] = ()) -> str:
    """End a sentence about an unknown name: "; did you mean 'x'?" or ".".

    The fewest typing errors decide; of two names that are as near, a `likely` one is meant.
    """
    given = name.casefold()
    spelt = {word.casefold(): word for word in known}
    close = get_close_matches(given, list(spelt), n=max(1, len(spelt)))
    if not close:
        return "."
    nearest = min(close, key=lambda word: (typing_errors(given, word), spelt[word] not in likely))
    return f"; did you mean {spelt[nearest]!r}?"


def typing_errors(given: str, meant: str) -> int:
    """Count letters that are missing, added or wrong, and neighbours that are transposed.

    Damerau and Levenshtein's distance, as optimal string alignment.
    """
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for at, letter in enumerate(given, start=1):
        above, row = row, [at]
        for to, other in enumerate(meant, start=1):
            row.append(min(above[to] + 1, row[to - 1] + 1, above[to - 1] + (letter != other)))
            transposed = at > 1 and to > 1 and (given[at - 2], letter) == (other, meant[to - 2])
            if transposed:
                row[to] = min(row[to], before[to - 2] + 1)
        before = above
    return row[-1]


def one_line(text: str) -> str:
    """Return the text with each run of white space made one space."""
    return " ".join(text.split())


def printable(text: str) -> str:
    """Return what a terminal may be given: one line without control characters."""
    shown = (" " if unicodedata.category(char) in _UNPRINTABLE else char for char in text)
    return one_line("".join(shown))


def tidy(name: str) -> str:
    """Return a name in the form tags take: NFC, no control characters, at most 200 characters."""
    return one_line(unicodedata.normalize("NFC", printable(name)))[:_LONGEST_NAME].strip()


def looks_secret(name: str) -> bool:
    """Return whether the value of a setting with this name must never be shown."""
    return _SECRET.search(name) is not None


def without_password(text: str) -> str:
    """Return the text with the password of each URL in it hidden."""
    return _PASSWORD_IN_URL.sub(r"\g<user>:***", text)


def bare_url(url: str) -> str:
    """Return a URL without user, password, query and fragment: any of them may be secret."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))
    except ValueError:
        return "an address that cannot be read"


def usd(cost_usd: float | None) -> str:
    """Return an amount to show; a small amount never reads as zero, None as "not known"."""
    if cost_usd is None:
        return "not known"
    if 0 < cost_usd < 0.01:
        return "under $0.01"
    return f"${max(cost_usd, 0.0):,.2f}"


def about(cost_usd: float | None) -> str:
    """Return an estimate to show: "about $1.20"."""
    shown = usd(cost_usd)
    return f"about {shown}" if shown.startswith("$") else shown


def count(number: int, noun: str) -> str:
    """(2, "call") → "2 calls"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def megabytes(size_bytes: int) -> str:
    """20219662 → "20 MB"; below ten with one decimal."""
    size = size_bytes / 1e6
    return f"{size:.0f} MB" if size >= 9.95 else f"{size:.1f} MB"


def data_size(size_bytes: float) -> str:
    """1536000000 → "1.5 GB"; from ten on without a decimal."""
    size, unit = size_bytes / 1e3, "kB"
    for larger in ("MB", "GB", "TB"):
        if size >= 999.5:
            size, unit = size / 1e3, larger
    return f"{size:.0f} {unit}" if size >= 9.95 else f"{size:.1f} {unit}"


def clock(at_s: float) -> str:
    """65.4 → "1:05"; from an hour on "1:02:05"."""
    minutes, seconds = divmod(int(at_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
