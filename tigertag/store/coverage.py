"""How much of each section bears tags that TigerTag wrote."""

from dataclasses import dataclass

from sqlalchemy import and_, case, exists, func, select

from tigertag.store import schema
from tigertag.store.database import Db

_items, _standing, _problems = schema.items, schema.standing, schema.problems


@dataclass(frozen=True, slots=True)
class Covered:
    """The items of a section. `unreadable`: those with a problem, and no tag of ours."""

    items: int = 0
    tagged: int = 0
    unreadable: int = 0


def by_section(db: Db) -> dict[int, Covered]:
    """Return the coverage of each section that was listed, by its id: a probe or two an item."""
    ours = and_(_standing.c.item_id == _items.c.id, _standing.c.state.in_(("ours", "kept")))
    bad = and_(
        _problems.c.item_id == _items.c.id,
        _problems.c.revision == _items.c.revision,
        _problems.c.ignored.is_(False),
    )
    is_tagged = exists().where(ours).correlate(_items)
    is_bad = exists().where(bad).correlate(_items)
    outcome = case((is_tagged, "tagged"), (is_bad, "unreadable"), else_="untagged")
    each = select(_items.c.section_id, outcome.label("outcome")).where(_items.c.gone.is_(False))
    one = each.subquery().c
    counted = select(
        one.section_id,
        func.count(),
        func.sum(case((one.outcome == "tagged", 1), else_=0)),
        func.sum(case((one.outcome == "unreadable", 1), else_=0)),
    ).group_by(one.section_id)
    return {row[0]: Covered(*map(int, row[1:])) for row in db.execute(counted)}
