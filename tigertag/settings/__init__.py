"""The settings: the only reader of os.environ."""

from tigertag.settings import homes, shown
from tigertag.settings.model import (
    REFERENCE,
    ChannelSettings,
    EngineSettings,
    LibrarySettings,
    PluginSettings,
    ScheduleSettings,
    Setting,
    Settings,
    WebSettings,
)
from tigertag.settings.reading import database_url, load

__all__ = [
    "REFERENCE",
    "ChannelSettings",
    "EngineSettings",
    "LibrarySettings",
    "PluginSettings",
    "ScheduleSettings",
    "Setting",
    "Settings",
    "WebSettings",
    "database_url",
    "homes",
    "load",
    "shown",
]
