"""Words by which a model says that there is nothing to say, in the languages that it is asked in.

Whole names only: "unknown pleasures" is a name. Words that are things in another language are left
out, such as 空 (empty in Chinese, the sky in Japanese).
"""

import unicodedata
from typing import Final

_WORDS = """
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
NOTHING: Final = frozenset(
    unicodedata.normalize("NFKC", word.strip()).casefold() for word in _WORDS.split("|")
)


def is_nothing(word: str) -> bool:
    """Whether a tag only says that there is none."""
    return unicodedata.normalize("NFKC", word).casefold().strip(" .") in NOTHING
