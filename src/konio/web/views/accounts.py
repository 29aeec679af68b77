"""Accounts, for administrators."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from konio.web import accounts, shapes
from konio.web.asker import Call
from konio.web.problems import ProblemError
from konio.web.tables import Account
from konio.web.views.session import account_json


def listed(call: Call) -> dict[str, Any]:
    """All accounts."""
    with call.room.database.read() as session:
        return {"accounts": [account_json(account) for account in accounts.listed(session)]}


def add(call: Call) -> tuple[dict[str, Any], int]:
    """A new account and its one-time password."""
    body: shapes.NewAccount = call.body
    with call.room.database.write() as session:
        account, password = accounts.add(
            session,
            call.room.audit,
            call.asker.id,
            name=body.name,
            display=body.display,
            role=body.role,
        )
    return {"account": account_json(account), "password": password}, 201


def change(call: Call, number: int) -> dict[str, Any]:
    """Display name, role, disabled or not."""
    body: shapes.AccountChange = call.body
    with call.room.database.write() as session:
        account = _find(session, number)
        accounts.change(
            session,
            call.room.audit,
            call.asker.id,
            account,
            display=body.display,
            role=body.role,
            disabled=body.disabled,
        )
    return {"account": account_json(account)}


def remove(call: Call, number: int) -> Response:
    """Delete an account."""
    with call.room.database.write() as session:
        accounts.remove(session, call.room.audit, call.asker.id, _find(session, number))
    return Response(status=204)


def reset(call: Call, number: int) -> dict[str, Any]:
    """A new one-time password."""
    with call.room.database.write() as session:
        account = _find(session, number)
        password = accounts.reset(session, call.room.audit, call.asker.id, account)
    call.room.throttle.forget(account.name)
    return {"password": password}


def totp_off(call: Call, number: int) -> Response:
    """Switch somebody's one-time codes off, for a lost telephone."""
    with call.room.database.write() as session:
        accounts.totp_off(session, call.room.audit, call.asker.id, _find(session, number))
    return Response(status=204)


def _find(session: Session, number: int) -> Account:
    account = session.get(Account, number)
    if account is None or account.deleted:
        raise ProblemError("not-found")
    return account
