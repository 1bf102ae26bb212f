"""The user's rules, and tags that users took off: changed, and what that gives back to previews."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from tigertag import policy
from tigertag.bounds import NAME, WORD, fits
from tigertag.core import Core
from tigertag.errors import Conflict, NotFound, RequestError, SettingsError
from tigertag.model import Rule, RuleAction, Section, Thresholds, Word
from tigertag.policy import Rules
from tigertag.scan import summary
from tigertag.scan.context import effective_rules, thresholds
from tigertag.sequences import batched
from tigertag.services import libraries
from tigertag.store import Db, browse, decisions, engine_state, ledger, scans, tags
from tigertag.store.database import MOST_PARAMETERS
from tigertag.store.decisions import Decision
from tigertag.store.ledger import TombstoneRow
from tigertag.store.scans import ScanRow
from tigertag.store.tags import RuleRow
from tigertag.text import did_you_mean, tidy

_LONGEST_WORD = WORD
_LONGEST_PATH = 1100
_VALUE_KEYS = {RuleAction.RENAME: "to", RuleAction.THRESHOLD: "at"}


def listed(core: Core) -> list[RuleRow]:
    with core.store.read() as db:
        return tags.rules(db)


def get(core: Core, rule_id: int) -> RuleRow:
    """Return a rule of the database. Raises `NotFound`."""
    for row in listed(core):
        if row.id == rule_id:
            return row
    raise NotFound(f"There is no rule {rule_id}.")


def add(core: Core, rule: Rule) -> int:
    """Add a rule and return its id. Raises `RequestError` when its value does not fit."""
    placed = _placed(core, rule)
    with _changing(core) as db:
        return put(db, placed)


@contextmanager
def _changing(core: Core) -> Iterator[Db]:
    """A transaction that changes rules; open previews get back what is no longer blocked."""
    with core.store.write() as db:
        yield db
        review_open(db, effective_rules(core, db), thresholds(core, db))
    core.cache.forget("tally")


def _placed(core: Core, rule: Rule) -> Rule:
    """The rule with its section's id; a title does, too. Raises `NotFound` for what is unknown."""
    with core.store.read() as db:
        engines = {entry.id for entry in core.engines} | set(
            engine_state.remembered_fingerprints(db)
        )
        known = {one.section for one in browse.section_counts(db)}
    if rule.engine and rule.engine.casefold() not in engines:
        raise NotFound(f"There is no engine {rule.engine!r}{did_you_mean(rule.engine, engines)}")
    if "/" not in rule.section:
        return rule
    path = _path(rule.section, known)
    if path is None:
        known |= libraries.seen_sections(core)
        path = _path(rule.section, known)
    if path is None:
        names = [f"{one.library}/{one.title}" for one in known]
        raise NotFound(f"There is no section {rule.section!r}{did_you_mean(rule.section, names)}")
    return replace(rule, section=path)


def _path(name: str, known: Iterable[Section]) -> str | None:
    named = {f"{one.library}/{one.title}".casefold(): one.path for one in known}
    named |= {one.path.casefold(): one.path for one in known}
    return named.get(name.casefold())


def put(db: Db, rule: Rule) -> int:
    """Add a rule in a transaction that does more. Raises `RequestError`."""
    return tags.add_rule(db, check(rule))


def change(
    core: Core,
    rule_id: int,
    *,
    value: str | None = None,
    engine: str | None = None,
    section: str | None = None,
) -> None:
    """Change what a rule says, or where it holds; None leaves that as it is.

    Raises `NotFound`, `RequestError`, and `Conflict` if another rule says something of the same.
    """
    old = get(core, rule_id).rule
    new = replace(
        old,
        value=old.value if value is None else value,
        engine=old.engine if engine is None else engine,
        section=old.section if section is None else section,
    )
    moved = (new.engine, new.section) != (old.engine, old.section)
    # A rule whose engine or section is gone can still get another value.
    placed = check(_placed(core, new) if moved else new)
    with _changing(core) as db:
        _refuse_second(tags.rules(db), rule_id, placed)
        if not tags.change_rule(db, rule_id, placed):
            raise NotFound(f"There is no rule {rule_id}.")


def _refuse_second(rows: Iterable[RuleRow], rule_id: int, rule: Rule) -> None:
    same_matter = [
        (RuleAction.DENY, RuleAction.ALLOW),
        (RuleAction.RENAME,),
        (RuleAction.THRESHOLD,),
    ]
    actions = next(group for group in same_matter if rule.action in group)
    for row in rows:
        there, here = ((one.word, one.engine, one.section) for one in (row.rule, rule))
        if row.id != rule_id and row.rule.action in actions and there == here:
            raise Conflict(
                f"Rule {row.id} is about {rule.word!r} in that place already; nothing was changed."
                " Change that rule, or remove it first."
            )


def remove(core: Core, rule_id: int) -> None:
    with _changing(core) as db:
        if not tags.remove_rule(db, rule_id):
            raise NotFound(f"There is no rule {rule_id}.")


def check(rule: Rule) -> Rule:
    """Return the rule as it is kept. Raises `RequestError` when it makes no sense."""
    word = tidy(rule.word).casefold()
    if not word:
        raise RequestError("A rule needs a word.")
    if word == "*" and rule.action is not RuleAction.THRESHOLD:
        raise RequestError(f"Only a threshold may be for every word; {rule.action} needs one.")
    if rule.action is RuleAction.THRESHOLD and not _is_confidence(rule.value):
        raise RequestError(f"The threshold of {rule.word!r} must be from 0 to 1: {rule.value!r}.")
    if rule.action is RuleAction.RENAME and not tidy(rule.value):
        raise RequestError(f"The new name of {rule.word!r} is missing.")
    if rule.action in (RuleAction.DENY, RuleAction.ALLOW) and rule.value:
        raise RequestError(f"A rule to {rule.action} {rule.word!r} takes no value.")
    if rule.section and "/" not in rule.section:
        raise RequestError(f"A rule's section is library/section, not {rule.section!r}.")
    if not fits(rule.section, _LONGEST_PATH) or not fits(rule.engine, NAME):
        raise RequestError("A rule's section or engine is too long, or no text.")
    if len(word) > _LONGEST_WORD or len(rule.value) > _LONGEST_WORD:
        raise RequestError(f"A tag has at most {_LONGEST_WORD} characters.")
    return replace(rule, word=word, engine=rule.engine.casefold(), value=tidy(rule.value))


def _is_confidence(value: str) -> bool:
    try:
        return 0.0 <= float(value) <= 1.0
    except ValueError:
        return False


def exported(rules: Iterable[Rule]) -> str:
    """Rules as YAML: `rules: [{deny: word}, {rename: word, to: name, engine: id}, …]`.

    A rule for one section has the key `section` too.
    """
    return str(yaml.safe_dump({"rules": [_entry(rule) for rule in rules]}, allow_unicode=True))


def _entry(rule: Rule) -> dict[str, Any]:
    entry: dict[str, Any] = {rule.action.value: rule.word}
    if rule.action is RuleAction.THRESHOLD:
        entry["at"] = float(rule.value)
    elif rule.value:
        entry["to"] = rule.value
    if rule.engine:
        entry["engine"] = rule.engine
    if rule.section:
        entry["section"] = rule.section
    return entry


def parsed(text: str, *, source: str) -> list[Rule]:
    """Read rules from YAML as `exported` writes them. Raises `SettingsError`."""
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        reason = " ".join(str(exc).split())
        raise SettingsError(f"{source} is not YAML: {reason}. No rule was imported.") from exc
    entries = read.get("rules") if isinstance(read, dict) else None
    if not isinstance(entries, list):
        raise SettingsError(f"{source} must hold a list `rules:`. No rule was imported.")
    return [_rule(entry, f"{source}, rule {number}") for number, entry in enumerate(entries, 1)]


def _rule(entry: Any, where: str) -> Rule:
    actions = [action for action in RuleAction if isinstance(entry, dict) and action in entry]
    if len(actions) != 1:
        known = ", ".join(RuleAction)
        raise SettingsError(f"{where} must say one of {known}. No rule was imported.")
    value_key = _VALUE_KEYS.get(actions[0], "")
    unknown = set(entry) - {actions[0].value, value_key, "engine", "section"}
    if unknown:
        raise SettingsError(f"{where} has an unknown key {min(unknown)!r}. No rule was imported.")
    value, word = str(entry.get(value_key, "")), entry[actions[0]]
    if not isinstance(word, str):
        raise SettingsError(f"{where}: put {word!r} in quotes, it is a word. No rule was imported.")
    try:
        engine, section = str(entry.get("engine", "")), str(entry.get("section", ""))
        return check(Rule(actions[0], word, engine, value, section))
    except RequestError as exc:
        raise SettingsError(f"{where}: {exc} No rule was imported.") from exc


def read_file(path: Path) -> list[Rule]:
    """Read a file of rules. Raises `SettingsError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"The rules in {path} cannot be read: {exc}.") from exc
    return parsed(text, source=path.name)


def import_rules(core: Core, rules: Iterable[Rule]) -> int:
    """Put these rules in the place of all that the database holds; return how many."""
    new = list(rules)
    with _changing(core) as db:
        tags.clear_rules(db)
        for rule in new:
            tags.add_rule(db, rule)
    return len(new)


def is_open_preview(db: Db, scan: ScanRow) -> bool:
    """Whether words can be blocked in it: a preview that has ended and was not applied."""
    is_open = scan.is_preview and not scan.active and not scan.pruned
    return is_open and not scans.made_from(db, scan.id)


def review(
    db: Db,
    scan: ScanRow,
    item_ids: Sequence[int],
    rules: Rules,
    thresholds: Mapping[str, Thresholds],
) -> int:
    """Decide again which adds of a preview are blocked; return for how many items they change.

    It starts from what was decided first, so a word that nothing blocks any more is back.
    """
    now, changed = rules.of(scan.section), 0
    for some in batched(item_ids, MOST_PARAMETERS):
        standings = ledger.ownership(db, some)
        known = list(decisions.of_items(db, scan.id, some).values())
        reviewed = [
            _reviewed(one, now, thresholds, policy.buried(standings[one.item_id])) for one in known
        ]
        decisions.write(db, scan.id, reviewed)
        changed += sum(old.adds != new.adds for old, new in zip(known, reviewed, strict=True))
    summary.recount(db, scan.id)
    return changed


def review_open(db: Db, rules: Rules, thresholds: Mapping[str, Thresholds]) -> int:
    """Give words back to the open previews in which nothing blocks them any more."""
    blocked = {scans.get(db, scan_id): ids for scan_id, ids in decisions.blocked_in(db).items()}
    return sum(
        review(db, scan, item_ids, rules, thresholds)
        for scan, item_ids in blocked.items()
        if is_open_preview(db, scan)
    )


def _reviewed(
    decision: Decision, rules: Rules, thresholds: Mapping[str, Thresholds], off: Collection[Word]
) -> Decision:
    """The decision without what is blocked; its item is then decided again by the next scan."""
    before = decision.unblocked or decision
    off = {ref.word for ref in before.adds} & set(off)
    allowed = policy.allowed(before.tags, rules, thresholds)
    tags = tuple(tag for tag in allowed if tag.ref.word not in off)
    if tags == before.tags:
        return before
    words = {tag.ref.word for tag in tags}
    adds = tuple(ref for ref in before.adds if ref.word in words)
    return replace(before, settles="", tags=tags, adds=adds, unblocked=before)


def tombstones(core: Core, *, word: str = "") -> list[TombstoneRow]:
    with core.store.read() as db:
        return ledger.tombstones(db, word=word)


def lift(core: Core, numbers: Sequence[int], *, word: str = "") -> int:
    """Lift the tombstones of these numbers, and all of a word; return how many.

    Raises `NotFound` when there is none.
    """
    with core.store.write() as db:
        named = [row.id for row in ledger.tombstones(db, word=word)] if word else []
        lifted = ledger.lift(db, [*numbers, *named])
        review_open(db, effective_rules(core, db), thresholds(core, db))
    if not lifted:
        raise NotFound("There is no such tombstone.")
    core.cache.forget("tally")
    return lifted
