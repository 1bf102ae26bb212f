"""REST for the log and the support bundle."""

import io
from zipfile import ZipFile

from flask.testing import FlaskClient

from tests.world import World
from tigertag.services import logs


def test_the_log_is_read_from_its_end_and_followed(world: World, rest: FlaskClient) -> None:
    file = logs.path(world.core, "work")
    file.parent.mkdir()
    file.write_text("a\nb\nc\n")
    part = rest.get("/api/v1/logs?role=work&lines=2").json
    assert part == {"role": "work", "lines": ["b", "c"], "offset": 6}
    with file.open("a") as stream:
        stream.write("d\n")
    assert rest.get("/api/v1/logs?role=work&offset=6").json == {
        "role": "work", "lines": ["d"], "offset": 8,
    }  # fmt: skip


def test_a_role_or_a_number_that_is_none_is_refused(rest: FlaskClient) -> None:
    for query in ("role=../web", "lines=0", "lines=99999", "lines=1.5", "offset=-1"):
        assert rest.get(f"/api/v1/logs?{query}").status_code == 422, query


def test_the_bundle_is_a_zip_file_with_a_name(rest: FlaskClient) -> None:
    answer = rest.get("/api/v1/support-bundle")
    assert answer.mimetype == "application/zip"
    assert "tigertag-support-" in answer.headers["Content-Disposition"]
    with ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        assert {"about.json", "settings.json", "web.log"} <= set(archive.namelist())
