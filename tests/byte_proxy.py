"""A TCP proxy that cuts each connection off after so many bytes of what the server sends, wherever that is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType


class ByteProxy:
    """Before a port of 127.0.0.1. ``after`` says for each connection how many bytes come through; 0: all of them."""

    def __init__(self, upstream: int, after: Callable[[], int]):
        self._upstream, self._after = upstream, after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.cuts = 0

    def __enter__(self) -> ByteProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._upstream)) as server:
            threading.Thread(target=_copy, args=(client, server), daemon=True).start()
            left = self._after() or -1
            while data := server.recv(4096):
                if 0 <= left <= len(data):
                    client.sendall(data[:left])
                    self.cuts += 1
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(data)
                left -= len(data) if left > 0 else 0
            client.shutdown(socket.SHUT_RDWR)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(4096):
            sink.sendall(data)
