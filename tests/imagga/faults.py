"""What the service may do wrong."""

KINDS = ("dropped", "cut", "html", "slow", "malformed")
PLACES = ("uploads", "tags", "delete", "usage")
