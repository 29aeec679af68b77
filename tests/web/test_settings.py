"""The service does not start where data would lie open."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from konio.errors import SettingsError
from konio.web.app import open_room
from konio.web.settings import KNOWN_SECRETS, Settings, check, is_loopback, key, load_settings

GOOD = "q8Zs1v0Rk3yT6uWn9bLm2xCe5hJp7dFg"


def test_later_sources_win(tmp_path: Path) -> None:
    file = tmp_path / "konio.toml"
    file.write_text('port = 1\nthreads = 3\nworkers = 2\nhosts = ["a"]\n')
    settings = load_settings(
        file, {"KONIO_WEB_PORT": "2", "KONIO_WEB_THREADS": "4", "OTHER": "x"}, port=5
    )
    assert (settings.port, settings.threads, settings.workers, settings.hosts) == (5, 4, 2, ("a",))
    assert load_settings(None, {"KONIO_WEB_HOSTS": "a.b, c"}).hosts == ("a.b", "c")


@pytest.mark.parametrize(
    "values", [{"port": "ninety"}, {"porto": "1"}, {"threads": "0"}, {"lease_seconds": "-1"}]
)
def test_what_makes_no_sense_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="known settings"):
        load_settings(None, {f"KONIO_WEB_{name.upper()}": text for name, text in values.items()})


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "konio.toml"
    file.write_text("port: 1")
    with pytest.raises(SettingsError, match="TOML"):
        load_settings(file, {})
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "none.toml", {})


@pytest.mark.parametrize("secret", [*sorted(KNOWN_SECRETS), "short", "a" * 40, "abab" * 10])
def test_a_default_or_guessable_secret_is_refused(secret: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="secret"):
        check(Settings(data=tmp_path / "d", secret=secret))


def test_a_public_address_needs_tls_in_front_and_a_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="proxy"):
        check(Settings(data=tmp_path / "d", host="0.0.0.0"))  # noqa: S104
    with pytest.raises(SettingsError, match="hosts"):
        check(Settings(data=tmp_path / "d", host="10.0.0.2", proxy="10.0.0.1"))
    check(
        Settings(data=tmp_path / "d", host="10.0.0.2", proxy="10.0.0.1", hosts=("films.example",))
    )


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("[::1]", True), ("0.0.0.0", False),  # noqa: S104
     ("::", False), ("films.example", False), ("192.168.1.4", False), ("", False)],
)  # fmt: skip
def test_loopback(host: str, local: bool) -> None:
    assert is_loopback(host) == local


@pytest.mark.parametrize("name", ["", "konio.db", "secret", "audit-key"])
def test_data_that_others_can_read_is_refused(name: str, settings: Settings) -> None:
    open_room(settings).database.close()
    target = settings.data / name
    target.chmod(target.stat().st_mode | stat.S_IRGRP | stat.S_IROTH)
    with pytest.raises(SettingsError, match="chmod"):
        open_room(settings)


def test_what_is_made_is_private(tmp_path: Path) -> None:
    before = os.umask(0)  # whatever the machine would allow
    try:
        room = open_room(load_settings(environment={}, data=tmp_path / "data"))
        with room.storage.receive(iter([b"film"]), 1 << 20) as incoming:
            film = room.storage.keep(incoming)
        room.database.close()
    finally:
        os.umask(before)
    paths = [room.settings.data, *room.settings.data.rglob("*")]
    made = {path.name for path in paths}
    assert made >= {"konio.db", "secret", "audit-key", "films", film.name}
    assert not [path for path in paths if path.stat().st_mode & 0o077]


def test_a_settings_file_with_a_password_must_be_private(tmp_path: Path) -> None:
    file = tmp_path / "konio.toml"
    file.write_text(f'secret = "{GOOD}"\n')
    file.chmod(0o644)
    settings = load_settings(file, {}, data=tmp_path / "d")
    with pytest.raises(SettingsError, match="chmod"):
        check(settings, file)
    file.chmod(0o600)
    check(settings, file)


def test_keys_are_made_once_and_a_given_secret_wins(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    first = key(settings, "secret")
    assert first == key(settings, "secret") and len(first) == 64
    assert key(settings, "audit-key") != first
    assert key(settings.model_copy(update={"secret": GOOD}), "secret") == GOOD.encode()


def test_tables_of_a_newer_konio_are_refused(settings: Settings) -> None:
    room = open_room(settings)
    with room.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    room.database.close()
    with pytest.raises(SettingsError, match="another konio"):
        open_room(settings)
