"""Settings of the reading room: defaults, then a TOML file, then the environment, then the command line.

Whatever would put patients at risk is refused at the start, with one sentence (`check`).
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from konio.errors import SettingsError

#: Prefix of the environment variables: ``KONIO_WEB_PORT`` is ``port``.
PREFIX: Final = "KONIO_WEB_"

#: Secrets that stand in manuals; nobody may run with one of them.
KNOWN_SECRETS: Final = frozenset(
    {"secret", "changeme", "change-me", "change_me", "dev", "default", "password", "konio"}
)
_SECRET_LETTERS: Final = 32
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class Settings(BaseModel):
    """Everything an installation may choose.

    Args:
        data: folder of films, pictures, keys and, with SQLite, the database; nobody else may read it.
        host: address to listen on.
        port: port to listen on.
        database: SQLAlchemy URL (``mysql+pymysql://``, ``postgresql+pg8000://``); SQLite in ``data`` if empty.
        secret: signs session cookies, at least 32 letters; made at the first start if empty.
        proxy: address of the reverse proxy that ends TLS in front of this program; empty if there is none.
        hosts: names under which browsers reach the page; loopback names are always allowed.
        threads: threads that answer requests.
        upload_threads: threads that take uploads, so that the rest stays quick while many upload.
        streams: streams of progress that may be open at a time.
        upload_bytes: largest upload.
        zip_films: films in one ZIP.
        zip_bytes: bytes of a ZIP when unpacked.
        session_idle_minutes: a session ends after so long without a request.
        session_hours: a session ends after so long in any case.
        blind_first: the machine's answer opens only after the reader's own reading is signed.
        workers: worker processes that ``konio serve`` starts itself.
        model: name or directory of the model that answers.
        lease_seconds: a worker that is not heard of for so long has lost its job.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path = Path("konio-data")
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    database: str = ""
    secret: str = ""
    proxy: str = ""
    hosts: tuple[str, ...] = ()
    threads: int = Field(default=8, ge=2, le=64)
    upload_threads: int = Field(default=3, ge=1, le=64)
    streams: int = Field(default=32, ge=1, le=512)
    upload_bytes: int = Field(default=512 * 2**20, ge=2**20, le=8 * 2**30)
    zip_films: int = Field(default=2000, ge=1, le=20_000)
    zip_bytes: int = Field(default=8 * 2**30, ge=2**20, le=64 * 2**30)
    session_idle_minutes: int = Field(default=60, ge=1, le=24 * 60)
    session_hours: int = Field(default=12, ge=1, le=72)
    blind_first: bool = True
    workers: int = Field(default=1, ge=0, le=64)
    model: str = "konio-radiograph"
    lease_seconds: float = Field(default=60.0, ge=0.5, le=3600)

    @property
    def url(self) -> str:
        """The database's address."""
        return self.database or f"sqlite:///{self.data.absolute() / 'konio.db'}"

    @property
    def secure(self) -> bool:
        """Whether browsers come by TLS, so that the cookie is marked Secure."""
        return bool(self.proxy)

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Names a request may carry in its Host header, lower case, without port."""
        return frozenset(name.lower() for name in (*_LOOPBACK_NAMES, *self.hosts))


def load_settings(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    **given: Any,
) -> Settings:
    """Settings from their four sources; a later one wins.

    Args:
        file: TOML file with the names of `Settings`.
        environment: the process' by default; ``KONIO_WEB_HOSTS`` is a comma-separated list.
        given: from the command line; ``None`` means not given.

    Raises:
        SettingsError: on an unreadable file, an unknown name or a value out of range.
    """
    values: dict[str, Any] = _from_file(file) if file is not None else {}
    source = os.environ if environment is None else environment
    for key, text in source.items():
        if key.startswith(PREFIX):
            name = key.removeprefix(PREFIX).lower()
            values[name] = _list(text) if name == "hosts" else text
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SettingsError(
            f"setting {where!r} cannot be used ({first['msg']}); known settings: "
            f"{', '.join(Settings.model_fields)}"
        ) from error


def _from_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(
            f"settings file {file} cannot be read ({error.strerror}); check the path"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {file} is not TOML ({error}); correct it") from error


def _list(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def check(settings: Settings, file: Path | None = None) -> None:
    """Refuses settings under which patients' data would lie open.

    Args:
        settings: what the service would run with.
        file: the file they came from; it may hold the database's password.

    Raises:
        SettingsError: on a default secret, readable data, or a public address without TLS in front.
    """
    _check_secret(settings.secret)
    _check_address(settings)
    for path in _private_paths(settings, file):
        _check_private(path)


def _check_secret(secret: str) -> None:
    if secret and (secret.lower() in KNOWN_SECRETS or len(secret) < _SECRET_LETTERS):
        raise SettingsError(
            f"the secret is a default or shorter than {_SECRET_LETTERS} letters, so anybody could forge a session; "
            "leave it empty and one is made"
        )
    if secret and len(set(secret)) < 8:
        raise SettingsError(
            "the secret repeats a few letters, so it can be guessed; leave it empty and one is made"
        )


def _check_address(settings: Settings) -> None:
    if is_loopback(settings.host):
        return
    if not settings.proxy:
        raise SettingsError(
            f"{settings.host} is reachable from other machines and nothing encrypts what is sent; put a reverse "
            "proxy with TLS in front and name its address with proxy, or listen on 127.0.0.1"
        )
    if not settings.hosts:
        raise SettingsError(
            "behind a proxy the name in the browser's address bar must be known; give it with hosts"
        )


def is_loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _private_paths(settings: Settings, file: Path | None) -> list[Path]:
    paths = [settings.data, settings.data / "secret", settings.data / "audit-key"]
    if settings.url.startswith("sqlite:///"):
        base = settings.url.removeprefix("sqlite:///")
        paths += [Path(base + ending) for ending in ("", "-wal", "-shm")]
    if file is not None and (settings.secret or urlsplit(settings.database).password):
        paths.append(file)
    return paths


def _check_private(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be looked at ({error.strerror}); check who owns it"
        ) from error
    if mode & _OTHERS:
        wanted = "700" if stat.S_ISDIR(mode) else "600"
        raise SettingsError(
            f"{path} can be read by other users of this machine; run: chmod {wanted} {path}"
        )


def prepare_data(settings: Settings) -> None:
    """Makes the data folder, readable by its owner only.

    Raises:
        SettingsError: if it cannot be made.
    """
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"data folder {settings.data} cannot be made ({error.strerror}); choose another with data"
        ) from error


def key(settings: Settings, name: Literal["secret", "audit-key"]) -> bytes:
    """A key of this installation, made when it is first asked for; 0600 in the data folder.

    Args:
        settings: tell the data folder; their ``secret`` wins over the file.
        name: which key.
    """
    if name == "secret" and settings.secret:
        return settings.secret.encode()
    path = settings.data / name
    fresh = settings.data / f".{name}-{secrets.token_hex(8)}"
    if not path.exists():
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # the first of several processes wins, the others read its key
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text("ascii").strip().encode()
