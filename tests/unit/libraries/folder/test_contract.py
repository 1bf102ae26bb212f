from pathlib import Path

import pytest

from tests.unit.libraries.folder.folders import FolderPlace
from tests.unit.libraries.library_contract import LibraryContract


class TestFolder(LibraryContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> FolderPlace:
        return FolderPlace(tmp_path)
