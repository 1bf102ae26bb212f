"""What can be kept: how long texts and how large numbers may be, alike in every database.

PostgreSQL keeps no NUL and no text over its column's length; neither database keeps half of a
surrogate pair; SQLite takes NaN for NULL. What comes from outside is bounded where it comes in.
"""

from hashlib import blake2b
from math import isfinite

NAME = 64
IDENTITY = 256
WORD = 512
TITLE = 1024
KEY = 2048
LARGEST = 2**31 - 1
LARGEST_SIZE = 2**63 - 1


def is_text(text: str) -> bool:
    """Whether it is text that can be kept: without NUL and halves of surrogate pairs."""
    if "\0" in text:
        return False
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def fits(text: str, longest: int) -> bool:
    """Whether it can be kept in so many characters."""
    return len(text) <= longest and is_text(text)


def cut(text: str, longest: int) -> str:
    """Return what people read, as far as it can be kept."""
    if not is_text(text):
        text = text.replace("\0", " ").encode(errors="replace").decode()
    return text[:longest]


def mark(text: str, longest: int = IDENTITY) -> str:
    """Return what is only compared: a digest in the place of what cannot be kept."""
    if fits(text, longest):
        return text
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def word(text: str) -> str:
    """Return a tag's name, cut so that it fits case-folded, too: ŉ becomes two letters, ΐ three."""
    text = cut(text, WORD)
    while len(text.casefold()) > WORD:
        text = text[: -max(1, (len(text.casefold()) - WORD) // 3)]
    return text.strip()


def is_number(number: float) -> bool:
    """Whether it is a finite number of at least 0."""
    return isfinite(number) and number >= 0


def count(number: int) -> int:
    """Return a count as near as it can be kept."""
    return max(0, min(int(number), LARGEST))
