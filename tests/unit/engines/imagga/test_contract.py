from tests.unit.engines.engine_contract import EngineContract


class TestImagga(EngineContract):
    """Over the fixture `bench`."""
