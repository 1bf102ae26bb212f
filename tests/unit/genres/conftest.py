from tests.unit.cli.conftest import photos, run, run_anew

__all__ = ["photos", "run", "run_anew"]
