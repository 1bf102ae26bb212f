"""What is left to be done of an edit, and what came of it."""

from unicodedata import category

from tigertag.model import Edit, Shown, TagRef

Tags = tuple[TagRef, ...]


def is_storable(name: str) -> bool:
    """Whether a server can hold a tag: one that is not blank, of characters of text alone."""
    return bool(name.strip()) and all(category(one) not in ("Cc", "Cs") for one in name)


def left(edit: Edit, seen: Shown) -> tuple[Tags, Tags]:
    """Return what is left to add and to remove; the removes are spelled as the server does."""
    present = {tag.word: tag for tag in seen.tags}
    adds = {tag.word: tag for tag in edit.adds if tag.word not in present}
    exact = set(seen.tags)
    removes = (
        tag if tag in exact else present[tag.word] for tag in edit.removes if tag.word in present
    )
    return tuple(adds.values()), tuple(removes)


def took(edit: Edit, before: Shown, after: Shown) -> bool:
    """Whether anything of an edit shows."""
    had, has = ({tag.word for tag in one.tags} for one in (before, after))
    added = any(tag.word in has and tag.word not in had for tag in edit.adds)
    return added or any(tag.word in had and tag.word not in has for tag in edit.removes)
