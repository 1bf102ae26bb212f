"""Every setting that is not a plugin's own option. A test holds the README's table to it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettingDoc:
    """A setting: its variable, its default as a reader sees it, and what it does."""

    key: str
    default: str
    what: str


REFERENCE: tuple[SettingDoc, ...] = (
    SettingDoc(
        "TIGERTAG_HOME",
        "./data",
        "where the database, the models and the state live; give an absolute path",
    ),
    SettingDoc(
        "DB_URL",
        "SQLite in TIGERTAG_HOME",
        "the database: `sqlite:///path` or `postgresql://user:password@host/name`",
    ),
    SettingDoc("DB_URL_FILE", "", "a file that holds DB_URL"),
    SettingDoc("TIGERTAG_RULES", "", "a YAML file of default rules"),
    SettingDoc(
        "TIGERTAG_LEASE_S", "10", "after how many seconds without a sign a worker counts as dead"
    ),
    SettingDoc("TIGERTAG_WORKERS", "0", "worker threads of a scan; 0: one a core, and one more"),
    SettingDoc("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING, ERROR or CRITICAL"),
    SettingDoc("HOST", "127.0.0.1", "the address that the server listens at"),
    SettingDoc("PORT", "5000", "the port that the server listens at"),
    SettingDoc("TIGERTAG_PASSWORD", "generated", "the dashboard's password"),
    SettingDoc("TIGERTAG_PASSWORD_FILE", "", "a file that holds the password"),
    SettingDoc("TIGERTAG_API_KEY", "generated", "REST's key"),
    SettingDoc("TIGERTAG_API_KEY_FILE", "", "a file that holds the key"),
    SettingDoc("TIGERTAG_BASE_PATH", "", "the path the service lives under, such as `/tigertag`"),
    SettingDoc(
        "TIGERTAG_TRUSTED_PROXIES",
        "0",
        "how many proxies stand before it, whose `X-Forwarded-*` headers are believed",
    ),
    SettingDoc("TZ", "UTC", "the time zone of the times shown, such as `Europe/Berlin`"),
    SettingDoc("ENGINE_<X>_NAME", "", "which engine: a built-in, an entry point or `pkg.mod`"),
    SettingDoc("ENGINE_<X>_ENABLED", "true", "`false` switches the engine off; its tags stay"),
    SettingDoc("ENGINE_<X>_PREFIX", "", "what each of the engine's tags begins with"),
    SettingDoc("ENGINE_<X>_MIN_CONFIDENCE", "the engine's", "from what confidence on it tags"),
    SettingDoc("ENGINE_<X>_MAX_TAGS", "the engine's", "how many tags it gives an item at most"),
    SettingDoc("ENGINE_<X>_SECTIONS", "all", "the sections it works on, ids or titles, by commas"),
    SettingDoc("ENGINE_<X>_ORDER", "100", "which engine works first: lower ones do"),
    SettingDoc(
        "ENGINE_<X>_WHEN",
        "always",
        "`uncertain`: ask it only about items where the engines before it found nothing sure"
        " enough",
    ),
    SettingDoc("ENGINE_<X>_MONTHLY_LIMIT", "", "how many calls it may make in a month (UTC)"),
    SettingDoc("ENGINE_<X>_MONTHLY_COST_USD", "", "what it may cost in a month (UTC)"),
    SettingDoc(
        "ENGINE_<X>_ON_LIMIT",
        "end",
        "when that is used up: `end` the scan without it, or `wait` for the next month",
    ),
    SettingDoc("LIBRARY_<X>_NAME", "", "which library: a built-in, an entry point or `pkg.mod`"),
    SettingDoc("LIBRARY_<X>_ENABLED", "true", "`false` switches the library off"),
    SettingDoc(
        "LIBRARY_<X>_FRAMES",
        "scenes",
        "which frames of a video are looked at: of `scenes`, at an `interval`, or `keyframes`",
    ),
    SettingDoc("LIBRARY_<X>_FRAME_INTERVAL_S", "5", "the seconds between two frames of `interval`"),
    SettingDoc("LIBRARY_<X>_MAX_FRAMES", "10", "how many frames of a video are looked at"),
    SettingDoc("LIBRARY_<X>_SCENE_THRESHOLD", "27", "how much changes from one shot to the next"),
    SettingDoc(
        "LIBRARY_<X>_SCENES_EXACT",
        "false",
        "`true` finds shots by looking at every frame, which takes far longer",
    ),
    SettingDoc(
        "LIBRARY_<X>_SKIP_TAGS",
        "ai-generated,auto-tagged,vision-analyzed",
        "items that bear one of these tags are left alone; `none`: none is",
    ),
)

PROGRAM_KEYS: tuple[str, ...] = tuple(doc.key for doc in REFERENCE if "<X>" not in doc.key)
