"""Write tigertag/data/concepts.json from WordNet 3.0 and the names that people have reviewed.

    apt-get install wordnet-base
    python scripts/make_concepts.py [--check]

`scripts/concept_names.tsv` says which WordNet nouns become tags and under which word; WordNet gives
what stands above what, and the synonyms. docs/concepts.md explains the columns.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
NAMES = ROOT / "scripts" / "concept_names.tsv"
OUTPUT = ROOT / "tigertag" / "data" / "concepts.json"
COLUMNS = ("imagenet", "id", "name", "use", "parents", "also")
CLASSES = 1000


@dataclass(frozen=True, slots=True)
class Synset:
    """One meaning: the words for it, the most frequent first, and the meanings right above it."""

    words: tuple[str, ...]
    hypernyms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WordNet:
    """WordNet's nouns; `senses` lists each word's meanings, the most frequent first."""

    synsets: dict[str, Synset]
    senses: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the names."""

    imagenet: int | None
    id: str
    name: str
    everyday: bool
    general: bool
    parents: str
    also: tuple[str, ...]


def main() -> int:
    """Write the file, or with --check say whether it is what would be written."""
    options = arguments()
    text = render(read_rows(NAMES), read_wordnet(options.wordnet))
    if not options.check:
        OUTPUT.write_text(text, encoding="utf-8")
        return 0
    if OUTPUT.read_text(encoding="utf-8") == text:
        return 0
    print(f"{OUTPUT.name} is out of date: run scripts/make_concepts.py", file=sys.stderr)
    return 1


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    return parser.parse_args()


def read_wordnet(folder: Path) -> WordNet:
    """Read data.noun and index.noun; their format is WordNet's wndb(5WN)."""
    if not (folder / "data.noun").is_file():
        sys.exit(
            f"There is no WordNet in {folder}: install Debian's wordnet-base, or give --wordnet."
        )
    synsets = dict(map(synset, records(folder / "data.noun")))
    senses = dict(map(sense, records(folder / "index.noun")))
    return WordNet(synsets, senses)


def records(path: Path) -> Iterator[list[str]]:
    """The fields of each record; the licence at the head of the file is indented by two spaces."""
    with path.open(encoding="latin-1") as lines:
        for line in lines:
            if not line.startswith("  "):
                yield line.partition("|")[0].split()


def synset(fields: list[str]) -> tuple[str, Synset]:
    """Read `offset file type count (word id)* count (pointer offset part source)*`."""
    count = int(fields[3], 16)
    words = tuple(field.replace("_", " ") for field in fields[4 : 4 + 2 * count : 2])
    rest = fields[5 + 2 * count :]
    pointers = zip(rest[0::4], rest[1::4], strict=False)
    return f"n{fields[0]}", Synset(words, tuple(f"n{at}" for kind, at in pointers if kind == "@"))


def sense(fields: list[str]) -> tuple[str, tuple[str, ...]]:
    """Read `word part count pointers … offset*`, as many offsets as `count` says."""
    offsets = fields[-int(fields[2]) :]
    return fields[0].replace("_", " ").casefold(), tuple(f"n{offset}" for offset in offsets)


def read_rows(path: Path) -> list[Row]:
    """Read the names, refusing a name or an id that comes twice and classes that are missing."""
    with path.open(encoding="utf-8", newline="") as lines:
        kept = (line for line in lines if not line.startswith("#"))
        table = csv.DictReader(kept, COLUMNS, delimiter="\t", restval="", strict=True)
        rows = [row(record) for record in table]
    refuse_twice("id", (each.id for each in rows))
    refuse_twice("name", (each.name.casefold() for each in rows))
    if [each.imagenet for each in rows if each.imagenet is not None] != [*range(CLASSES)]:
        sys.exit(f"{path.name}: the {CLASSES} classes must all be there, in order.")
    return rows


def row(record: dict[str, str]) -> Row:
    """Read one line of the names."""
    return Row(
        imagenet=int(record["imagenet"]) if record["imagenet"] else None,
        id=record["id"],
        name=record["name"],
        everyday=record["use"] in ("everyday", "general"),
        general=record["use"] == "general",
        parents=record["parents"],
        also=tuple(split(record["also"])),
    )


def split(text: str) -> list[str]:
    """The words of a list such as "boat, ship"."""
    return [word.strip() for word in text.split(",") if word.strip()]


def refuse_twice(what: str, values: Iterable[str]) -> None:
    """End the program if a value comes twice."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            sys.exit(f"{NAMES.name}: the {what} {value!r} is there twice.")
        seen.add(value)


def render(rows: list[Row], wordnet: WordNet) -> str:
    """The file's text, one concept a line, so that a change can be read in a diff."""
    above = parents(rows, wordnet)
    concepts = {each.id: [each.name, *above[each.id]] for each in sorted(rows, key=lambda r: r.id)}
    classes = [each.id for each in rows if each.imagenet is not None]
    everyday = sorted(each.id for each in rows if each.everyday)
    general = sorted(each.id for each in rows if each.general)
    words = dict(sorted(find_words(rows, wordnet).items()))
    return (
        f'{{"imagenet":{dump(classes)},\n"everyday":{dump(everyday)},\n"general":{dump(general)},\n'
        f'"concepts":{dump_lines(concepts)},\n"words":{dump_lines(words)}}}\n'
    )


def dump(value: object) -> str:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def dump_lines(values: dict[str, object] | dict[str, list[str]] | dict[str, str]) -> str:
    """Compact JSON, one entry a line."""
    return "{" + ",\n".join(f"{dump(key)}:{dump(value)}" for key, value in values.items()) + "}"


def parents(rows: list[Row], wordnet: WordNet) -> dict[str, tuple[str, ...]]:
    """What stands right above each concept, less what stands above another parent already."""
    ids = {each.name: each.id for each in rows}
    drawn = {each.id: drawn_parents(each, ids, wordnet) for each in rows}
    reach: dict[str, frozenset[str]] = {}
    for id in drawn:
        climb(id, drawn, reach, path=())
    return {
        id: tuple(up for up in ups if not any(up in reach[other] for other in ups))
        for id, ups in drawn.items()
    }


def drawn_parents(each: Row, ids: dict[str, str], wordnet: WordNet) -> tuple[str, ...]:
    """The parents by hand, or WordNet's nearest concepts where none are given; "-" means none."""
    if each.parents == "-":
        return ()
    if not each.parents:
        return nearest(each.id, frozenset(ids.values()), wordnet)
    unknown = [name for name in split(each.parents) if name not in ids]
    if unknown:
        sys.exit(f"{NAMES.name}: {each.name}: there is no concept {unknown[0]!r}.")
    return tuple(ids[name] for name in split(each.parents))


def nearest(id: str, known: frozenset[str], wordnet: WordNet) -> tuple[str, ...]:
    """The nearest known meanings on each way up, whatever lies between passed over."""
    found: dict[str, None] = {}
    level = [id]
    while level:
        ups = [up for low in level for up in wordnet.synsets[low].hypernyms]
        found.update(dict.fromkeys(up for up in ups if up in known))
        level = [up for up in ups if up not in known]
    return tuple(found)


def climb(
    id: str,
    drawn: dict[str, tuple[str, ...]],
    reach: dict[str, frozenset[str]],
    *,
    path: tuple[str, ...],
) -> frozenset[str]:
    """Fill `reach` with all that stands above each concept, refusing a circle."""
    if id in path:
        sys.exit(f"{NAMES.name}: {id} stands above itself.")
    if id not in reach:
        ups = drawn[id]
        further = (climb(up, drawn, reach, path=(*path, id)) for up in ups)
        reach[id] = frozenset(ups).union(*further)
    return reach[id]


def find_words(rows: list[Row], wordnet: WordNet) -> dict[str, str]:
    """The words, case-folded, that mean one concept beyond doubt.

    A name counts, and so does what `also` gives. A synonym counts if its most frequent sense in
    WordNet is the concept's own and no other concept has the word. What `also` takes away does not.
    """
    words = {each.name.casefold(): each.id for each in rows}
    words |= {word.casefold(): each.id for each in rows for word in each.also if word[0] != "-"}
    owners = [(word.casefold(), each.id) for each in rows for word in synonyms(each, wordnet)]
    count = Counter(word for word, _ in owners)
    for word, id in owners:
        if count[word] == 1 and wordnet.senses[word][0] == id:
            words.setdefault(word, id)
    for taken in (word[1:].casefold() for each in rows for word in each.also if word[0] == "-"):
        if words.pop(taken, None) is None:
            sys.exit(f"{NAMES.name}: {taken!r} need not be taken away.")
    return words


def synonyms(each: Row, wordnet: WordNet) -> tuple[str, ...]:
    """WordNet's words for a concept, each once."""
    return tuple(dict.fromkeys(wordnet.synsets[each.id].words))


if __name__ == "__main__":
    sys.exit(main())
