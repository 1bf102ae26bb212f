"""Words that engines say and that are no tags by themselves; thresholds of an engine's models.

With them came labels of places and facts, and notes on labels, in the JSON of answers and decisions
that was there before.

Revision ID: 0012
Revises: 0011
"""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMNS = ("withheld", "models")
_KINDS = {"place", "fact"}
_KIND, _NOTE = 3, 6
_PAGE = 1000

_items = sa.table("items", sa.column("id"), sa.column("settled"))
_answers = sa.table("answers", sa.column("id"), sa.column("item_id"), sa.column("labels"))
_decisions = sa.table("decisions", sa.column("id"), sa.column("tags"))


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("engines", sa.Column(name, sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    """Take out what the program before cannot read; an upgrade asks for it again, at no cost.

    Places are not given another kind: one that is private later would no longer be known as one.
    """
    _change_answers()
    _change_decisions()
    for name in _COLUMNS:
        op.drop_column("engines", name)


def _change_answers() -> None:
    """Delete answers that name places or facts, and cut the notes off all others."""
    db = op.get_bind()
    for row in _rows(_answers):
        labels = _loaded(row.labels)
        if any(_is_new(label) for label in labels):
            db.execute(sa.delete(_answers).where(_answers.c.id == row.id))
            asked_again = sa.update(_items).where(_items.c.id == row.item_id)
            db.execute(asked_again.values(settled=""))
        elif any(len(label) > _NOTE for label in labels):
            _put(_answers, row.id, labels=_packed([label[:_NOTE] for label in labels]))


def _change_decisions() -> None:
    """Leave places and facts out of the tags, and notes out of their reasons."""
    for row in _rows(_decisions):
        tags = _loaded(row.tags)
        kept = [_without_notes(tag) for tag in tags if not _is_new(tag)]
        if kept != tags:
            _put(_decisions, row.id, tags=_packed(kept))


def _without_notes(tag: list[Any]) -> list[Any]:
    *known, because = tag
    return [*known, [[engine, model, label[:_NOTE]] for engine, model, label in because]]


def _is_new(row: list[Any]) -> bool:
    """Both labels and tags have their kind as their fourth value."""
    return len(row) > _KIND and row[_KIND] in _KINDS


def _rows(table: sa.TableClause) -> Iterator[sa.Row[Any]]:
    """Yield all rows, a page at a time: they are changed meanwhile."""
    last = 0
    while page := op.get_bind().execute(
        sa.select(table).where(table.c.id > last).order_by(table.c.id).limit(_PAGE)
    ).all():  # fmt: skip
        yield from page
        last = page[-1].id


def _put(table: sa.TableClause, row_id: int, **values: str) -> None:
    op.get_bind().execute(sa.update(table).where(table.c.id == row_id).values(**values))


def _loaded(packed: str) -> list[list[Any]]:
    """What is no list of rows is left as it is."""
    try:
        rows = json.loads(packed)
    except ValueError:
        return []
    return rows if isinstance(rows, list) else []


def _packed(rows: list[Any]) -> str:
    return json.dumps(rows, separators=(",", ":"))
