"""A network between a client and a server that can be cut: packets vanish, nothing is refused.

It stands between them as a proxy. While it is cut, the kernel drops what arrives at its sockets
(a filter of Linux, which needs no rights), so that neither side hears of it: nothing is
acknowledged, no connection is closed or reset, and new ones are not answered.
"""

import ctypes
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread

# <asm-generic/socket.h>, <linux/filter.h>: a program of one instruction, "keep 0 bytes".
_ATTACH, _DETACH = 26, 27
_DROP = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0), 8)
_PROGRAM = struct.pack("HL", 1, ctypes.addressof(_DROP))
_BLOCK = 1 << 16


class Network:
    """Between whoever connects to `port` on this machine and a server on it."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._guard = Lock()
        self._is_cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = {self._listener}
        self.port = int(self._listener.getsockname()[1])
        Thread(target=self._accept, name="network", daemon=True).start()

    def cut(self) -> None:
        self._set(cut=True)

    def heal(self) -> None:
        self._set(cut=False)

    @contextmanager
    def partitioned(self) -> Iterator[None]:
        self.cut()
        try:
            yield
        finally:
            self.heal()

    def close(self) -> None:
        with self._guard:
            sockets, self._sockets = self._sockets, set()
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _set(self, *, cut: bool) -> None:
        with self._guard:
            self._is_cut = cut
            for each in self._sockets:
                _filter(each, drop=cut)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._server_port))
        except OSError:
            client.close()
            return
        with self._guard:
            self._sockets |= {client, server}
            for each in (client, server):
                _filter(each, drop=self._is_cut)
        back = Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)
        back.join()
        with self._guard:
            self._sockets -= {client, server}
        client.close()
        server.close()


def _filter(on: socket.socket, *, drop: bool) -> None:
    with suppress(OSError):
        on.setsockopt(socket.SOL_SOCKET, *((_ATTACH, _PROGRAM) if drop else (_DETACH, 0)))


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(_BLOCK):
            target.sendall(block)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
