"""What is paid for: nothing is asked before somebody has said yes."""

from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image

from tests.unit.cli.conftest import Run
from tigertag.breakers import CircuitBreakers
from tigertag.cli import progress, session

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _cloud(monkeypatch: pytest.MonkeyPatch, photos: Path) -> None:
    Image.new("RGB", (16, 16), (30, 200, 30)).save(photos / "b.png")
    monkeypatch.setenv("ENGINE_CLOUD_NAME", "tests.unit.cli.paid")


@pytest.fixture
def _at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "is_terminal", lambda: True)


def lines(result: Result) -> list[str]:
    return [" ".join(line.split()) for line in result.output.splitlines()]


def test_where_nobody_can_say_yes_a_paid_scan_is_refused(run: Run) -> None:
    result = run("scan", "photos")
    assert (result.exit_code, len(lines(result))) == (1, 1)
    assert "(cloud)" in result.output
    assert "--yes" in result.output
    assert run("scans").output == "No scan yet; `tigertag scan LIBRARY` makes one.\n"


@pytest.mark.usefixtures("_at_a_terminal")
@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_a_paid_scan_is_not_started_without_a_yes(run: Run, answer: str) -> None:
    result = run("scan", "photos", input=answer)
    assert result.exit_code == 1
    assert "cloud 2 2 $0.04 no limit" in lines(result)
    assert run("departures").output == "No picture has left this machine.\n"


@pytest.mark.usefixtures("_at_a_terminal")
def test_a_paid_scan_is_started_by_a_yes(run: Run) -> None:
    result = run("scan", "photos", input="y\n")
    assert (result.exit_code, "4 answers" in result.output) == (0, True)
    assert "About $0.04 in all." in lines(result)


def test_yes_skips_the_question_and_the_forecast(run: Run) -> None:
    assert run("scan", "photos", "--yes").exit_code == 0
    assert run("scans").output.count("photos/photos") == 1


@pytest.mark.usefixtures("_at_a_terminal")
def test_nothing_is_asked_where_every_item_has_its_answers(run: Run) -> None:
    run("scan", "photos", "--yes")
    result = run("scan", "photos", input="")
    assert result.exit_code == 0
    assert "No engine would run: every item has its answers." in lines(result)


def test_an_engine_that_is_free_is_asked_at_once(run: Run) -> None:
    assert run("scan", "photos", "--engine", "instant").exit_code == 0
    assert run("scan", "photos", "--decide").exit_code == 0


def test_an_engine_that_may_not_see_the_section_is_not_asked_about(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_CLOUD_SECTIONS", "attic")
    assert run("scan", "photos").exit_code == 0


def test_a_forecast_asks_nobody(run: Run) -> None:
    result = run("forecast", "photos")
    assert result.exit_code == 0
    assert "instant 2 free" in lines(result)
    assert "forecast" in run("scans").output
    assert run("departures").output == "No picture has left this machine.\n"


def test_a_forecast_says_when_the_budget_is_not_enough(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_CLOUD_MONTHLY_LIMIT", "1")
    assert "cloud 2 2 $0.04 1 call not enough: the rest would wait" in lines(
        run("forecast", "photos", "--engine", "cloud")
    )


def test_a_cost_that_nobody_knows_is_not_called_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_CLOUD_PRICED", "false")
    told = lines(run("forecast", "photos", "--engine", "cloud"))
    assert told[1:] == ["cloud 2 2 not known no limit", "What cloud costs is not known."]


def test_a_forecast_of_everything_anew_counts_what_was_answered(run: Run) -> None:
    run("scan", "photos", "--yes")
    result = run("forecast", "photos", "--force", "--engine", "cloud")
    assert "cloud 2 2 $0.04 no limit" in lines(result)


def test_a_cascade_is_told_at_its_most(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_CLOUD_WHEN", "uncertain")
    monkeypatch.setenv("ENGINE_CLOUD_ORDER", "200")
    assert "cloud at most 2 2 $0.04 no limit" in lines(run("forecast", "photos"))
    result = run("scan", "photos", "--yes")
    assert "cloud skipped for 2 items: another engine was confident; about $0.04 saved." in lines(
        result
    )


def test_a_scan_that_waits_for_the_next_month_says_how_it_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_CLOUD_MONTHLY_LIMIT", "1")
    monkeypatch.setenv("ENGINE_CLOUD_ON_LIMIT", "wait")
    result = run("scan", "photos", "--yes")
    assert (result.exit_code, "it waits" in result.output) == (3, True)
    assert "used up its 1 call of this month" in result.output
    assert "It goes on at " in result.output
    assert "use `tigertag resume 1`." in result.output
    assert run("resume", "1").exit_code == 3
    result = run("scan", "photos", "--yes")
    assert (result.exit_code, "Scan 2 " in result.output) == (3, True)


def test_a_scan_can_stay_until_an_engine_is_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        CircuitBreakers.__init__, "__kwdefaults__", {"first_s": 2.6, "longest_s": 2.6}
    )
    monkeypatch.setenv("ENGINE_CLOUD_DOWN", "1")
    result = run("scan", "photos", "--yes", "--wait")
    assert (result.exit_code, "4 answers" in result.output) == (0, True)
    assert "It cannot be reached." in result.output


def test_whoever_stops_waiting_pauses_the_scan(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_status: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(progress, "_rest", interrupted)
    monkeypatch.setenv("ENGINE_CLOUD_DOWN", "1")
    result = run("scan", "photos", "--yes", "--wait")
    assert (result.exit_code, "Scan 1 is paused" in result.output) == (130, True)


def test_engines_say_why_one_has_stopped(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_CLOUD_REFUSED", "true")
    assert run("scan", "photos", "--yes").exit_code == 3
    result = run("engines")
    assert result.exit_code == 0
    assert "cloud: Its key was refused; set ENGINE_CLOUD_API_KEY. Nothing was sent." in lines(
        result
    )


def test_engines_are_listed_before_there_is_a_database(run_anew: Run, tmp_path: Path) -> None:
    result = run_anew("engines")
    assert (result.exit_code, "cloud" in result.output) == (0, True)
    assert not (tmp_path / "home" / "tigertag.db").exists()


def test_a_check_names_what_is_wrong_and_fails(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_CLOUD_REFUSED", "true")
    monkeypatch.setenv("ENGINE_BAD_NAME", "tigertag.classifier")
    monkeypatch.setenv("ENGINE_BAD_MODLE", "resnet50")
    result = run("engines", "--check")
    told = lines(result)
    assert result.exit_code == 1
    assert "instant: Ready." in told
    assert any(line.startswith("cloud: failed: Its key was refused") for line in told)
    assert any(line.startswith("bad: failed: ENGINE_BAD_MODLE") for line in told)


def test_a_check_of_engines_that_all_work_is_a_success(run: Run) -> None:
    result = run("engines", "--check")
    assert (result.exit_code, lines(result)) == (
        0,
        ["cloud: Ready.", "instant: Ready."],
    )


def test_use_tells_the_month_and_its_days(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_CLOUD_MONTHLY_LIMIT", "100")
    monkeypatch.setenv("ENGINE_CLOUD_MONTHLY_COST_USD", "5")
    run("scan", "photos", "--yes")
    told = "\n".join(lines(run("use")))
    assert "cloud 2 of 100 calls, $0.04 of $5.00 1 " in told
    assert "cloud 2 $0.04" in told
    assert "cloud: 2 of 100 calls, $0.04 of $5.00 this month;" in run("engines").output


def test_departures_name_each_picture_that_left(run: Run) -> None:
    assert "did you mean 'cloud'?" in run("egress", "--engine", "clout").output
    run("scan", "photos", "--yes")
    told = lines(run("departures", "--engine", "Cloud", "--limit", "1"))
    assert len(told) == 2
    assert "photos/photos/b.png cloud paid.test 1.2 kB $0.02" in told[1]


def test_tagging_by_a_paid_engine_is_refused_where_nobody_can_say_yes(
    run: Run, photos: Path
) -> None:
    result = run("tag", "--engine", "cloud", str(photos))
    assert (result.exit_code, len(lines(result))) == (1, 1)
    assert "--yes" in result.output


@pytest.mark.usefixtures("_at_a_terminal")
def test_tagging_by_a_paid_engine_asks_and_is_counted(run: Run, photos: Path) -> None:
    assert run("tag", "--engine", "cloud", str(photos), input="n\n").exit_code == 1
    result = run("tag", "--engine", "cloud", str(photos), input="y\n")
    assert result.exit_code == 0
    assert "cloud: 2 pictures, cost: $0.04." in result.output
    assert run("departures").output.count("paid.test") == 2
