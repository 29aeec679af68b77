"""Signing in and out, one's own sessions, password and one-time codes."""

from __future__ import annotations

import time
from typing import Any

from flask import Response, make_response, request
from sqlalchemy import select, update

from konio.web import accounts, passwords, shapes, totp
from konio.web.asker import Asker, Call, Room
from konio.web.cases import iso
from konio.web.problems import ProblemError
from konio.web.sessions import COOKIE, DEVICE_COOKIE
from konio.web.tables import Account, SignedIn, now_ms

_DEVICE_SECONDS = 180 * 24 * 3600


def account_json(account: Account) -> dict[str, Any]:
    """An account as the interface shows it."""
    return {
        "id": account.id,
        "name": account.name,
        "display": account.display,
        "role": account.role,
        "disabled": account.disabled,
        "totp": account.totp_active,
        "must_change_password": account.must_change,
        "created": iso(account.created),
        "last_sign_in": iso(account.last_sign_in),
    }


def session_json(room: Room, asker: Asker) -> dict[str, Any]:
    """What a page needs to know of its session."""
    return {
        "account": account_json(asker.account),
        "csrf": asker.session.csrf,
        "expires": iso(asker.session.expires),
        "must_change_password": asker.account.must_change,
        "blind_first": room.settings.blind_first,
    }


def begin(call: Call) -> Response:
    """Sign in. Whatever is wrong, the answer is the same; nothing is hashed for those who tried too often."""
    body: shapes.SignIn = call.body
    room, name = call.room, accounts.folded(body.name)[:200]
    address = request.remote_addr or ""
    keys = room.throttle.keys(name, address, request.cookies.get(DEVICE_COOKIE, ""))
    if not room.throttle.take(keys):
        raise ProblemError("sign-in-failed")
    with room.database.read() as session:
        known = accounts.find(session, name)
    sound = passwords.fits(body.password, known.password_hash if known else "")
    if known is None or not sound or known.disabled or not _second_factor(room, known, body.code):
        with room.database.write() as session:
            room.audit.append(session, "session.refused", known.id if known else None)
        raise ProblemError("sign-in-failed")
    room.throttle.give_back(keys)
    with room.database.write() as session:
        account = session.get_one(Account, known.id)
        account.last_sign_in = now_ms()
        row, cookie = room.sessions.begin(session, account, address)
        room.audit.append(session, "session.begun", account.id, which=row.id)
    answer = make_response(session_json(room, Asker(account, row)))
    _set(room, answer, COOKIE, cookie, room.settings.session_hours * 3600)
    _set(room, answer, DEVICE_COOKIE, room.throttle.device_token(name), _DEVICE_SECONDS)
    return answer


def show(call: Call) -> dict[str, Any]:
    """Who is signed in."""
    return session_json(call.room, call.asker)


def end(call: Call) -> Response:
    """Sign out."""
    with call.room.database.write() as session:
        row = session.get(SignedIn, call.asker.session.id)
        if row is not None:
            session.delete(row)
        call.room.audit.append(session, "session.ended", call.asker.id)
    answer = Response(status=204)
    answer.delete_cookie(COOKIE)
    return answer


def mine(call: Call) -> dict[str, Any]:
    """One's own sessions."""
    with call.room.database.read() as session:
        rows = session.scalars(
            select(SignedIn)
            .where(SignedIn.account_id == call.asker.id)
            .order_by(SignedIn.last_seen.desc())
        ).all()
    return {
        "sessions": [
            {
                "id": row.id,
                "created": iso(row.created),
                "last_seen": iso(row.last_seen),
                "expires": iso(row.expires),
                "address": row.address,
                "current": row.id == call.asker.session.id,
            }
            for row in rows
            if call.room.sessions.alive(row)
        ]
    }


def revoke(call: Call, number: int) -> Response:
    """End one of one's own sessions."""
    with call.room.database.write() as session:
        row = session.get(SignedIn, number)
        if row is None or row.account_id != call.asker.id:
            raise ProblemError("not-found")
        session.delete(row)
        call.room.audit.append(session, "session.revoked", call.asker.id, which=number)
    return Response(status=204)


def change_password(call: Call) -> dict[str, Any]:
    """Choose a password; every other session ends."""
    body: shapes.ChangePassword = call.body
    passwords.check(body.new)
    keys = call.room.throttle.keys(
        call.asker.account.name, "", call.room.throttle.device_token(call.asker.account.name)
    )
    if not call.room.throttle.take(keys) or not passwords.fits(
        body.current, call.asker.account.password_hash
    ):
        raise ProblemError("wrong-password")
    call.room.throttle.give_back(keys)
    if body.new == body.current:
        raise ProblemError("same-password")
    with call.room.database.write() as session:
        account = session.get_one(Account, call.asker.id)
        accounts.set_password(session, call.room.audit, call.asker.id, account, body.new)
        accounts.end_sessions(session, account.id, but=call.asker.session.id)
    return session_json(call.room, Asker(account, call.asker.session))


def totp_begin(call: Call) -> dict[str, Any]:
    """A new secret for one-time codes; it counts once a code was given."""
    with call.room.database.write() as session:
        account = session.get_one(Account, call.asker.id)
        if account.totp_active:
            raise ProblemError("wrong-code")
        account.totp_generation += 1
        account.totp_last = 0
    shared = totp.secret(call.room.key, account.id, account.totp_generation)
    return {"secret": totp.text(shared), "uri": totp.uri(shared, account.name)}


def totp_on(call: Call) -> Response:
    """Switch one-time codes on."""
    _prove(call)
    with call.room.database.write() as session:
        account = session.get_one(Account, call.asker.id)
        account.totp_active = True
        call.room.audit.append(
            session, "account.totp", call.asker.id, account=account.id, active=True
        )
    return Response(status=204)


def totp_off(call: Call) -> Response:
    """Switch one-time codes off."""
    _prove(call)
    with call.room.database.write() as session:
        account = session.get_one(Account, call.asker.id)
        accounts.totp_off(session, call.room.audit, call.asker.id, account)
    return Response(status=204)


def _prove(call: Call) -> None:
    """A right code, tried as rarely as a password."""
    body: shapes.OneTimeCode = call.body
    account, throttle = call.asker.account, call.room.throttle
    keys = throttle.keys(account.name, "", throttle.device_token(account.name))
    if (
        account.totp_generation == 0
        or not throttle.take(keys)
        or not _code_counts(call.room, account, body.code)
    ):
        raise ProblemError("wrong-code")
    throttle.give_back(keys)


def _second_factor(room: Room, account: Account, code: str) -> bool:
    return not account.totp_active or _code_counts(room, account, code)


def _code_counts(room: Room, account: Account, code: str) -> bool:
    """Whether a code is right; it is used up by that."""
    shared = totp.secret(room.key, account.id, account.totp_generation)
    step = totp.accepted(shared, code, time.time(), account.totp_last)
    if step is None:
        return False
    with room.database.write() as session:
        used = session.execute(
            update(Account)
            .where(Account.id == account.id, Account.totp_last < step)
            .values(totp_last=step)
        )
        return int(used.rowcount) == 1  # type: ignore[attr-defined]


def _set(room: Room, answer: Response, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="Strict",
        secure=room.settings.secure,
        path="/",
    )
