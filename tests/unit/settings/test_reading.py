"""The environment, read."""

from collections.abc import Mapping
from datetime import time
from pathlib import Path

import pytest

from tigertag.contracts import Sampling
from tigertag.errors import SettingsError
from tigertag.model import NoticeKind
from tigertag.settings import (
    ChannelSettings,
    EngineSettings,
    LibrarySettings,
    ScheduleSettings,
    load,
)


def engine(**own: str) -> EngineSettings:
    """One engine X from its attributes."""
    named = {"NAME": "tigertag.classifier"} | own
    return load({f"ENGINE_X_{key}": value for key, value in named.items()}).engines[0]


def test_the_classifier_and_the_detector_are_there_when_no_engine_is_configured() -> None:
    loaded = load({"LIBRARY_PHOTOS_NAME": "tigertag.folder"}).engines
    assert [each.name for each in loaded] == ["tigertag.classifier", "tigertag.detector"]


def test_an_engine_that_is_switched_off_is_still_configured() -> None:
    assert engine(ENABLED="off").enabled is False


def test_two_accounts_are_two_engines() -> None:
    loaded = load({"ENGINE_A1_NAME": "acme.tagger", "ENGINE_B2_NAME": "acme.tagger"}).engines
    assert [each.id for each in loaded] == ["a1", "b2"]


def test_what_every_engine_has_is_kept_from_its_own_options() -> None:
    loaded = engine(PREFIX="'auto '", MIN_CONFIDENCE="0.7", SECTIONS="A, b c", MODEL="resnet18")
    assert (loaded.prefix, loaded.min_confidence, loaded.sections) == ("auto ", 0.7, ("A", "b c"))
    assert loaded.values == {"model": "resnet18"}


def test_a_librarys_options_are_all_its_own() -> None:
    loaded = load({"LIBRARY_P_NAME": "tigertag.folder", "LIBRARY_P_PATH": '"/my photos"'})
    assert loaded.libraries[0].values == {"path": "/my photos"}


def library(**own: str) -> LibrarySettings:
    values = {f"LIBRARY_F_{name}": value for name, value in {"NAME": "x.y", **own}.items()}
    (loaded,) = load(values).libraries
    return loaded


def test_a_library_looks_at_scenes_and_skips_what_other_taggers_did_by_default() -> None:
    loaded = library()
    assert (loaded.sampling, loaded.values) == (Sampling(), {})
    assert loaded.skip_tags == ("ai-generated", "auto-tagged", "vision-analyzed")


def test_how_frames_are_chosen_is_kept_from_a_librarys_own_options() -> None:
    loaded = library(FRAMES="Interval", FRAME_INTERVAL_S="2.5", MAX_FRAMES="4", PATH="/p")
    assert loaded.sampling == Sampling("interval", 2.5, 4)
    assert loaded.values == {"path": "/p"}


def test_none_is_no_skip_tag() -> None:
    assert library(SKIP_TAGS="none").skip_tags == ()


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"FRAMES": "all"}, "'all' is not one of scenes, interval, keyframes"),
        ({"FRAME_INTERVAL_S": "0"}, "not a number from 0.1 to 3600"),
        ({"MAX_FRAMES": "0"}, "not a whole number from 1 to 100"),
        ({"SCENE_THRESHOLD": "300"}, "not a number from 1 to 255"),
        ({"SCENES_EXACT": "maybe"}, "neither true nor false"),
    ],
)
def test_a_wrong_value_is_that_librarys_problem(own: Mapping[str, str], message: str) -> None:
    assert message in library(**own).problem


@pytest.mark.parametrize("value", ["TRUE", "yes", "On", "1", ""])
def test_a_switch_is_on_by_any_of_its_words(value: str) -> None:
    assert engine(ENABLED=value).enabled is True
    assert engine(ENABLED=value).problem == ""


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"ENABLED": "maybe"}, "ENGINE_X_ENABLED: 'maybe' is neither true nor false"),
        ({"NAME": " ", "MODEL": "x"}, "ENGINE_X_NAME is not set"),
        ({"MIN_CONFIDENCE": "85"}, "ENGINE_X_MIN_CONFIDENCE: '85' is not a number from 0 to 1"),
        ({"MIN_CONFIDENCE": "nan"}, "ENGINE_X_MIN_CONFIDENCE: 'nan' is not a number"),
        ({"MAX_TAGS": "0"}, "ENGINE_X_MAX_TAGS: '0' is not a whole number of at least 1"),
        ({"ORDER": "first"}, "ENGINE_X_ORDER: 'first' is not a whole number"),
        ({"KEY": "a", "KEY_FILE": "b"}, "ENGINE_X_KEY_FILE and ENGINE_X_KEY are both set"),
        ({"KEY_FILE": "/no/such"}, "ENGINE_X_KEY_FILE: '/no/such' cannot be read (No such file"),
    ],
)
def test_a_wrong_value_is_that_engines_problem(own: Mapping[str, str], message: str) -> None:
    assert message in engine(**own).problem


def test_a_secret_comes_from_a_file_without_its_last_newline(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(" s3cret\r\n")
    assert engine(API_KEY_FILE=str(tmp_path / "key")).values == {"api_key": " s3cret"}


def test_an_option_that_merely_ends_in_file_is_an_option() -> None:
    assert engine(PROMPT_FILE="/p.txt").values == {"prompt_file": "/p.txt"}


def test_no_secret_shows_in_what_is_printed() -> None:
    shown = repr(
        load(
            {
                "ENGINE_X_API_KEY": "hunter1",
                "ENGINE_X_URL": "http://me:hunter2@host/",
                "DB_URL": "postgres://me:hunter3@host/db",
            }
        )
    )
    assert "host" in shown
    assert "hunter" not in shown


def test_the_database_is_in_the_home_by_default(tmp_path: Path) -> None:
    assert load({"TIGERTAG_HOME": f"{tmp_path}"}).db_url == f"sqlite:///{tmp_path}/tigertag.db"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgres_is_reached_by_psycopg(scheme: str) -> None:
    assert load({"DB_URL": f"{scheme}://u@h/d"}).db_url == "postgresql+psycopg://u@h/d"


def test_the_databases_address_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("sqlite:////var/x.db\n")
    assert load({"DB_URL_FILE": f"{tmp_path / 'url'}"}).db_url == "sqlite:////var/x.db"


@pytest.mark.parametrize(
    "environ",
    [
        {"DB_URL": "mysql://me:hunter2@h/d"},
        {"DB_URL_FILE": "/no/such"},
        {"DB_URL": "sqlite:///a", "DB_URL_FILE": "/b"},
    ],
)
def test_no_other_database_is_used_when_its_address_is_wrong(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="DB_URL") as caught:
        load(environ)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"TIGERTAG_HOEM": "/x"}, "TIGERTAG_HOEM is not a setting; did you mean 'TIGERTAG_HOME'?"),
        ({"TIGER_TAG_HOME": "/x"}, "did you mean 'TIGERTAG_HOME'?"),
        ({"ENGINES_A_NAME": "x"}, "did you mean 'ENGINE_A_NAME'?"),
        ({"LIBARY_P_NAME": "x"}, "did you mean 'LIBRARY_P_NAME'?"),
        ({"PORT": "http"}, "PORT: 'http' is not a whole number"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL: 'loud' is not one of DEBUG"),
        ({"TZ": "Atlantis"}, "TZ: 'Atlantis' is not a time zone"),
        ({"TIGERTAG_LEASE_S": "-1"}, "TIGERTAG_LEASE_S: '-1' is not a number"),
    ],
)
def test_a_misspelt_setting_is_told(environ: dict[str, str], message: str) -> None:
    (problem,) = load(environ).problems
    assert message in problem


def test_an_option_under_a_misspelt_prefix_is_told_where_its_engine_is_known() -> None:
    loaded = load({"ENGINE_A_NAME": "x", "ENGNE_A_MODEL": "y"})
    assert loaded.problems == ("ENGNE_A_MODEL is not a setting; did you mean 'ENGINE_A_MODEL'?",)


def test_variables_of_other_programs_are_left_alone() -> None:
    others = ("LIBRARY_PATH", "LD_LIBRARY_PATH", "ENGINE", "PATH", "MACHINE_ID_NAME", "LIBRARIES")
    loaded = load(dict.fromkeys(others, "x"))
    assert (loaded.problems, loaded.libraries) == ((), ())


def schedule(**own: str) -> ScheduleSettings:
    values = {"CRON": "0  2 * * *", "LIBRARY": "plex"} | own
    (loaded,) = load({f"SCHEDULE_NIGHT_{name}": value for name, value in values.items()}).schedules
    return loaded


def test_a_schedule_is_a_preview_of_what_changed_in_every_section_by_default() -> None:
    expected = ScheduleSettings("night", "0 2 * * *", "plex", mode="changed", write="preview")
    assert (schedule(), expected.enabled, expected.problem) == (expected, True, "")


def test_all_of_a_schedule_can_be_set() -> None:
    loaded = schedule(
        SECTION="Photos", MODE="NEW", WRITE="apply", ENGINES="local, faces", ENABLED="off"
    )
    assert loaded == ScheduleSettings(
        "night", "0 2 * * *", "plex", "Photos", "new", "apply", ("local", "faces"), enabled=False
    )


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (
            {"CRON": "0 25 * * *"},
            "SCHEDULE_NIGHT_CRON: '0 25 * * *' is not a line of cron: the hour",
        ),
        ({"CRON": "0 2 31 2 *"}, "never fires"),
        ({"CRON": ""}, "SCHEDULE_NIGHT_CRON is not set"),
        ({"LIBRARY": ""}, "SCHEDULE_NIGHT_LIBRARY is not set"),
        ({"MODE": "force"}, "SCHEDULE_NIGHT_MODE: 'force' is not one of new, changed, decide"),
        ({"SEKTION": "1"}, "SCHEDULE_NIGHT_SEKTION is not a setting; did you mean 'SECTION'?"),
    ],
)
def test_what_is_wrong_with_a_schedule_is_its_problem_alone(
    own: dict[str, str], message: str
) -> None:
    assert message in schedule(**own).problem


def test_a_time_zone_that_does_not_exist_is_named_and_utc_is_used() -> None:
    loaded = load({"TZ": "Europe/Berlino"})
    (problem,) = loaded.problems
    assert "'Europe/Berlino' is not a time zone" in problem
    assert "UTC" in problem
    assert str(loaded.timezone) == "UTC"


def channel(**own: str) -> ChannelSettings:
    """One channel X from its attributes."""
    given = {"URL": "json://localhost"} | own
    return load({f"NOTIFY_X_{key}": value for key, value in given.items() if value}).channels[0]


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        ({"URL": "", "ON": "all"}, "NOTIFY_X_URL is not set; it may be "),
        ({"ON": "scan-faild"}, "NOTIFY_X_ON: 'scan-faild' is no kind of notice; did you mean"),
        ({"DIGEST": "25:00"}, "NOTIFY_X_DIGEST: '25:00' is not a time such as 08:00."),
        ({"DIGST": "08:00"}, "NOTIFY_X_DIGST is not a setting; did you mean 'DIGEST'?"),
        ({"URL": "", "URL_FILE": "/nowhere"}, "NOTIFY_X_URL_FILE: '/nowhere' cannot be read"),
    ],
)
def test_a_channel_says_what_is_wrong_with_it(own: dict[str, str], problem: str) -> None:
    loaded = channel(**own)
    assert loaded.problem.startswith(problem)
    assert "\n" not in loaded.problem


def test_a_channel_tells_what_needs_somebody_unless_it_is_set_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("json://bob:hunter2@localhost\n")
    loaded = channel(URL="", URL_FILE=str(file))
    assert (loaded.url, loaded.problem) == ("json://bob:hunter2@localhost", "")
    assert set(NoticeKind) - set(loaded.on) == {NoticeKind.SCAN_FINISHED}
    assert "hunter2" not in repr(loaded)


def test_a_channel_takes_kinds_in_any_spelling() -> None:
    loaded = channel(ON="Scan Finished, DISK_LOW", DIGEST="8:05")
    assert loaded.on == (NoticeKind.SCAN_FINISHED, NoticeKind.DISK_LOW)
    assert loaded.digest == time(8, 5)
    assert channel(ON="none").on == ()
    assert channel(ON="all").on == tuple(NoticeKind)


@pytest.mark.parametrize("address", ["tags.example.org", "https://bob:x@tags.test", "ftp://x"])
def test_an_address_that_is_none_is_not_used_for_links(address: str) -> None:
    loaded = load({"TIGERTAG_PUBLIC_URL": address})
    assert (loaded.public_url, len(loaded.problems)) == ("", 1)
