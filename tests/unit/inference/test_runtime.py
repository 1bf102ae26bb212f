import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, save

from tests.unit.inference import tiny
from tigertag.errors import ModelError
from tigertag.inference import on_cpu, on_cuda, runtime
from tigertag.inference.runtime import ModelSession, open_session

pytestmark = pytest.mark.slow


def open_cpu(path: Path, side_px: int | None = None) -> ModelSession:
    return open_session(path, device="cpu", precision="f32", side_px=side_px)


def open_onnxruntime(path: Path, side_px: int | None = None) -> ModelSession:
    return on_cuda.OnnxruntimeSession(
        path, provider="CPUExecutionProvider", precision="f32", side_px=side_px
    )


BOTH = pytest.mark.parametrize("open_it", [open_cpu, open_onnxruntime])


def images(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def averages(count: int) -> NDArray[Any]:
    return np.asarray(images(count).mean(axis=(1, 2)))


def said(session: ModelSession, count: int) -> NDArray[Any]:
    outputs = dict(session.run(images(count)))
    return np.stack([outputs[number] for number in range(count)])


@BOTH
@pytest.mark.parametrize("data", [b"", b"no network", None])
def test_a_file_that_is_no_network_is_an_error(tmp_path: Path, open_it: Any, data: Any) -> None:
    path = tmp_path / "broken.onnx"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ModelError, match=r"broken\.onnx cannot be loaded: [^\n]+$"):
        open_it(path)


@BOTH
def test_a_network_that_takes_no_image_is_an_error(tmp_path: Path, open_it: Any) -> None:
    path = tiny.network(tmp_path / "tiny.onnx", shape=["N", 8, 6, 3])
    with pytest.raises(ModelError, match="not square"):
        open_it(path)


@BOTH
def test_requests_of_a_run_that_is_given_up_are_used_again(tmp_path: Path, open_it: Any) -> None:
    session = open_it(tiny.network(tmp_path / "tiny.onnx"))
    for _ in range(50):
        given_up = session.run(images(20))
        next(given_up)
        given_up.close()
    np.testing.assert_allclose(said(session, 20), averages(20), rtol=1e-5)


@BOTH
def test_requests_are_used_again_after_a_failure_of_the_caller(
    tmp_path: Path, open_it: Any
) -> None:
    def failing() -> Iterator[NDArray[np.uint8]]:
        yield from images(2)
        raise ZeroDivisionError

    session = open_it(tiny.network(tmp_path / "tiny.onnx"))
    for _ in range(50):
        with pytest.raises(ZeroDivisionError):
            list(session.run(failing()))
    np.testing.assert_allclose(said(session, 20), averages(20), rtol=1e-5)


@BOTH
def test_many_threads_get_their_own_outputs(tmp_path: Path, open_it: Any) -> None:
    session = open_it(tiny.network(tmp_path / "tiny.onnx"))
    with ThreadPoolExecutor(12) as threads:
        for outputs in threads.map(lambda count: said(session, count), [40] * 60):
            np.testing.assert_allclose(outputs, averages(40), rtol=1e-5)


@BOTH
def test_images_are_taken_one_after_another_and_outputs_come_early(
    tmp_path: Path, open_it: Any
) -> None:
    taken: list[int] = []

    def counted() -> Iterator[NDArray[np.uint8]]:
        for number, image in enumerate(images(100)):
            taken.append(number)
            yield image

    running = open_it(tiny.network(tmp_path / "tiny.onnx")).run(counted())
    next(running)
    assert len(taken) <= on_cuda.BATCH
    running.close()


def two_heads(path: Path) -> Path:
    """Write a network with two outputs: the picture turned to planes, and their averages."""
    nodes = [
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("GlobalAveragePool", ["floats"], ["averages"]),
    ]
    taken = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", 8, 8, 3])
    given = [
        helper.make_tensor_value_info("floats", TensorProto.FLOAT, ["N", 3, 8, 8]),
        helper.make_tensor_value_info("averages", TensorProto.FLOAT, ["N", 3, 1, 1]),
    ]
    graph = helper.make_graph(nodes, "heads", [taken], given)
    save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


@BOTH
def test_all_outputs_of_a_network_come_whatever_their_shapes(tmp_path: Path, open_it: Any) -> None:
    session = open_it(two_heads(tmp_path / "heads.onnx"))
    assert [output.names for output in session.outputs] == [{"floats"}, {"averages"}]
    assert [output.shape[1:] for output in session.outputs] == [(3, 8, 8), (3, 1, 1)]
    for number, (planes, means) in session.run_all(images(20)):
        np.testing.assert_array_equal(planes, images(20)[number].transpose(2, 0, 1))
        np.testing.assert_allclose(means.ravel(), averages(20)[number], rtol=1e-5)


@BOTH
def test_a_network_that_is_no_classifier_says_so_when_its_classes_are_counted(
    tmp_path: Path, open_it: Any
) -> None:
    session = open_it(two_heads(tmp_path / "heads.onnx"))
    with pytest.raises(ModelError, match="not one number for each class"):
        _ = session.classes


def test_a_file_that_is_not_onnx_runs_on_the_cpu_whatever_the_device(tmp_path: Path) -> None:
    path = tmp_path / "graph.tflite"
    path.write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"graph\.tflite cannot be loaded"):
        open_session(path, device="cuda", precision="auto")


@BOTH
@pytest.mark.parametrize("batch", ["N", 1])
def test_a_network_that_takes_planes_of_floats_gets_them(
    tmp_path: Path, open_it: Any, batch: str | int
) -> None:
    path = tiny.network(
        tmp_path / "tiny.onnx", nchw=True, dtype=TensorProto.FLOAT, shape=[batch, 3, "H", "W"]
    )
    session = open_it(path, 8)
    assert session.input.shape == (3, 8, 8)
    planes = images(20).transpose(0, 3, 1, 2).astype(np.float32)
    outputs = dict(session.run(planes))
    np.testing.assert_allclose(outputs[19], averages(20)[19], rtol=1e-5)


def test_cuda_that_is_not_installed_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    path = tiny.network(tmp_path / "tiny.onnx")
    with pytest.raises(ModelError, match=r"pip install 'tigertag\[cuda\]', or DEVICE=cpu"):
        on_cuda.OnnxruntimeSession(path, provider="NoSuch", precision="auto", side_px=None)


def test_bf16_on_cuda_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="PRECISION=bf16 is for the CPU"):
        open_session(tmp_path / "any.onnx", device="cuda", precision="bf16")


def test_a_missing_runtime_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match="OpenVINO cannot be imported"):
        open_cpu(tmp_path / "any.onnx")
    with pytest.raises(ModelError, match="ONNX Runtime cannot be imported"):
        open_onnxruntime(tmp_path / "any.onnx")


def test_auto_falls_back_to_the_cpu_where_cuda_does_not_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(runtime, "CUDA_PACKAGE", "numpy")
    monkeypatch.setattr(on_cuda, "CUDA", "NoSuch")
    path = tiny.network(tmp_path / "tiny.onnx")
    session = open_session(path, device="auto", precision="auto")
    assert isinstance(session, on_cpu.CpuSession)
    assert "CUDA cannot be used, the CPU is" in caplog.text


WATCH = """
import sys
seen = []
watched = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname",
           "subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec", "os.system")
sys.addaudithook(lambda event, arguments: seen.append(event) if event in watched else None)
"""
TAG = """
from pathlib import Path
import numpy as np
from tests.unit.inference.fetching import FakeHttp
from tigertag.contracts import Host, RunContext
from tigertag.engines import classifier
from tigertag.model import Frame, Media, Sample
engine = classifier.build("x", classifier.Options(), Host(Path(sys.argv[1]), FakeHttp()))
engine.open()
photo = Sample("1", Media.PHOTO, (Frame(np.zeros((256, 256, 3), np.uint8)),))
assert len(list(engine.tag([photo], RunContext()))) == 1
print(seen, [name for name in ("onnx", "torch") if name in sys.modules])
"""
CONNECT = """
import contextlib, socket
with contextlib.suppress(OSError):
    socket.create_connection(("127.0.0.1", 9), timeout=1)
print(seen)
"""


def printed(program: str, folder: Path) -> str:
    """Run a program as a new user would: nothing says no to OpenVINO's telemetry."""
    environment = {"HOME": str(folder), "PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WATCH + program, str(folder / "models")]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert not done.returncode, done.stderr
    return done.stdout.strip()


def test_the_watch_sees_a_connection(tmp_path: Path) -> None:
    assert "socket.connect" in printed(CONNECT, tmp_path)


def test_no_connection_is_tried_and_a_graph_that_is_kept_needs_no_onnx(tmp_path: Path) -> None:
    assert printed(TAG, tmp_path) == "[] ['onnx']"
    assert printed(TAG, tmp_path) == "[] []"
    assert [path.name for path in tmp_path.iterdir()] == ["models"]


END_EARLY = """
import itertools, sys, threading, time
from pathlib import Path
from tests.unit.inference.test_runtime import images
from tigertag.inference.runtime import open_session
path = Path(sys.argv[1]).with_name("tiny.onnx")
session = open_session(path, device="cpu", precision="f32")
def work():
    for _ in session.run(itertools.cycle(images(8))):
        pass
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
"""


def test_a_process_may_end_while_its_threads_are_at_work(tmp_path: Path) -> None:
    tiny.network(tmp_path / "tiny.onnx")
    for _ in range(2):
        printed(END_EARLY, tmp_path)
