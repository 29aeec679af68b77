"""``konio serve``, ``konio worker``, ``konio accounts``, ``konio audit``: the reading room from the command line."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from konio.cli.engines import Address, check_address
from konio.cli.terminal import complain, say
from konio.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from konio.web.asker import Room

SERVE_EXAMPLE: Final = (
    "\b\nExamples:\n"
    "  konio serve                                     http://127.0.0.1:8080, data in konio-data\n"
    "  konio serve --data /srv/konio --settings konio.toml\n"
    "  KONIO_WEB_DATABASE=mysql+pymysql://... konio serve"
)
WORKER_EXAMPLE: Final = (
    "\b\nExamples:\n"
    "  konio worker --data /srv/konio                  one more worker, on this machine or another\n"
    "  konio worker --data /srv/konio --engine ray     hand the films to a Ray cluster"
)

_DATA: Final = typer.Option(
    "--data",
    metavar="DIR",
    help="Films, pictures, keys, and with SQLite the database; konio-data by default.",
)
_FILE: Final = typer.Option(
    "--settings", metavar="FILE", help="Settings as TOML; environment and command line win over it."
)

accounts_app = typer.Typer(help="Add, change, list and delete accounts.", no_args_is_help=True)
audit_app = typer.Typer(help="Check and export the audit log.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name to sign in with.")]
Data = Annotated[Path | None, _DATA]
File = Annotated[Path | None, _FILE]


def serve(
    data: Data = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 127.0.0.1 by default.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 8080 by default.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes to start; 1 by default, 0 for none.")
    ] = None,
    settings_file: File = None,
) -> int:
    """Start the reading room: the page, its interface and workers in the background."""
    room = _open(data, settings_file, host=host, port=port, workers=workers)
    from konio.web import accounts, logs
    from konio.web.app import create_app
    from konio.web.proof import prove
    from konio.web.server import make_server, port_of
    from konio.web.supervise import Supervisor

    logs.configure()
    app = create_app(room.settings, room)
    server = make_server(app, room)
    with room.database.write() as session:
        password = accounts.first_administrator(session, room.audit)
    if password is not None:
        say(f"One-time password of account 'admin': {password}")
    swept = room.storage.sweep() + room.queue.reclaim()
    with room.database.read() as session:
        found = prove(room, session)
    logs.log("audit.checked", events=found.events, head=found.head)
    if found.problems:
        complain(f"konio: the audit log is not intact: {found.problems[0]}; run konio audit verify")
    logs.log("server.started", port=port_of(server), removed=swept)
    say(f"konio is at http://{room.settings.host}:{port_of(server)} (Ctrl-C ends it)")
    supervisor = Supervisor(room.settings, room.queue)
    supervisor.start()
    try:
        with _until_terminated():
            server.run()
    finally:
        supervisor.stop()
        server.close()
        server.task_dispatcher.shutdown()
        room.database.close()
    return 0


def worker(
    data: Data = None,
    engine: Annotated[str, typer.Option(help="Where films are examined: local or ray.")] = "local",
    address: Address = None,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="End when the queue is empty.")
    ] = False,
    settings_file: File = None,
) -> int:
    """Assess queued films until stopped; run as many as wished, on as many machines as wished."""
    from konio.engine import ENGINES

    if engine not in ENGINES:
        raise UsageError(f"engine {engine!r} is unknown; use {' or '.join(ENGINES)}")
    check_address(address, engine)
    room = _open(data, settings_file)
    from konio.web import logs

    logs.configure()
    with contextlib.ExitStack() as stack:
        stack.callback(room.database.close)
        hands = _hands(room, engine, address, stack)

        def end(number: int, frame: object) -> None:
            hands.stop.set()

        signal.signal(signal.SIGTERM, end)
        hands.run(until_idle=until_idle)
    return 0


def _hands(room: Room, engine: str, address: str | None, stack: contextlib.ExitStack) -> Any:
    if engine == "ray":
        from konio.engine import RayEngine
        from konio.web.cluster import EngineWorker

        # One attempt: the queue itself counts deaths, and a film that kills three processes is poison.
        opened = RayEngine(address, attempts=1)
        stack.callback(opened.close)
        return EngineWorker(room.queue, room.storage, opened, room.settings.model)
    from konio.web.assessing import load_examiner
    from konio.web.worker import Worker

    return Worker(room.queue, room.storage, load_examiner(room.settings.model))


@accounts_app.command(
    "add", epilog="Example: konio accounts add wang --role reader --display 'Wang Min'"
)
def add(
    name: Name,
    role: Annotated[str, typer.Option(help="reader or administrator.")] = "reader",
    display: Annotated[str, typer.Option(help="Name on reports.")] = "",
    data: Data = None,
    settings_file: File = None,
) -> int:
    """Add an account and print its one-time password."""
    from konio.web import accounts

    with _changing(data, settings_file) as (room, session):
        _, password = accounts.add(session, room.audit, None, name=name, display=display, role=role)
    say(f"One-time password of account {accounts.folded(name)!r}: {password}")
    return 0


@accounts_app.command("delete", epilog="Example: konio accounts delete wang")
def delete(name: Name, data: Data = None, settings_file: File = None) -> int:
    """Delete an account; its readings stay."""
    from konio.web import accounts

    with _changing(data, settings_file) as (room, session):
        accounts.remove(session, room.audit, None, accounts.named(session, name))
    say(f"account {name!r} is deleted")
    return 0


@accounts_app.command("disable", epilog="Example: konio accounts disable wang")
def disable(name: Name, data: Data = None, settings_file: File = None) -> int:
    """Nobody can sign in with an account until it is enabled again."""
    return _set_disabled(name, True, data, settings_file)


@accounts_app.command("enable", epilog="Example: konio accounts enable wang")
def enable(name: Name, data: Data = None, settings_file: File = None) -> int:
    """Let an account sign in again."""
    return _set_disabled(name, False, data, settings_file)


def _set_disabled(name: str, disabled: bool, data: Path | None, settings_file: Path | None) -> int:
    from konio.web import accounts

    with _changing(data, settings_file) as (room, session):
        account = accounts.named(session, name)
        accounts.change(session, room.audit, None, account, disabled=disabled)
    say(f"account {name!r} is {'disabled' if disabled else 'enabled'}")
    return 0


@accounts_app.command("set-password", epilog="Example: konio accounts set-password wang")
def set_password(name: Name, data: Data = None, settings_file: File = None) -> int:
    """Give an account a new one-time password; its sessions end and strangers may try it again."""
    from konio.web import accounts

    with _changing(data, settings_file) as (room, session):
        account = accounts.named(session, name)
        password = accounts.reset(session, room.audit, None, account)
    room.throttle.forget(account.name)
    say(f"One-time password of account {account.name!r}: {password}")
    return 0


@accounts_app.command("totp-off", epilog="Example: konio accounts totp-off wang")
def totp_off(name: Name, data: Data = None, settings_file: File = None) -> int:
    """Ask an account for no one-time codes any more, for a lost telephone."""
    from konio.web import accounts

    with _changing(data, settings_file) as (room, session):
        accounts.totp_off(session, room.audit, None, accounts.named(session, name))
    say(f"account {name!r} needs no code")
    return 0


@accounts_app.command("list", epilog="Example: konio accounts list")
def list_accounts(data: Data = None, settings_file: File = None) -> int:
    """List accounts: name, role, state, display name."""
    from konio.web import accounts

    room = _open(data, settings_file)
    with room.database.read() as session:
        for account in accounts.listed(session):
            state = "disabled" if account.disabled else "new" if account.must_change else "active"
            say(f"{account.name}\t{account.role}\t{state}\t{account.display}")
    return 0


@audit_app.command("verify", epilog="Example: konio audit verify --head 5f1c...")
def verify(
    head: Annotated[
        str, typer.Option(help="A hash noted earlier: it must still stand in the log.")
    ] = "",
    data: Data = None,
    settings_file: File = None,
) -> int:
    """Check that no line of the audit log and no signed reading was changed, removed or added.

    Where readings are blind-first, also that no reader was shown the machine's answer before signing.
    """
    from konio.web.proof import prove

    room = _open(data, settings_file)
    with room.database.read() as session:
        found = prove(room, session, head)
    for problem in found.problems:
        complain(f"konio: {problem}")
    say(f"{found.events} lines, head {found.head}, {'not intact' if found.problems else 'intact'}")
    return int(bool(found.problems))


@audit_app.command("export", epilog="Example: konio audit export > audit.jsonl")
def export(data: Data = None, settings_file: File = None) -> int:
    """Print the whole audit log, one JSON document a line."""
    from konio.web import audit

    room = _open(data, settings_file)
    with room.database.write() as session:
        room.audit.append(session, "audit.exported", None)
    with room.database.read() as session:
        for event in audit.events(session):
            say(json.dumps(audit.line(event), ensure_ascii=True))
    return 0


def _open(data: Path | None, settings_file: Path | None, **given: Any) -> Room:
    """The installation that the settings name.

    Raises:
        UsageError: if the packages of the reading room are not installed.
    """
    try:
        from konio.web.app import open_room
        from konio.web.settings import check, load_settings
    except ImportError as error:
        raise UsageError(
            f"the reading room needs {error.name}, which is not installed; pip install 'konio[web]'"
        ) from error
    settings = load_settings(settings_file, data=data, **given)
    check(settings, settings_file)
    return open_room(settings)


@contextlib.contextmanager
def _changing(data: Path | None, settings_file: Path | None) -> Iterator[tuple[Room, Session]]:
    room = _open(data, settings_file)
    with room.database.write() as session:
        yield room, session


@contextlib.contextmanager
def _until_terminated() -> Iterator[None]:
    """SIGTERM ends the server as Ctrl-C does; a no-op outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: object) -> None:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, end)
    try:
        with contextlib.suppress(SystemExit):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)
