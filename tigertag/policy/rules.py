"""What the user's rules say of a word."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from tigertag.model import Rule, RuleAction, Section


@dataclass(frozen=True)
class Rules:
    """Rules by rising precedence: of those that speak of a word, the last one holds.

    The environment's rules come first, the database's after them; within either, a rule for one
    section comes after those for all, and before that one for one engine after those for every.
    """

    rules: tuple[Rule, ...] = field(default=())

    def of(self, section: Section) -> "Rules":
        """Those of the rules that hold in the section."""
        return Rules(tuple(rule for rule in self.rules if rule.section in ("", section.path)))

    @cached_property
    def _by_word(self) -> dict[str, list[tuple[int, Rule]]]:
        table: dict[str, list[tuple[int, Rule]]] = {}
        for rank, rule in enumerate(self.rules):
            table.setdefault(rule.word.casefold(), []).append((rank, rule))
        return table

    def _speaking_of(self, names: Iterable[str], engine: str) -> Iterator[tuple[int, Rule]]:
        for name in names:
            for rank, rule in self._by_word.get(name.casefold(), ()):
                if rule.engine in ("", engine):
                    yield rank, rule

    def _last(self, names: Iterable[str], engine: str, actions: set[RuleAction]) -> Rule | None:
        spoken = self._speaking_of(names, engine)
        by_rank = {rank: rule for rank, rule in spoken if rule.action in actions}
        return by_rank[max(by_rank)] if by_rank else None

    def denies(self, names: Iterable[str], engine: str) -> bool:
        """Whether a tag of this engine with any of these names (concept id, words) is blocked."""
        rule = self._last(names, engine, {RuleAction.DENY, RuleAction.ALLOW})
        return rule is not None and rule.action is RuleAction.DENY

    def renamed(self, names: Iterable[str], engine: str) -> str | None:
        """The name that the user wants for it, if any."""
        rule = self._last(names, engine, {RuleAction.RENAME})
        return rule.value if rule else None

    def threshold(self, names: Iterable[str], engine: str, default: float) -> float:
        """The least confidence: the word's own rule, else the rule for "*", else the default.

        A word that is never told, whose default is above 1, is told by a rule of its own alone.
        """
        wanted = {RuleAction.THRESHOLD}
        rule = self._last(names, engine, wanted)
        if rule is None and default <= 1.0:
            rule = self._last(["*"], engine, wanted)
        return float(rule.value) if rule else default

    def lowest_threshold(self, engine: str, default: float) -> float:
        """A confidence below which no tag of this engine can pass, whatever its word."""
        values = [
            float(rule.value)
            for rule in self.rules
            if rule.action is RuleAction.THRESHOLD and rule.engine in ("", engine)
        ]
        return min([default, *values])
