"""What engines took, as answers show it."""

from datetime import datetime

from pydantic import Field

from tigertag.services import views
from tigertag.web.api.shapes import Shape


class MonthOfUse(Shape):
    """What an engine took this month (UTC), and what it may take."""

    engine: str
    units: int = Field(description="Calls of its quota, those under way included.")
    cost_usd: float
    units_limit: int | None = Field(description="`MONTHLY_LIMIT`; null: none.")
    usd_limit: float | None = Field(description="`MONTHLY_COST_USD`; null: none.")
    renews_at: datetime
    in_doubt: int = Field(description="Calls of which nobody knows the end: they count as spent.")
    item_cost_usd: float | None = Field(description="What an item costs, about; null: not known.")

    @classmethod
    def of(cls, view: views.MonthOfUse) -> "MonthOfUse":
        return cls.model_validate(view, from_attributes=True)


class DayOfUse(Shape):
    """What an engine took on a day."""

    engine: str
    day: str = Field(description="In UTC, such as 2026-11-21.")
    units: int
    cost_usd: float

    @classmethod
    def of(cls, view: views.DayOfUse) -> "DayOfUse":
        return cls.model_validate(view, from_attributes=True)


class Use(Shape):
    """What engines took: this month, and by day, the newest first."""

    months: list[MonthOfUse]
    days: list[DayOfUse]
