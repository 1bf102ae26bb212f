from tests.unit.cli.conftest import photos, run

__all__ = ["photos", "run"]
