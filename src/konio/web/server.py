"""Waitress in front of the application.

Two lanes: uploads have threads of their own, so that a page or ``/healthz`` never waits behind films. A body that is
larger than any form is refused while its head is read unless it goes to the address for uploads with a cookie that
this installation signed; strangers cannot fill the disk. While it comes in, a large body lies in the data folder under
no name, never in the machine's folder for temporary files, which others share and which may be memory.
"""

from __future__ import annotations

import json
import socket
import tempfile
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from waitress.buffers import OverflowableBuffer, TempfileBasedBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import ErrorTask, ThreadedTaskDispatcher
from waitress.utilities import Error, RequestEntityTooLarge

from konio.errors import SettingsError
from konio.records import NOTICE
from konio.web.asker import Room
from konio.web.gate import JSON_BYTES
from konio.web.problems import ProblemError
from konio.web.sessions import COOKIE

if TYPE_CHECKING:
    from flask import Flask

UPLOADS: Final = "/api/uploads"
EVENTS: Final = "/api/events"
_CODES: Final = {400: "bad-request", 413: "too-large", 431: "too-large", 507: "disk-full"}


class Lanes:
    """Hands requests to the threads of their lane; has the shape of waitress' dispatcher.

    Args:
        threads: for everything.
        uploads: for uploads.
        streams: for streams of progress, which each hold a thread while they last.
    """

    def __init__(self, threads: int, uploads: int, streams: int) -> None:
        self._main = ThreadedTaskDispatcher()
        self._uploads = ThreadedTaskDispatcher()
        self._streams = ThreadedTaskDispatcher()
        self._main.set_thread_count(threads)
        self._uploads.set_thread_count(uploads)
        self._streams.set_thread_count(streams)

    def add_task(self, task: Any) -> None:
        """Queues a channel whose next request is complete."""
        path = task.requests[0].path if task.requests else ""
        lane = {UPLOADS: self._uploads, EVENTS: self._streams}.get(path, self._main)
        lane.add_task(task)

    def set_thread_count(self, count: int) -> None:
        """The counts were given at the start."""

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """Ends all threads."""
        ended = [
            lane.shutdown(cancel_pending, timeout)
            for lane in (self._main, self._uploads, self._streams)
        ]
        return all(ended)


class NoRoomError(Error):  # type: ignore[misc]
    """A body for which there is no room."""

    code = 507
    reason = "Insufficient Storage"


class _Spool(OverflowableBuffer):  # type: ignore[misc]
    """A body as it comes in: small ones in memory, large ones in a folder of our own."""

    def __init__(self, overflow: int, folder: Path) -> None:
        super().__init__(overflow)
        self._folder = folder

    def _set_large_buffer(self) -> None:
        folder = self._folder

        class Nameless(TempfileBasedBuffer):  # type: ignore[misc]
            def newfile(self) -> IO[bytes]:
                return tempfile.TemporaryFile("w+b", dir=folder)

        before: Any = self.buf  # type: ignore[has-type]
        self.buf = Nameless(before)
        if before is not None:
            before.close()
        self.overflowed = True


def parser_for(room: Room) -> type[HTTPRequestParser]:
    """The parser of request heads that knows which bodies may be large."""

    class Parser(HTTPRequestParser):  # type: ignore[misc]
        """Refuses a large body as soon as its head was read."""

        def received(self, data: bytes) -> int:
            judged = self.headers_finished
            try:
                consumed = int(super().received(data))
            except OSError:  # no room for what comes in; the connection would end without a word
                self._refuse(NoRoomError("the disk is full"))
                return len(data)
            fresh = self.headers_finished and not judged and not self.completed
            if fresh and self._refused():
                self._refuse(RequestEntityTooLarge("too large"))
            elif fresh and self.path == UPLOADS and not room.storage.has_room(self._needed()):
                self._refuse(NoRoomError("the disk is full"))
            elif fresh:
                self.body_rcv.buf = _Spool(self.adj.inbuf_overflow, room.storage.incoming)
            return consumed

        def _refuse(self, error: Error) -> None:
            self.error = error
            self.completed = True

        def _needed(self) -> int:
            return 2 * int(self.content_length)  # as it comes in, and as it is looked at and kept

        def _refused(self) -> bool:
            if self.content_length <= JSON_BYTES and not self.chunked:
                return False
            return self.path != UPLOADS or not _signed(room, self.headers.get("COOKIE", ""))

    return Parser


def _signed(room: Room, cookies: str) -> bool:
    try:
        morsel = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return False
    return morsel is not None and room.sessions.signed(morsel.value)


class JsonErrorTask(ErrorTask):  # type: ignore[misc]
    """What waitress itself refuses has the shape of all other errors."""

    def execute(self) -> None:
        """Sends the problem and closes the connection."""
        code = _CODES.get(self.request.error.code, "failed")
        problem = ProblemError(code, "the limit of this address", detail_zh="超出该地址的限制")
        body = json.dumps({**problem.to_json(), "notice": NOTICE}, ensure_ascii=True).encode()
        self.status = f"{problem.status} {HTTPStatus(problem.status).phrase}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.response_headers.append(("Cache-Control", "no-store"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


def make_server(app: Flask, room: Room) -> Any:
    """A server that listens; ``run()`` serves until it is closed.

    Raises:
        SettingsError: if the address cannot be listened on.
    """
    settings = room.settings
    options: dict[str, Any] = {
        "sockets": [_listening(settings.host, settings.port)],
        "threads": settings.threads,
        "ident": "konio",
        "max_request_body_size": settings.upload_bytes + 1,
        "connection_limit": 512,
        "channel_timeout": 120,
        "clear_untrusted_proxy_headers": True,
        "expose_tracebacks": False,
        "asyncore_use_poll": True,
    }
    if settings.proxy:
        options |= {
            "trusted_proxy": settings.proxy,
            "trusted_proxy_count": 1,
            "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"},
        }
    lanes = Lanes(settings.threads, settings.upload_threads, settings.streams)
    server = create_server(app, _dispatcher=lanes, **options)
    parser = parser_for(room)
    for one in _servers(server):
        one.channel_class = type(
            "Channel", (HTTPChannel,), {"parser_class": parser, "error_task_class": JsonErrorTask}
        )
    return server


def _listening(host: str, port: int) -> socket.socket:
    """A bound socket; waitress itself would leave one behind where that fails."""
    try:
        kind, _, _, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(kind, socket.SOCK_STREAM)
    except OSError as error:
        raise _occupied(host, port, error) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise _occupied(host, port, error) from error
    return listening


def _occupied(host: str, port: int, error: OSError) -> SettingsError:
    why = error.strerror or error
    return SettingsError(
        f"{host}:{port} cannot be listened on ({why}); choose another port with --port"
    )


def _servers(server: Any) -> list[Any]:
    """Waitress listens on several sockets where a name has several addresses."""
    if hasattr(server, "channel_class") and hasattr(server, "effective_port"):
        return [server]
    return [one for one in server.map.values() if hasattr(one, "channel_class")]


def port_of(server: Any) -> int:
    """The port a server really listens on."""
    first = _servers(server)[0]
    listening: socket.socket = first.socket
    return int(listening.getsockname()[1])
