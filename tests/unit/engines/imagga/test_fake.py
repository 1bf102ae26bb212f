"""The fake is strict: what a client may get wrong, it refuses."""

import io
import json
import signal
import subprocess
import sys
from typing import Any

import pytest
import requests
from PIL import Image

from tests.imagga import KEY, SECRET, ImaggaServer

pytestmark = pytest.mark.slow

AUTH = (KEY, SECRET)


def picture(**options: Any) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((40, 30), 40).convert("RGB").save(out, "JPEG", **options)
    return out.getvalue()


def uploaded(
    imagga: ImaggaServer, image: bytes = b"", *, field: str = "image"
) -> requests.Response:
    files = {field: ("a.jpg", image or picture(), "image/jpeg")}
    return requests.post(f"{imagga.url}/uploads", files=files, auth=AUTH, timeout=5)


def tagged(imagga: ImaggaServer, upload: str, **asked: str) -> requests.Response:
    asked = {"image_upload_id": upload} | asked
    return requests.get(f"{imagga.url}/tags", params=asked, auth=AUTH, timeout=5)


@pytest.fixture
def upload(imagga: ImaggaServer) -> str:
    return str(uploaded(imagga).json()["result"]["upload_id"])


@pytest.mark.parametrize("auth", [None, (KEY, "wrong"), ("wrong", SECRET)])
def test_it_knows_its_customers(imagga: ImaggaServer, auth: tuple[str, str] | None) -> None:
    assert requests.get(f"{imagga.url}/usage", auth=auth, timeout=5).status_code == 401


def test_what_is_no_jpeg_in_a_field_image_is_refused(imagga: ImaggaServer) -> None:
    png = io.BytesIO()
    Image.new("RGB", (40, 30)).save(png, "PNG")
    for image in (b"text", png.getvalue(), picture()[:400]):
        assert uploaded(imagga, image).status_code == 400
    assert uploaded(imagga, field="file").status_code == 400


def test_metadata_is_a_violation() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    with pytest.raises(AssertionError, match="carries metadata"), ImaggaServer() as imagga:
        assert uploaded(imagga, picture(exif=exif)).status_code == 400


@pytest.mark.parametrize(
    "asked", [{"verbose": "False"}, {"limit": "0"}, {"limit": "x"}, {"language": "tlh"}]
)
def test_odd_parameters_are_refused(
    imagga: ImaggaServer, upload: str, asked: dict[str, str]
) -> None:
    assert tagged(imagga, upload, **asked).status_code == 400
    assert not imagga.taggings


def test_an_upload_that_is_deleted_or_was_never_there_is_unknown(
    imagga: ImaggaServer, upload: str
) -> None:
    delete = f"{imagga.url}/uploads/{upload}"
    statuses = [requests.delete(delete, auth=AUTH, timeout=5).status_code for _time in range(2)]
    assert statuses == [200, 404]
    assert tagged(imagga, upload).status_code == tagged(imagga, "i05").status_code == 404


def test_beyond_its_limits_it_refuses(imagga: ImaggaServer, upload: str) -> None:
    imagga.monthly_limit = 1
    assert [tagged(imagga, upload).status_code for _time in range(2)] == [200, 403]
    imagga.concurrency = 0
    assert tagged(imagga, upload).status_code == 429


def test_an_endpoint_that_does_not_exist_is_not_found(imagga: ImaggaServer) -> None:
    assert requests.get(f"{imagga.url}/tag", auth=AUTH, timeout=5).status_code == 404


def test_it_runs_as_a_process_and_tells_what_it_was_asked() -> None:
    command = [sys.executable, "-m", "tests.imagga", "--concurrency", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        counts = requests.get(url.removesuffix("/v2") + "/_counts", timeout=5).json()
        usage = requests.get(f"{url}/usage", auth=AUTH, timeout=5).json()["result"]
        process.send_signal(signal.SIGTERM)
        last = json.loads(process.stdout.read())
    assert usage["concurrency"] == {"max": 3, "now": 0}
    assert (counts["requests"], last["requests"], process.returncode) == (0, 1, 0)
