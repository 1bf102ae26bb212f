"""The settings: the only reader of os.environ."""

from tigertag.settings import homes
from tigertag.settings.program import load
from tigertag.settings.reference import REFERENCE, SettingDoc
from tigertag.settings.shapes import (
    EngineSettings,
    LibrarySettings,
    PluginSettings,
    Settings,
    WebSettings,
)

__all__ = [
    "REFERENCE",
    "EngineSettings",
    "LibrarySettings",
    "PluginSettings",
    "SettingDoc",
    "Settings",
    "WebSettings",
    "homes",
    "load",
]
