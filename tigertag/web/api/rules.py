"""GET, POST and DELETE rules."""

from typing import Annotated, Literal

from flask import Response, url_for
from pydantic import BaseModel, ConfigDict, Field, RootModel

from tigertag.model import Rule as RuleOf
from tigertag.model import RuleAction
from tigertag.services import rules
from tigertag.store.tags import RuleRow
from tigertag.web import state
from tigertag.web.api.inputs import Body, Id, Name, Nothing, SectionPath, Word, WordButStar
from tigertag.web.api.routes import Routes, made, nothing, sent
from tigertag.web.api.shapes import NEXT, Shape

routes = Routes("rules", "What the user says of words.")


class _Where(Body):
    engine: Name = Field(default="", description="Only what this engine says; empty: every one.")
    section: SectionPath = Field(
        default="", description='Only in this section: "library/section id"; empty: everywhere.'
    )


class Block(_Where):
    """Never, or after all, give this tag."""

    model_config = ConfigDict(json_schema_extra={"example": {"action": "deny", "word": "tripod"}})

    action: Literal["deny", "allow"]
    word: WordButStar = Field(description="A tag's name or concept id.")

    def value(self) -> str:
        return ""


class Rename(_Where):
    """Give this tag another name."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"action": "rename", "word": "tabby", "to": "tabby cat"}}
    )

    action: Literal["rename"]
    word: WordButStar = Field(description="A tag's name or concept id.")
    to: Word = Field(description="Its new name.")

    def value(self) -> str:
        return self.to


class Threshold(_Where):
    """Give this tag only when the engine is this sure."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"action": "threshold", "word": "dog", "at": 0.8}}
    )

    action: Literal["threshold"]
    word: Word = Field(description="A tag's name or concept id; `*` for every tag.")
    at: float = Field(ge=0, le=1, allow_inf_nan=False, description="The least confidence.")

    def value(self) -> str:
        return repr(self.at)


class NewRule(RootModel[Annotated[Block | Rename | Threshold, Field(discriminator="action")]]):
    """A rule, of one of four kinds."""

    model_config = ConfigDict(json_schema_extra={"example": {"action": "deny", "word": "tripod"}})


class Rule(Shape):
    """A rule. `to` belongs to rename, `at` to threshold; they are null elsewhere."""

    id: int
    action: RuleAction
    word: str
    engine: str
    section: str
    to: str | None
    at: float | None

    @classmethod
    def of(cls, row: RuleRow) -> "Rule":
        rule = row.rule
        return cls(
            id=row.id,
            action=rule.action,
            word=rule.word,
            engine=rule.engine,
            section=rule.section,
            to=rule.value if rule.action is RuleAction.RENAME else None,
            at=float(rule.value) if rule.action is RuleAction.THRESHOLD else None,
        )


class Rules(Shape):
    items: list[Rule]
    next: str | None = NEXT


class RulePath(BaseModel):
    rule_id: Id = Field(description="The rule's id.")


@routes.get("/rules", Rules)
def list_rules(query: Nothing) -> Response:
    """List the rules by rising precedence; the environment's are not among them."""
    found = [Rule.of(row) for row in rules.listed(state.core())]
    return sent(Rules(items=found, next=None))


@routes.post("/rules", {201: made(Rule, "The rule, as it is kept.")}, 400, 404, 413, 415)
def add_rule(body: NewRule, query: Nothing) -> Response:
    """Add a rule, in the place of one that says something else of the same word.

    It bears on what the next scan decides: `"mode": "decide"` needs no picture and no engine.
    """
    asked = body.root
    rule = RuleOf(RuleAction(asked.action), asked.word, asked.engine, asked.value(), asked.section)
    kept = rules.get(state.core(), rules.add(state.core(), rule))
    return sent(Rule.of(kept), 201, location=url_for(".get_rule", rule_id=kept.id))


@routes.get("/rules/<int:rule_id>", Rule, 404)
def get_rule(path: RulePath, query: Nothing) -> Response:
    """Return a rule."""
    return sent(Rule.of(rules.get(state.core(), path.rule_id)))


@routes.delete("/rules/<int:rule_id>", 404)
def remove_rule(path: RulePath, query: Nothing) -> Response:
    """Remove a rule."""
    rules.remove(state.core(), path.rule_id)
    return nothing()
