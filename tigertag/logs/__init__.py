"""The log: a line an event, with the scan, engine and item that it is about, kept in files."""

from tigertag.logs.files import FOLDER, ROLES, Role, SharedFile
from tigertag.logs.lines import Hider, JsonLines, TextLines, about

__all__ = ["FOLDER", "ROLES", "Hider", "JsonLines", "Role", "SharedFile", "TextLines", "about"]
