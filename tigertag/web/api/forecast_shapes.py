"""What a scan would cost, what it was spared and what it waits for, as answers show it."""

from pydantic import Field

from tigertag.scan import forecasts
from tigertag.scan.forecasts import EngineForecast as EngineView
from tigertag.services.waiting import Saving
from tigertag.web.api.shapes import Shape


class Spared(Shape):
    """Items that an engine was not asked about, since others were sure."""

    items: int
    cost_usd: float | None = Field(description="What asking would have cost, about; null: unknown.")

    @classmethod
    def of(cls, saving: Saving) -> "Spared":
        return cls.model_validate(saving, from_attributes=True)


class EngineForecast(Shape):
    """What a scan would ask an engine."""

    engine: str
    items: int = Field(description="How many items it would be asked about.")
    calls: int = Field(description="Calls of its quota that this takes.")
    cost_usd: float | None = Field(description="What this costs, about; null: not known.")
    paid: bool = Field(description="Whether it costs money, or takes from a quota.")
    at_most: bool = Field(description="Whether it may be spared some of it (`WHEN=uncertain`).")
    units_left: int | None = Field(description="Calls left this month; null: no limit.")
    usd_left: float | None = Field(description="Money left this month; null: no limit.")
    enough: bool = Field(description="Whether what is left of the month's budget is enough.")

    @classmethod
    def of(cls, one: EngineView) -> "EngineForecast":
        return cls.model_validate(one, from_attributes=True)


class Forecast(Shape):
    """What a scan would ask, in the order in which engines are asked."""

    engines: list[EngineForecast]
    cost_usd: float = Field(description="The sum of what is known.")
    paid: bool = Field(description="Whether an engine would be asked that is paid.")
    unknown: list[str] = Field(description="Engines of which nobody knows what they cost.")

    @classmethod
    def of(cls, forecast: forecasts.Forecast) -> "Forecast":
        return cls(
            engines=[EngineForecast.of(one) for one in forecast.engines],
            cost_usd=forecast.cost_usd,
            paid=forecast.paid,
            unknown=list(forecast.unknown),
        )
