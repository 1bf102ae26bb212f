from tigertag.libraries.mediaserver.files import filled
from tigertag.model import Metadata


def test_the_server_is_heard_where_the_file_is_silent() -> None:
    file = Metadata(latitude=0.0, longitude=9.5, camera="Pixel 8")
    server = Metadata(latitude=48.2, longitude=16.4, make="Google", camera="another")
    assert filled(file, server) == Metadata(
        latitude=0.0, longitude=9.5, make="Google", camera="Pixel 8"
    )
