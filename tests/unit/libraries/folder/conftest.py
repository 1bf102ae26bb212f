from pathlib import Path

import pytest

from tests.unit.libraries.folder.folders import FolderPlace


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    root = tmp_path / "photos"
    root.mkdir()
    return FolderPlace(root)
