"""Emby and Jellyfin, which grew out of one server and still share most of their API."""
