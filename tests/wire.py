"""The sockets of a fake server, and what all fakes do alike."""

import socket
import struct
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_RESET = struct.pack("ii", 1, 0)


class Wire(ThreadingHTTPServer):
    """Listens on the loopback. Connections that are open when the server ends are cut."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), handler)

    def process_request(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        assert isinstance(request, socket.socket)
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        assert isinstance(request, socket.socket)
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet: clients hang up, or are killed, as it happens."""

    def hang_up(self) -> None:
        for one in list(self._open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class FakeServer:
    """`with` it serves on `url`. `violations` are raised when the block ends, behind `blame`."""

    blame = "It was asked what nobody asks it"

    def __init__(self, port: int, handler: type["FakeHandler"]) -> None:
        self.violations: list[str] = []
        self._wire = _Serving(port, handler, self)
        self._thread = threading.Thread(target=self._wire.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _value: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._close()
        if kind is None and self.violations:
            raise AssertionError(f"{self.blame}: " + "; ".join(self.violations))

    def _close(self) -> None:
        self._wire.shutdown()
        self._thread.join()
        self._wire.hang_up()
        self._wire.server_close()

    @property
    def port(self) -> int:
        return int(self._wire.server_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hang_up(self) -> None:
        """Cut all connections, as a restart does."""
        self._wire.hang_up()


class _Serving(Wire):
    def __init__(self, port: int, handler: type["FakeHandler"], fake: FakeServer) -> None:
        self.fake = fake
        super().__init__(port, handler)


class FakeHandler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 and keeps connections. `server.fake` is whose requests these are."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def reset(self) -> None:
        """Let the connection end without a goodbye once the request is done."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def reason(status: int) -> str:
    """The words behind a status, also behind one that nobody has heard of."""
    known = status in HTTPStatus._value2member_map_
    return HTTPStatus(status).phrase if known else "Odd"
