"""REST for tags with their counts, and for the rules about them."""

from typing import Annotated, Any, Literal

from flask import Response, url_for
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel

from tigertag import model
from tigertag.errors import Conflict
from tigertag.model import RuleAction
from tigertag.services import browsing, rules
from tigertag.web import state
from tigertag.web.api.routes import Routes, made, nothing, sent
from tigertag.web.api.schemas import (
    Body,
    Id,
    Name,
    Nothing,
    SectionPaging,
    SectionPath,
    Shape,
    ShapeList,
    TagName,
    Text,
    Word,
    WordButStar,
    from_path,
)

tag_routes = Routes("tags", "Tags, with the number of items that have them.")
rule_routes = Routes("rules", "The user's rules about tags.")


class TagsQuery(SectionPaging):
    q: Text = Field(default="", description="Only tags that contain this text.")


class CountedTag(TagName):
    """A tag, with the number of items that have it."""

    items: int = Field(description="Items for which it is decided.")
    written: int = Field(description="Those of them on which TigerTag wrote it, and it is present.")


@tag_routes.get("/tags", ShapeList[CountedTag], 404)
def list_tags(query: TagsQuery) -> Response:
    """List the decided tags, most items first. Counts may be some seconds old."""
    return sent(ShapeList[CountedTag], browsing.tags(state.core(), **query.arguments()))


class _Scope(Body):
    engine: Name = Field(default="", description="Only labels of this engine; empty: of all.")
    section: SectionPath = Field(
        default="", description='Only in this section: "library/section id"; empty: everywhere.'
    )


class Block(_Scope):
    """Block this tag, or allow it again."""

    model_config = ConfigDict(json_schema_extra={"example": {"action": "deny", "word": "tripod"}})

    action: Literal["deny", "allow"]
    word: WordButStar = Field(description="A tag's name or concept id.")

    @property
    def value(self) -> str:
        return ""


class Rename(_Scope):
    """Write this tag under another name."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"action": "rename", "word": "tabby", "to": "tabby cat"}}
    )

    action: Literal["rename"]
    word: WordButStar = Field(description="A tag's name or concept id.")
    to: Word = Field(description="Its new name.")

    @property
    def value(self) -> str:
        return self.to


class Threshold(_Scope):
    """Write this tag only from this confidence on."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"action": "threshold", "word": "dog", "at": 0.8}}
    )

    action: Literal["threshold"]
    word: Word = Field(description="A tag's name or concept id; `*` for every tag.")
    at: float = Field(ge=0, le=1, allow_inf_nan=False, description="The minimum confidence.")

    @property
    def value(self) -> str:
        return repr(self.at)


class NewRule(RootModel[Annotated[Block | Rename | Threshold, Field(discriminator="action")]]):
    """A rule, of one of four kinds."""

    model_config = ConfigDict(json_schema_extra={"example": {"action": "deny", "word": "tripod"}})


def _value_of(action: RuleAction) -> BeforeValidator:
    """Take the rule's value if it has this action, else null."""

    def value(rule: Any) -> str | None:
        return rule.value if rule.action is action else None

    return BeforeValidator(value)


class RuleShape(Shape):
    """A rule. `to` belongs to rename, `at` to threshold; they are null elsewhere."""

    id: int
    action: RuleAction = from_path("rule", "action")
    word: str = from_path("rule", "word")
    engine: str = from_path("rule", "engine")
    section: str = from_path("rule", "section")
    to: Annotated[str | None, _value_of(RuleAction.RENAME)] = from_path("rule")
    at: Annotated[float | None, _value_of(RuleAction.THRESHOLD)] = from_path("rule")


class RulePath(BaseModel):
    rule_id: Id = Field(description="The rule's id.")


@rule_routes.get("/rules", ShapeList[RuleShape])
def list_rules(query: Nothing) -> Response:
    """List the rules by rising precedence, without the environment's."""
    return sent(ShapeList[RuleShape], rules.listed(state.core()))


@rule_routes.post("/rules", {201: made(RuleShape, "The rule as it was saved.")}, 400, 404, 413, 415)
def add_rule(body: NewRule, query: Nothing) -> Response:
    """Add a rule. It replaces a rule about the same word that contradicts it.

    It applies from the next scan on: `"mode": "decide"` needs no picture and runs no engine.
    """
    new = body.root
    rule = model.Rule(RuleAction(new.action), new.word, new.engine, new.value, new.section)
    row = rules.get(state.core(), rules.add(state.core(), rule))
    return sent(RuleShape, row, 201, location=url_for(".get_rule", rule_id=row.id))


@rule_routes.get("/rules/<int:rule_id>", RuleShape, 404)
def get_rule(path: RulePath, query: Nothing) -> Response:
    """Return a rule."""
    return sent(RuleShape, rules.get(state.core(), path.rule_id))


class RuleChanges(Body):
    """What to change in a rule; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"at": 0.9}})

    to: Word | None = Field(default=None, description="The new name; only for rename.")
    at: float | None = Field(
        default=None, ge=0, le=1, allow_inf_nan=False, description="Only for threshold."
    )
    engine: Name | None = Field(default=None, description="Empty: labels of every engine.")
    section: SectionPath | None = Field(default=None, description="Empty: everywhere.")

    def value_for(self, action: RuleAction) -> str | None:
        """Return the new value. Raises `Conflict` if such a rule has none of that kind."""
        wrong = {"to": RuleAction.RENAME, "at": RuleAction.THRESHOLD}
        for name, needed in wrong.items():
            if getattr(self, name) is not None and action is not needed:
                raise Conflict(f"A rule to {action} has no {name!r}; nothing was changed.")
        return self.to if self.at is None else repr(self.at)


@rule_routes.patch("/rules/<int:rule_id>", RuleShape, 400, 404, 409, 413, 415)
def change_rule(path: RulePath, body: RuleChanges, query: Nothing) -> Response:
    """Change a rule's value, or where it holds. Its action and word stay.

    It applies from the next scan on: `"mode": "decide"` needs no picture and runs no engine.
    """
    core = state.core()
    value = body.value_for(rules.get(core, path.rule_id).rule.action)
    rules.change(core, path.rule_id, value=value, engine=body.engine, section=body.section)
    return sent(RuleShape, rules.get(core, path.rule_id))


@rule_routes.delete("/rules/<int:rule_id>", 404)
def remove_rule(path: RulePath, query: Nothing) -> Response:
    """Remove a rule."""
    rules.remove(state.core(), path.rule_id)
    return nothing()
