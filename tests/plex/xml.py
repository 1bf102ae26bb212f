"""The answers of Plex Media Server, as XML. Modelled on recorded ones."""

from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

from tests.plex.holdings import FIELDS, Album, Entry, File, Section, Version, shape, version, weight

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
MAINTENANCE = (
    HEAD + '<Response code="503" title="Maintenance"'
    ' status="Plex Media Server is currently running database migrations." />\n'
)
_MOST_TAGS_IN_LISTS = 2
_MOST_ROLES_IN_LISTS = 3
_ROLES = ("James Marsden", "Gary Oldman", "Amy Smart", "Christopher Lloyd", "Chris Cooper")
_ELEMENTS = {
    "photo": "Photo",
    **dict.fromkeys(("clip", "movie", "episode"), "Video"),
    **dict.fromkeys(("show", "season"), "Directory"),
}
_VIDEO_SIZE = (1920, 1080)


def attributes(**values: object) -> str:
    return "".join(f" {name}={quoteattr(str(value))}" for name, value in values.items())


def container(parts: Iterable[str], **values: object) -> bytes:
    body = "".join(parts)
    return f"{HEAD}<MediaContainer{attributes(**values)}>\n{body}</MediaContainer>\n".encode()


def refusal(status: int, reason: str) -> bytes:
    title = f"{status} {reason}"
    return (
        f"<html><head><title>{reason}</title></head><body><h1>{title}</h1></body></html>".encode()
    )


def root(machine: str) -> bytes:
    return container(
        ['<Directory count="3" key="library" title="library" />\n'],
        size=1,
        allowSync=1,
        friendlyName="Fake",
        machineIdentifier=machine,
        myPlex=0,
        platform="Linux",
        transcoderPhoto=1,
        updatedAt=1605463238,
        version="1.41.3.9314-a0bfb8370",
    )


def library() -> bytes:
    return container([], size=3, allowSync=0, identifier="com.plexapp.plugins.library")


def sections(all_of_them: Iterable[Section]) -> bytes:
    listed = [_section(one) for one in all_of_them]
    return container(listed, size=len(listed), allowSync=0, title1="Plex Library")


def _section(one: Section) -> str:
    own = attributes(
        allowSync=1,
        art=f"/:/resources/{one.kind}-fanart.jpg",
        key=one.id,
        type=one.kind,
        title=one.title,
        agent="com.plexapp.agents.none",
        scanner="Plex Photo Scanner",
        language="xn",
        uuid=f"41a28495-035e-46b0-ac84-{one.id:012}",
        updatedAt=1602461679,
        createdAt=1429510140,
        hidden=0,
    )
    place = attributes(id=one.id, path=f"/data/{one.title}")
    return f"<Directory{own}>\n<Location{place} />\n</Directory>\n"


def album(one: Album) -> str:
    own = attributes(
        ratingKey=one.id,
        key=f"/library/metadata/{one.id}/children",
        **({"parentRatingKey": one.parent} if one.parent else {}),
        guid=f"local://{one.id}",
        type="photo",
        title=one.title,
        summary="",
        index=1,
        composite=f"/library/metadata/{one.id}/composite/{one.added}",
        thumb=f"/library/metadata/{one.id}/thumb/{one.added}",
        addedAt=one.added,
        updatedAt=one.added,
    )
    return f"<Directory{own}></Directory>\n"


def listed(one: Entry, section: Section) -> str:
    """An item as lists show it: some of its tags, none of its locks."""
    if not one.listed:
        below = _tags(one, _MOST_TAGS_IN_LISTS) + _roles(one, _MOST_ROLES_IN_LISTS)
        one.listed = _item(one, section, below, "")
    return one.listed


def full(one: Entry, section: Section) -> str:
    """An item as it is shown when it is asked for by its key."""
    fields = "".join(
        f'<Field locked="1"{attributes(name=name)} />\n' for name in sorted(one.locked)
    )
    where = attributes(
        librarySectionTitle=section.title,
        librarySectionID=section.id,
        librarySectionKey=f"/library/sections/{section.id}",
    )
    numbers = "".join(f"<Guid{attributes(id=told)} />\n" for told in one.ids)
    return _item(one, section, _tags(one) + numbers + _roles(one) + fields, where)


def extra(one: Entry) -> str:
    """A trailer, or what else there is of a film besides itself."""
    own = attributes(
        ratingKey=one.id,
        key=f"/library/metadata/{one.id}",
        guid=f"iva://{one.id}",
        type="clip",
        title=one.title,
        subtype=one.subtype,
        extraType=1 if one.subtype == "trailer" else 5,
        addedAt=one.added,
    )
    return f"<Video{own}>\n{''.join(map(_media, one.versions))}</Video>\n"


def _item(one: Entry, section: Section, below: str, where: str) -> str:
    name = _ELEMENTS[one.kind]
    group = name == "Directory"
    own = attributes(
        ratingKey=one.id,
        key=f"/library/metadata/{one.id}{'/children' if group else ''}",
        **_above(one, section),
        guid=one.guid or f"local://{one.id}",
        type=one.kind,
        title=one.title,
        summary="",
        index=one.number,
        **({} if one.year is None else {"year": one.year}),
        **_pictured(one),
        originallyAvailableAt="2020-01-20",
        addedAt=one.added,
        updatedAt=one.updated,
    )
    if one.kind == "movie":
        own += attributes(tagline="One line of its own.", contentRating="R", duration=5062)
        own += attributes(primaryExtraKey=_key(one.extras[0])) if one.extras else ""
    if group:
        leaves = section.below(one.id)
        own += attributes(leafCount=len(leaves), viewedLeafCount=one.views)
    own += attributes(userRating=one.rating) if one.rating else ""
    own += attributes(viewCount=one.views, lastViewedAt=one.updated) if one.views else ""
    media = "".join(map(_media, one.versions)) if one.has_file else ""
    return f"<{name}{own}{where}>\n{media}{below}</{name}>\n"


def _key(one: Entry) -> str:
    return f"/library/metadata/{one.id}"


def _pictured(one: Entry) -> dict[str, str]:
    pictured = one.kind == "photo" or one.poster is not None
    return {"thumb": f"{_key(one)}/thumb/{one.updated}"} if pictured else {}


def _above(one: Entry, section: Section) -> dict[str, object]:
    """What is told of the album, or of the season and the show, that an item is in."""
    if one.parent is None:
        return {}
    told: dict[str, object] = {"parentRatingKey": one.parent}
    parent = section.entries.get(one.parent)
    if parent is None:
        return told
    told |= {"parentTitle": parent.title, "parentIndex": parent.number}
    if parent.parent is not None:
        show = section.entries[parent.parent]
        told |= {"grandparentRatingKey": show.id, "grandparentTitle": show.title}
    return told


def _media(one: Version) -> str:
    main = one.files[0]
    width, height = one.size or _size(main)
    media = attributes(
        id=one.id,
        width=width,
        height=height,
        aspectRatio=f"{width / height:.2f}",
        videoResolution=height,
        container=_ending(main),
        **one.camera,
        **({"proxyType": 42, "title": "Optimized for TV"} if one.optimized else {}),
    )
    return f"<Media{media}>\n{''.join(map(_part, one.files))}</Media>\n"


def _size(main: File) -> tuple[int, int]:
    if _ending(main) != "jpeg":
        return _VIDEO_SIZE
    return shape(main.source, version(main.source, main.changed))


def _part(one: File) -> str:
    streams = one.header_first
    if streams is None:
        streams = one.file.lower().endswith(".mp4")
    own = attributes(
        id=one.id,
        key=one.key,
        file=one.file,
        size=weight(one.source),
        container=_ending(one),
        **({"optimizedForStreaming": 1} if streams else {}),
    )
    return f"<Part{own} />\n"


def _ending(one: File) -> str:
    ending = one.file.rpartition(".")[2].lower()
    return ending if ending in ("mp4", "mkv", "mov", "avi") else "jpeg"


def _tags(one: Entry, most: int | None = None) -> str:
    return "".join(
        _tag(name, number, word)
        for name in FIELDS[one.kind]
        for number, word in enumerate(one.of(name)[:most], 100)
    )


def _tag(name: str, number: int, word: str) -> str:
    own = attributes(id=number, filter=f"{name}={number}", tag=word)
    return f"<{name.capitalize()}{own} />\n"


def _roles(one: Entry, most: int | None = None) -> str:
    if one.kind not in ("movie", "show"):
        return ""
    return "".join(f"<Role{attributes(tag=name)} />\n" for name in _ROLES[:most])
