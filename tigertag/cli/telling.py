"""How commands tell tags."""

from tigertag.model import Field, Tag, TagRef
from tigertag.store.ledger import TombstoneRow


def worded(tag: Tag | TagRef | TombstoneRow) -> str:
    """Return a tag's name, and where it goes unless that is where tags go."""
    return tag.name if tag.field == Field.TAG else f"{tag.name} ({tag.field})"
