"""What the service may do wrong."""

KINDS = ("quota", "dropped", "lost", "cut", "html", "empty", "slow")
PLACES = frozenset(
    [
        "chat",
        "model",
        "models",
        "upload",
        "files",
        "delete",
        "content",
        "start",
        "batch",
        "batches",
        "cancel",
    ]
)
