"""Home and Setup: libraries and engines, their checks, usage and cost, and the egress log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from tigertag.core import Core
from tigertag.services import (
    engines,
    libraries,
    library_watches,
    problems,
    retries,
    scan_status,
    spending,
)
from tigertag.services import home as homes
from tigertag.services import overview as overviews
from tigertag.services.home import PreviewedAll
from tigertag.services.scan_status import Status
from tigertag.services.views import Checked, DayOfUse, MonthOfUse
from tigertag.web import state
from tigertag.web.dashboard import models, notices, request

home_pages = Blueprint("home", __name__)
setup_pages = Blueprint("setup", __name__)
_DAYS = 31


@home_pages.get("/")
def show() -> ResponseReturnValue:
    return _page()


def _page(previewed: PreviewedAll | None = None) -> str:
    core = state.core()
    listed = libraries.listed(core)
    home = homes.home(core, listed)
    return render_template(
        "home.html",
        libraries=listed,
        home=home,
        states={section.path: section for section in home.sections},
        previewed=previewed,
        overview=overviews.overview(core, period()),
        **_scans(core),
    )


@home_pages.get("/today")
def today() -> ResponseReturnValue:
    """Render coverage, what is pending and what comes next, which asks for itself now and then."""
    return render_template("_today.html", home=homes.home(state.core()))


@home_pages.post("/needs/dismiss")
def dismiss() -> ResponseReturnValue:
    """Dismiss what needs the user. Raises `NotFound`."""
    homes.dismiss(state.core(), request.text("need"))
    return _needs()


@home_pages.post("/needs/show")
def show_dismissed() -> ResponseReturnValue:
    """Show again what was dismissed."""
    homes.show_dismissed(state.core())
    return _needs()


def _needs() -> ResponseReturnValue:
    if request.by_htmx():
        return render_template("_needs.html", home=homes.home(state.core()), opened=True)
    return redirect(url_for("dashboard.home.show"), 303)


@home_pages.post("/preview-all")
def preview_all() -> ResponseReturnValue:
    """Preview every section in which that costs nothing, and say where it was not started."""
    previewed = homes.preview_all(state.core())
    state.get().worker.wake()
    return _page(previewed)


@home_pages.get("/overview")
def overview() -> ResponseReturnValue:
    """Render the daily overview, which asks for itself now and then. Raises `RequestError`."""
    return render_template("_overview.html", overview=overviews.overview(state.core(), period()))


@home_pages.post("/overview/retry")
def retry() -> ResponseReturnValue:
    """Try all items again that failed for the reason of a problem. Raises `NotFound`."""
    core = state.core()
    problem = problems.get(core, request.number("problem_id"))
    retried = retries.retry_all(core, engine=problem.engine, reason=problem.reason)
    state.get().worker.wake()
    if not request.by_htmx():
        return redirect(url_for("dashboard.system.tasks"), 303)
    core.cache.forget("overview")
    shown = overviews.overview(core, period())
    return render_template("_overview.html", overview=shown, retried=retried)


def period() -> int:
    """Return the days of the overview that are asked for; 1 by default. Raises `RequestError`."""
    return request.number("days") if request.text("days") else 1


@home_pages.get("/section")
def section() -> ResponseReturnValue:
    """Render the card of one section, which polls this while a scan of it is active."""
    core = state.core()
    view = request.find_section(request.text("library"), request.text("section"))
    states = {section.path: section for section in homes.home(core).sections}
    return render_template("_section.html", view=view, states=states, **_scans(core))


def _scans(core: Core) -> dict[str, dict[int, Status]]:
    """Return the active scans, and each section's newest, by id."""
    newest = {view.newest_scan for view in request.all_sections()} - {None}
    return {
        "active": {status.scan.id: status for status in scan_status.active(core)},
        "newest": {scan_id: scan_status.status(core, scan_id) for scan_id in newest if scan_id},
    }


@setup_pages.get("/setup")
def setup() -> ResponseReturnValue:
    return _setup_page()


@setup_pages.post("/setup/check")
def check() -> ResponseReturnValue:
    """Check one engine, or all that are switched on. Raises `NotFound`."""
    engine = request.text("engine")
    return _setup_page(engines.check(state.core(), [engine] if engine else ()))


def _setup_page(checks: Sequence[Checked] = ()) -> ResponseReturnValue:
    core, enrolments = state.core(), state.get().enrolments
    views = engines.listed(core)
    return render_template(
        "setup.html",
        engines=views,
        libraries=libraries.listed(core),
        checks={check.engine: check for check in checks},
        enrolments={engine.id: enrolments.of(engine.id) for engine in views if engine.knows_faces},
        watches=library_watches.problems(core),
        **models.context(),
        **notices.context(),
    )


@setup_pages.post("/setup/engines/<engine>/enrol")
def enrol(engine: str) -> ResponseReturnValue:
    """Start an enrolment of faces. Raises `NotFound`, `PluginError`."""
    started = state.get().enrolments.start(engine)
    if request.by_htmx():
        return render_template("_enrolment.html", enrolment=started)
    return redirect(url_for("dashboard.setup.setup", _anchor=f"engine-{started.engine}"), 303)


@setup_pages.get("/setup/engines/<engine>/enrolment")
def enrolment(engine: str) -> ResponseReturnValue:
    """Render an enrolment's progress; the page polls this while it runs."""
    return render_template("_enrolment.html", enrolment=state.get().enrolments.of(engine))


@dataclass(frozen=True, slots=True)
class UsageBar:
    """A day in the chart. `day`: 0 to 30, from old to new; `height`: 0 to 1, of the highest."""

    day: int
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class EngineUsage:
    """An engine's month, its days (newest first), and their chart."""

    engine: str
    month: MonthOfUse | None
    days: tuple[DayOfUse, ...]
    bars: tuple[UsageBar, ...]


@setup_pages.get("/use")
@setup_pages.get("/usage")
def usage() -> ResponseReturnValue:
    core = state.core()
    months, days = spending.months(core), spending.days(core)
    names = dict.fromkeys([*months, *(day.engine for day in days)])
    usages = [_engine_usage(name, months.get(name), days) for name in names]
    return render_template("usage.html", engines=usages)


def _engine_usage(engine: str, month: MonthOfUse | None, days: Sequence[DayOfUse]) -> EngineUsage:
    own = tuple(day for day in days if day.engine == engine)
    return EngineUsage(engine, month, own, _bars(own))


def _bars(days: Sequence[DayOfUse]) -> tuple[UsageBar, ...]:
    """Draw money if any was spent, else calls."""
    today = datetime.now(UTC).date()
    paid = any(day.cost_usd for day in days)
    amounts = {day.day: day.cost_usd if paid else float(day.units) for day in days}
    most = max(amounts.values(), default=0.0)
    dates = [str(today - timedelta(days=_DAYS - 1 - day)) for day in range(_DAYS)]
    return tuple(
        UsageBar(day, amounts[date] / most, date)
        for day, date in enumerate(dates)
        if amounts.get(date, 0.0) > 0
    )


@setup_pages.get("/departures")
@setup_pages.get("/egress")
def egress() -> ResponseReturnValue:
    """List every picture that was sent to another service."""
    core = state.core()
    engine = request.text("engine")
    page = spending.egress_log(core, engine=engine, cursor=request.cursor())
    names = [view.id for view in engines.listed(core) if not view.local or view.id == engine]
    return request.render_list("egress", page=page, engine=engine, engines=names)
