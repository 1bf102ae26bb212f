"""The answers of Plex Media Server, as XML. Modelled on recorded ones."""

from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

from tests.plex.holdings import Album, Photo, Section, shape, version, weight

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
MACHINE = "6d0b4e4c2a8f4b6f9a3e5c7d1f2a4b6c8d0e1f23"
MAINTENANCE = (
    HEAD + '<Response code="503" title="Maintenance"'
    ' status="Plex Media Server is currently running database migrations." />\n'
)
_MOST_TAGS_IN_LISTS = 2


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


def root() -> bytes:
    return container(
        ['<Directory count="3" key="library" title="library" />\n'],
        size=1,
        allowSync=1,
        friendlyName="Fake",
        machineIdentifier=MACHINE,
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


def listed(one: Photo) -> str:
    """A photo as lists show it: some of its tags, none of its locks."""
    if not one.listed:
        one.listed = _item(one, _tags(one.tags[:_MOST_TAGS_IN_LISTS]), "")
    return one.listed


def full(one: Photo, section: Section) -> str:
    """A photo as it is shown when it is asked for by its key."""
    fields = "".join(
        f'<Field locked="1"{attributes(name=name)} />\n' for name in sorted(one.locked)
    )
    where = attributes(
        librarySectionTitle=section.title,
        librarySectionID=section.id,
        librarySectionKey=f"/library/sections/{section.id}",
    )
    return _item(one, _tags(one.tags) + fields, where)


def _item(one: Photo, below: str, where: str) -> str:
    name = "Video" if one.clip else "Photo"
    own = attributes(
        ratingKey=one.id,
        key=f"/library/metadata/{one.id}",
        **({"parentRatingKey": one.album} if one.album else {}),
        guid=f"local://{one.id}",
        type="clip" if one.clip else "photo",
        title=one.title,
        summary="",
        index=1,
        year=2020,
        thumb=f"/library/metadata/{one.id}/thumb/{one.updated}",
        originallyAvailableAt="2020-01-20",
        addedAt=one.added,
        updatedAt=one.updated,
        createdAtAccuracy="local",
        createdAtTZOffset=0,
    )
    own += attributes(userRating=one.rating) if one.rating else ""
    own += attributes(viewCount=one.views, lastViewedAt=one.updated) if one.views else ""
    return f"<{name}{own}{where}>\n{_media(one)}{below}</{name}>\n"


def _media(one: Photo) -> str:
    if not one.has_file:
        return ""
    same = version(one.source, one.changed)
    width, height = (1920, 1080) if one.clip else shape(one.source, same)
    kind = "mp4" if one.clip else "jpeg"
    media = attributes(
        id=one.id,
        width=width,
        height=height,
        aspectRatio=f"{width / height:.2f}",
        container=kind,
    )
    part = attributes(
        id=one.id,
        key=part_key(one),
        file=one.file,
        size=weight(one.source),
        container=kind,
    )
    return f"<Media{media}>\n<Part{part} />\n</Media>\n"


def part_key(one: Photo) -> str:
    return f"/library/parts/{one.id}/{one.changed}/file.{'mp4' if one.clip else 'jpg'}"


def _tags(words: Iterable[str]) -> str:
    return "".join(
        f"<Tag{attributes(id=number, filter=f'tag={number}', tag=word)} />\n"
        for number, word in enumerate(words, 100)
    )
