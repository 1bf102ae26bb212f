"""Words that models use: for how sure they are, as fractions, and for "nothing"."""

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
_FRACTION_OF = {word: value for value, words in _WORDS.items() for word in words.split("|")}


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
    if text in _FRACTION_OF:
        return Confidence(_FRACTION_OF[text], 1.0)
    text = _OF.sub(lambda match: "/" if match[0].endswith(" ") else "%", text)
    match = _NUMBER.fullmatch(text)
    if match is None:
        _check_no_number(text)
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


def _check_no_number(text: str) -> None:
    """Let words pass, which nobody knows, but no numbers, which mean nothing."""
    try:
        number = float(text)
    except ValueError:
        return
    raise ValueError(number)


# Words for "nothing" in the languages that a model is asked in. Whole names only: "unknown
# pleasures" is a name. Words that are things in another language are left out, such as 空 (empty in
# Chinese, the sky in Japanese).
_NOTHING_WORDS = """
none|none visible|none detected|none seen|none found|none identified|nothing|nothing visible
|n/a|n.a|na|nan|nil|null|undefined|unknown|unclear|unspecified|undetermined|unidentified|indeterminate
|not applicable|not available|not specified|not visible|not clear|not identifiable|no tags
|no tag|no labels|no subject|no subjects|no activity|no activities|no setting|no style|no mood
|keine|keiner|keines|kein|nichts|unbekannt|unklar|unbestimmt|nicht zutreffend|nicht anwendbar
|nicht erkennbar|nicht bekannt|nicht verfügbar|keine angabe|keine angaben|k.a|k. a|entfällt
|aucun|aucune|rien|inconnu|inconnue|non applicable|sans objet|s/o|néant|indéterminé|indéterminée
|non spécifié|non identifié|ninguno|ninguna|nada|desconocido|desconocida|no aplica|no aplicable
|no disponible|no identificado|indeterminado|indeterminada|sin especificar|s/d
|nessuno|nessuna|niente|nulla|sconosciuto|sconosciuta|non applicabile|non disponibile
|nenhum|nenhuma|desconhecido|desconhecida|não aplicável|não se aplica|não disponível
|desconegut|desconeguda|geen|niets|onbekend|niet van toepassing|n.v.t|nvt|onduidelijk
|ingen|inget|inga|intet|ingenting|okänd|okänt|ukendt|ukjent|ej tillämpligt|ikke relevant|uklart
|ei mitään|ei mikään|tuntematon|ei tiedossa|ei sovellettavissa|ekkert|óþekkt
|brak|żaden|żadne|nic|nieznany|nieznana|nieznane|nie dotyczy
|žádný|žádná|žádné|neznámý|neznámá|neznámé
|není k dispozici|žiadny|žiadne|neznáme|nincs|semmi|ismeretlen|nem alkalmazható
|niciunul|niciuna|nimic|necunoscut|necunoscută|nu se aplică|nijedan|ništa|nepoznato|neznano|nič
|yok|hiçbiri|hiçbir şey|bilinmiyor|bilinmeyen|belirsiz|uygulanamaz
|нет|ничего|неизвестно|неизвестный|неизвестная|отсутствует|не применимо|неприменимо|н/д|не указано
|немає|нічого|невідомо|невідомий|не застосовується|няма|нищо|неизвестен|непознато
|κανένα|κανένας|καμία|τίποτα|άγνωστο|άγνωστος|άγνωστη|δεν ισχύει
|无|無|没有|沒有|未知|不明|不详|不詳|不清楚|不确定|不適用|不适用|暂无|暫無|无法识别|無法識別|無法辨識|无法确定
|なし|無し|該当なし|特になし|ありません|わからない|不明確|不明瞭
|없음|알 수 없음|해당 없음|미상|불명|불분명
|لا شيء|لا يوجد|غير معروف|مجهول|غير محدد|غير متاح|אין|כלום|לא ידוע|לא רלוונטי|לא זמין
|هیچ|نامشخص|ناشناخته|कोई नहीं|अज्ञात|कुछ नहीं|लागू नहीं|কিছুই না|অজানা|ไม่มี|ไม่ทราบ|ไม่ระบุ
|không|không có|không rõ|không xác định|không biết|tidak ada|tidak diketahui|tidak berlaku|tiada
"""
_NOTHING: Final = frozenset(
    unicodedata.normalize("NFKC", word.strip()).casefold() for word in _NOTHING_WORDS.split("|")
)


def is_nothing(word: str) -> bool:
    """Whether a tag only says that there is none."""
    return unicodedata.normalize("NFKC", word).casefold().strip(" .") in _NOTHING
