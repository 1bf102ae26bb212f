"""What the fake Immich holds, and the rules that all of it follows."""

import threading
import time
import uuid
from random import Random

from tests.immich.disk import Disk
from tests.immich.holdings import Album, Asset, Key, Library, Tag, User
from tests.immich.jobs import Jobs
from tests.immich.pool import Pool
from tests.immich.shapes import shape_of


class State:
    """`violations`: what a tagger must never do, such as tagging what is in the trash.

    `extraction_s`: from a tag to the move of `updatedAt`, where nothing else waits. `behind_s`: how
    much later each job begins. `jobs.paused` holds jobs back until `jobs.resume()`. `skew_s`: how
    far the server's clock is ahead. `search_s`: how long a search takes. `disk.read_only`: folders
    that the server cannot write to.
    """

    violations: list[str]

    def __init__(self, version: tuple[int, int, int]) -> None:
        self._random = Random(7)
        self.version_numbers = version
        self.strict = True
        self.lock = threading.RLock()
        self.extraction_s = 0.05
        self.behind_s = 0.0
        self.skew_s = 0.0
        self.search_s = 0.0
        self.users: dict[str, User] = {}
        self.keys: dict[str, Key] = {}
        self.sessions: dict[str, str] = {}
        self.libraries: dict[str, Library] = {}
        self.assets: dict[str, Asset] = {}
        self.tags_by_id: dict[str, Tag] = {}
        self.albums: dict[str, Album] = {}
        self.stacks: dict[str, list[str]] = {}
        self.searches: dict[tuple[str, str], list[Asset]] = {}
        self._order: list[Asset] = []
        self.disk = Disk(self)
        self.pool = Pool(self.blame_for)
        self.jobs = Jobs(self)
        self.owner = self.add_user("Kim", is_admin=True)

    @property
    def has_cursor(self) -> bool:
        return self.version_numbers >= (3, 2, 0)

    @property
    def hung(self) -> bool:
        return self.pool.hung

    def now(self) -> float:
        """The time by the server's clock."""
        return time.time() + self.skew_s

    def new_id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def blame_for(self, what: str) -> None:
        if self.strict:
            self.violations.append(what)

    def add_user(self, name: str, *, is_admin: bool = False, id: str = "") -> str:
        made = User(id or self.new_id(), name, f"{name.lower()}@example.test", is_admin, self.now())
        self.users[made.id] = made
        return made.id

    def share(self, owner: str, user: str, *, in_timeline: bool = True) -> None:
        """Let a user see the photos of an owner as a partner."""
        self.users[user].partners[owner] = in_timeline
        self.changed()

    def add_key(
        self, *permissions: str, name: str = "key", owner: str = "", secret: str = ""
    ) -> str:
        """Make a key with just these permissions, and return its secret."""
        secret = secret or f"{self._random.getrandbits(240):060x}"[:43]
        key = Key(self.new_id(), name, owner or self.owner, permissions, self.now())
        self.keys[secret] = key
        return secret

    def changed(self) -> None:
        """Forget the lists that were made: something in them is not as it was."""
        self.searches.clear()
        self._order = []

    def in_order(self) -> list[Asset]:
        """All assets, newest first, and of one time the highest id."""
        if len(self._order) != len(self.assets):
            self._order = sorted(
                self.assets.values(), key=lambda one: (one.taken, one.id), reverse=True
            )
        return self._order

    def touch(self, asset: Asset) -> None:
        """Let `updatedAt` move."""
        asset.updated = max(self.now(), asset.updated + 0.001)
        asset.shown.clear()
        self.changed()

    def process(self, asset: Asset) -> None:
        """Set what an asset has only once its metadata is extracted."""
        if asset.width is None and not asset.offline:
            asset.width, asset.height, orientation = shape_of(asset)
            if orientation is not None:
                asset.exif.setdefault("orientation", orientation)
            asset.shown.clear()

    def may_see(self, user: str, key: str) -> Asset | None:
        """An asset of the user's or a partner's. Nobody's key sees what is locked."""
        asset = self.assets.get(key)
        if asset is None or asset.visibility == "locked":
            return None
        return asset if asset.owner in {user, *self.users[user].shared_with} else None

    def may_edit(self, user: str, key: str, *, shared: bool) -> Asset | None:
        asset = self.may_see(user, key)
        return asset if asset is not None and (shared or asset.owner == user) else None

    def closure(self, key: str) -> set[str]:
        """The tags that a search for one means: itself and those below, unless POST made them."""
        return {
            one
            for one in (key, *self.below(key))
            if one in self.tags_by_id and self.tags_by_id[one].closed
        }

    def below(self, key: str) -> set[str]:
        found: set[str] = set()
        level = {key}
        while level:
            level = {one.id for one in self.tags_by_id.values() if one.parent in level}
            found |= level
        return found

    def tag_by_value(self, owner: str, value: str) -> Tag | None:
        for one in self.tags_by_id.values():
            if one.owner == owner and one.value == value:
                return one
        return None

    def tag_of(self, owner: str, value: str) -> Tag | None:
        """The tag of a path, made where it is missing; None of one without any level."""
        tag: Tag | None = None
        for level in filter(None, value.split("/")):
            path = level if tag is None else f"{tag.value}/{level}"
            parent = None if tag is None else tag.id
            tag = self.tag_by_value(owner, path) or self.new_tag(owner, path, parent)
        return tag

    def new_tag(self, owner: str, value: str, parent: str | None, *, closed: bool = True) -> Tag:
        made = self.now()
        tag = Tag(self.new_id(), owner, value, parent, made, made, closed=closed)
        self.tags_by_id[tag.id] = tag
        return tag

    def put_tags(self, asset: Asset, tags: list[Tag]) -> int:
        """Put tags on an asset, and return how many it did not have. `tagged` has to follow."""
        new = [one.id for one in tags if one.id not in asset.tags]
        asset.tags += new
        return len(new)

    def tagged(self, asset: Asset) -> None:
        """Tags are in the database at once. All else is work for later."""
        asset.stored = [self.tags_by_id[one].value for one in asset.tags]
        asset.locked = True
        self.searches.clear()
        self.jobs.write_sidecar(asset)

    def replace_tags(self, asset: Asset, values: list[str]) -> None:
        found = [self.tag_of(asset.owner, value) for value in values]
        for one in found:
            if one is not None:
                one.closed = True
        asset.tags = list(dict.fromkeys(one.id for one in found if one is not None))
        self.searches.clear()
