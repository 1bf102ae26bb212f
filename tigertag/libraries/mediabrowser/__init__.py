"""Emby and Jellyfin: one library, two dialects. Each server has its module, `emby` and `jellyfin`.

Both come from MediaBrowser, and still say most things alike.
"""
