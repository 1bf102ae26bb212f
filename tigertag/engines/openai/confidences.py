"""Words that models use: for how sure they are, as fractions, and for "nothing"."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

BARE_WORD: Final = 0.5
"""The confidence of a tag that came without one, or with one that cannot be told."""

_LONGEST = 100
_NUMBER = re.compile(r"([+-]?(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:e[+-]?\d+)?)\s*(%|/\s*\d+)?", re.ASCII)
_OF = re.compile(r"\s+(?:out of|of|von|sur|de|su|van|из)\s+(?=\d+\Z)|(?:percent|prozent)\Z")
_SCALES = (1.0, 5.0, 10.0, 100.0)


@dataclass(frozen=True, slots=True)
class Confidence:
    """A number of this scale; without one the whole answer tells the scale."""

    value: float
    scale: float | None = None


def parse(raw: Any) -> Confidence | None:
    """Return a confidence as it stands; None where it cannot be told. Raises `ValueError`.

    What is a number, but none that says how sure one is, is an error.
    """
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return _bounded(raw, None)
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise ValueError
    text = unicodedata.normalize("NFKC", raw[:_LONGEST]).casefold().strip(" .()[]\"'~≈")
    if (fraction := _words()[0].get(text)) is not None:
        return Confidence(fraction, 1.0)
    text = _OF.sub(lambda match: "/" if match[0].endswith(" ") else "%", text)
    match = _NUMBER.fullmatch(text)
    if match is None:
        if _is_number(text):  # Such as "nan".
            raise ValueError(text)
        return None
    number, scale = float(match[1].replace(",", ".")), match[2]
    if not scale:
        return _bounded(number, None)
    return _bounded(number, 100.0 if scale == "%" else float(scale.lstrip("/ ")))


def fractions(confidences: Sequence[Confidence | None]) -> list[float]:
    """Return them as fractions, numbers without a scale by the one that the answer keeps to."""
    common = _common_scale([given for given in confidences if given is not None])

    def fraction(given: Confidence | None) -> float:
        scale = given.scale or common if given else None
        return BARE_WORD if given is None or scale is None else given.value / scale

    return [fraction(given) for given in confidences]


def _common_scale(answer: Sequence[Confidence]) -> float | None:
    """Return the one scale of an answer; None where its numbers are not of one.

    The least scale that they all fit; above 1 a fraction such as 0.9 contradicts it. A confidence
    with a scale decides for the others, too: "95%" and 1 are percentages.
    """
    plain = [given.value for given in answer if given.scale is None]
    given_scales = {given.scale for given in answer if given.scale is not None and given.scale > 1}
    least = next(scale for scale in _SCALES if max(plain, default=0.0) <= scale)
    scale = max([least, *given_scales])
    contradicts = scale > 1 and any(0 < value < 1 for value in plain)
    return None if contradicts or len(given_scales) > 1 else scale


def _bounded(value: float, scale: float | None) -> Confidence:
    # Compared before it is made a float, which an int of 400 digits cannot be.
    if not 0 <= value <= (scale or 100.0) or scale == 0:
        raise ValueError
    return Confidence(float(value), scale)


def is_nothing(word: str) -> bool:
    """Whether a tag only says that there is none."""
    return unicodedata.normalize("NFKC", word).casefold().strip(" .") in _words()[1]


@cache
def _words() -> tuple[Mapping[str, float], frozenset[str]]:
    """Return the fractions that words stand for, and the words for "nothing"."""
    table = yaml.safe_load(files(__package__).joinpath("words.yaml").read_text("utf-8"))
    fractions = {
        word.strip(): value
        for value, words in table["confidence"].items()
        for word in words.split("|")
    }
    nothing = unicodedata.normalize("NFKC", table["nothing"]).casefold().split("|")
    return fractions, frozenset(map(str.strip, nothing))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
