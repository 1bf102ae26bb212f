"""How sure a model says it is: numbers of whatever scale, and words, as fractions."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

BARE_WORD: Final = 0.5
"""The confidence of a tag that came without one, or with one that cannot be told."""

_LONGEST = 100
_NUMBER = re.compile(r"([+-]?(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:e[+-]?\d+)?)\s*(%|/\s*\d+)?", re.ASCII)
_OF = re.compile(r"\s+(?:out of|of|von|sur|de|su|van|из)\s+(?=\d+\Z)|(?:percent|prozent)\Z")
_SCALES = (1.0, 5.0, 10.0, 100.0)
_WORDS: Final[Mapping[float, str]] = {
    0.95: "certain|very high|very sure|definite|definitely|sehr hoch|sehr sicher|très élevée"
    "|très élevé|muy alta|muy alto|molto alta|muito alta|очень высокая|非常高|很高|とても高い",
    0.85: "high|sure|confident|hoch|sicher|élevée|élevé|haute|alta|alto|hoog|hög|høj|høy|wysoka"
    "|wysoki|vysoká|высокая|высокий|высокое|висока|yüksek|高|高い|높음",
    0.5: "medium|moderate|mid|average|mittel|moyenne|moyen|modérée|media|medio|média|médio"
    "|gemiddeld|medel|middel|średnia|střední|средняя|средний|середня|orta|中|中等|中程度|중간|보통",
    0.2: "low|very low|unsure|uncertain|niedrig|gering|unsicher|faible|basse|baja|bajo|bassa"
    "|basso|baixa|baixo|laag|låg|lav|niska|nízká|низкая|низкий|низька|düşük|低|低い|낮음",
}
_SAID_IN_WORDS = {word: value for value, words in _WORDS.items() for word in words.split("|")}


@dataclass(frozen=True, slots=True)
class Said:
    """A confidence: a number of a scale, or of one that the whole answer has to tell."""

    value: float
    scale: float | None = None


def said(raw: Any) -> Said | None:
    """Return a confidence as it was said; None where it cannot be told. Raises `ValueError`.

    What is a number, but none that says how sure one is, is an error.
    """
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return _bounded(raw, None)
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise ValueError
    text = unicodedata.normalize("NFKC", raw[:_LONGEST]).casefold().strip(" .()[]\"'~≈")
    if text in _SAID_IN_WORDS:
        return Said(_SAID_IN_WORDS[text], 1.0)
    text = _OF.sub(lambda found: "/" if found[0].endswith(" ") else "%", text)
    found = _NUMBER.fullmatch(text)
    if found is None:
        _check_no_number(text)
        return None
    number, scale = float(found[1].replace(",", ".")), found[2]
    if not scale:
        return _bounded(number, None)
    return _bounded(number, 100.0 if scale == "%" else float(scale.lstrip("/ ")))


def fractions(confidences: Sequence[Said | None]) -> list[float]:
    """Return them as fractions, numbers without a scale by the one that the answer keeps to."""
    scale = _scale([one for one in confidences if one is not None])

    def fraction(one: Said | None) -> float:
        of = scale if one is None else one.scale or scale
        return BARE_WORD if one is None or of is None else one.value / of

    return [fraction(one) for one in confidences]


def _scale(answer: Sequence[Said]) -> float | None:
    """Return the one scale of an answer; None where its numbers are not of one.

    The least scale that they all fit; above 1 a fraction such as 0.9 contradicts it. What says its
    scale speaks for the others, too: "95%" and 1 are percentages.
    """
    plain = [one.value for one in answer if one.scale is None]
    told = {one.scale for one in answer if one.scale is not None and one.scale > 1}
    scale = max([next(one for one in _SCALES if max(plain, default=0.0) <= one), *told])
    contradicts = scale > 1 and any(0 < value < 1 for value in plain)
    return None if contradicts or len(told) > 1 else scale


def _bounded(value: float, scale: float | None) -> Said:
    # Compared before it is made a float, which an int of 400 digits cannot be.
    if not 0 <= value <= (scale or 100.0) or scale == 0:
        raise ValueError
    return Said(float(value), scale)


def _check_no_number(text: str) -> None:
    """Let words pass, which nobody knows, but no numbers, which mean nothing."""
    try:
        number = float(text)
    except ValueError:
        return
    raise ValueError(number)
