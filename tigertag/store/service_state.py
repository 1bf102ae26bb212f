"""What is known of the service and its libraries from process to process: whether each is up."""

from sqlalchemy import update

from tigertag.store import engine_state, events, schema
from tigertag.store.database import Db, insert_if_absent

_kept = schema.kept


def note_library(db: Db, library: str, problem: str) -> None:
    """Record that a library cannot be reached, or can be again; once each, whoever finds out."""
    name = f"unreachable/{library}"
    if problem:
        if _put_first(db, name, problem):
            events.record(db, "error", "library", f"Library {library} cannot be used: {problem}")
    elif engine_state.drop_state(db, "", name):
        events.record(db, "info", "library", f"Library {library} can be used again.")


def is_library_down(db: Db, library: str) -> bool:
    """Whether a library could not be reached when somebody looked last."""
    return engine_state.state(db, "", f"unreachable/{library}") is not None


def note_start(db: Db, home: str, run: str, version: str) -> None:
    """Record a start of the service, once for all of its processes, which have one `run`."""
    name = f"service/{home}"
    if _put_first(db, name, run):
        events.record(db, "info", "system", f"TigerTag {version} started.")
        return
    other = (_kept.c.engine == "", _kept.c.name == name, _kept.c.value != run)
    if db.execute(update(_kept).where(*other).values(value=run)).rowcount:
        message = f"TigerTag {version} started. Before, it was ended by force or by a power cut."
        events.record(db, "warning", "system", message)


def note_stop(db: Db, home: str) -> None:
    """Record that the service of a home has ended in order."""
    if engine_state.drop_state(db, "", f"service/{home}"):
        events.record(db, "info", "system", "TigerTag stopped.")


def _put_first(db: Db, name: str, value: str) -> bool:
    return insert_if_absent(db, _kept, [{"engine": "", "name": name, "value": value}]) == 1
