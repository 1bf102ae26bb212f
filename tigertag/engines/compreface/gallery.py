"""The people to know, and their pictures as they lie in the folder."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b, sha256
from pathlib import Path
from threading import Lock

from tigertag.engines.compreface.listing import Finding, Listing, Named, Person, listed
from tigertag.errors import EngineError, ItemError, os_reason
from tigertag.media.picture import decode
from tigertag.model import Frame
from tigertag.text import did_you_mean

_MOST_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a person. `sha256` is "", and `problem` says why, where it cannot be read."""

    tag: str
    name: str
    line: int
    sha256: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class People:
    """What the file and the folder hold. `findings`: all that is wrong, by line."""

    tags: tuple[str, ...]
    pictures: tuple[Picture, ...]
    findings: tuple[Finding, ...]

    @property
    def digest(self) -> str:
        """What recognition depends on: who there is, by which pictures; not their names."""
        facts = sorted((one.tag, one.sha256) for one in self.pictures if one.sha256)
        return blake2b(repr(facts).encode(), digest_size=16).hexdigest()


class Gallery:
    """`faces.yaml` and its folder. Thread-safe; a picture that stays as it is is hashed once."""

    def __init__(self, config: Path, folder: Path) -> None:
        self.config = config
        self.folder = folder
        self._lock = Lock()
        self._read: tuple[bytes, Listing] | None = None
        self._hashes: dict[tuple[str, int, int], str] = {}

    def people(self) -> People:
        """Return who is to be known. Raises `EngineError` where nothing of it may be used."""
        found = self.look()
        fatal = [one for one in found.findings if one.weight == "fatal"]
        if fatal:
            more = f" (and {len(fatal) - 1} more: tigertag faces check)" if fatal[1:] else ""
            raise EngineError(f"{self.said(fatal[0])}{more} Nobody was added or removed.")
        return found

    def look(self) -> People:
        """Return all that is there and all that is wrong. Raises `EngineError` without a file."""
        listing = self._listing()
        named = [(person, one) for person in listing.people for one in person.pictures]
        if named and not self.folder.is_dir():
            raise EngineError(
                f"The folder of faces {self.folder.absolute()} is not there; nobody was added or"
                " removed. See the engine's FACES_FOLDER."
            )
        pictures = tuple(self._picture(person, one) for person, one in named)
        findings = (*listing.findings, *_missing(pictures), *_shared(pictures))
        ordered = sorted(findings, key=lambda one: one.line)
        return People(tuple(one.tag for one in listing.people), pictures, tuple(ordered))

    def said(self, finding: Finding) -> str:
        return f"{self.config.name}, line {finding.line}: {finding.text}"

    def load(self, picture: Picture, short_side_px: int) -> Frame:
        """Return the picture, upright. Raises `ItemError`, and `OSError`."""
        raw = self._place(picture.name).read_bytes()
        if sha256(raw).hexdigest() != picture.sha256:
            raise ItemError("the file has just changed; it is taken next time.", retryable=True)
        return decode(raw, short_side_px)

    def unreadable(self, short_side_px: int) -> Iterator[Finding]:
        """Decode each picture, and yield a finding for each that cannot be."""
        for one in self.look().pictures:
            if one.problem:
                continue
            try:
                self.load(one, short_side_px)
            except (ItemError, OSError) as exc:
                yield Finding(one.line, f"{one.name}: {exc}", "wrong")

    def _listing(self) -> Listing:
        try:
            raw = self.config.read_bytes()
        except OSError as exc:
            raise EngineError(
                f"{self.config.absolute()} cannot be read ({os_reason(exc)}); a file with"
                " `faces: []` says that nobody is to be known. See the engine's FACES_CONFIG."
            ) from exc
        with self._lock:
            if self._read is None or self._read[0] != raw:
                self._read = raw, listed(raw)
            return self._read[1]

    def _picture(self, person: Person, named: Named) -> Picture:
        picture = Picture(person.tag, named.name, named.line, "")
        try:
            return replace(picture, sha256=self._hash(self._place(named.name)))
        except FileNotFoundError:
            problem = f"{named.name} is not there{self._did_you_mean(named.name)}"
        except OSError as exc:
            problem = f"{named.name} cannot be read ({os_reason(exc)})."
        return replace(picture, problem=problem)

    def _place(self, name: str) -> Path:
        """Return where a picture is. Raises `OSError` where that is not in the folder."""
        try:
            path = (self.folder / name).resolve(strict=True)
        except RuntimeError as exc:
            raise OSError("it is a link to itself") from exc
        if not path.is_relative_to(self.folder.resolve()):
            raise OSError("it leads out of the folder of faces")
        if not path.is_file():
            raise OSError("it is not a file")
        return path

    def _hash(self, path: Path) -> str:
        stat = path.stat()
        if stat.st_size > _MOST_BYTES:
            raise OSError(f"it is larger than {_MOST_BYTES // 1_000_000} MB")
        key = (str(path), stat.st_size, stat.st_mtime_ns)
        with self._lock:
            known = self._hashes.get(key)
        if known is None:
            known = sha256(path.read_bytes()).hexdigest()
            with self._lock:
                self._hashes[key] = known
        return known

    def _did_you_mean(self, name: str) -> str:
        parent = (self.folder / name).parent
        there = [one.relative_to(self.folder).as_posix() for one in parent.glob("*")]
        return did_you_mean(name, there)


def _missing(pictures: tuple[Picture, ...]) -> Iterator[Finding]:
    return (Finding(one.line, one.problem, "wrong") for one in pictures if one.problem)


def _shared(pictures: tuple[Picture, ...]) -> Iterator[Finding]:
    """Yield a finding for each picture that is also somebody else's, under whatever name."""
    first: dict[str, Picture] = {}
    for one in pictures:
        other = first.setdefault(one.sha256, one) if one.sha256 else one
        if other.tag != one.tag and other.name != one.name:
            text = f"{one.name} is the same picture as {other.name} in line {other.line}, which is"
            yield Finding(one.line, f"{text} {other.tag}'s.")
