"""Accounts: added, changed and removed by administrators only, on the page or with ``konio accounts``."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from konio.errors import UsageError
from konio.web import passwords
from konio.web.audit import Audit
from konio.web.problems import ProblemError
from konio.web.tables import Account, Draft, SignedIn

Role = Literal["reader", "administrator"]
ROLES: Final[tuple[Role, ...]] = ("reader", "administrator")
_NAME: Final = re.compile(r"[\w.@+-]{1,64}")


def folded(name: str) -> str:
    """A name as it is kept and compared: composed, lower case, without spaces around it."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def find(session: Session, name: str) -> Account | None:
    """The account of a name, if there is one."""
    return session.scalar(
        select(Account).where(Account.name == folded(name), Account.deleted.is_(False))
    )


def named(session: Session, name: str) -> Account:
    """The account of a name.

    Raises:
        UsageError: if there is none.
    """
    account = find(session, name)
    if account is None:
        raise UsageError(f"there is no account {name!r}; see konio accounts list")
    return account


def listed(session: Session) -> list[Account]:
    """All accounts that are not deleted, by name."""
    return list(
        session.scalars(select(Account).where(Account.deleted.is_(False)).order_by(Account.name))
    )


def add(
    session: Session,
    audit: Audit,
    by: int | None,
    *,
    name: str,
    display: str,
    role: str,
) -> tuple[Account, str]:
    """A new account with a one-time password.

    Args:
        session: a writing transaction.
        audit: where it is written down.
        by: account of the administrator; ``None`` from the command line.
        name: to sign in with.
        display: as it stands on reports.
        role: ``reader`` or ``administrator``.

    Returns:
        The account and its password, which is shown once and must be changed at the first sign-in.

    Raises:
        UsageError: on a name that is taken or not allowed, or an unknown role.
    """
    name = folded(name)
    if not _NAME.fullmatch(name):
        raise ProblemError("account-name")
    if role not in ROLES:
        raise UsageError(f"role {role!r} is unknown; use {' or '.join(ROLES)}")
    if find(session, name) is not None:
        raise ProblemError("name-taken")
    password = passwords.one_time()
    account = Account(
        name=name,
        display=display.strip() or name,
        role=role,
        password_hash=passwords.hashed(password),
        must_change=True,
    )
    session.add(account)
    session.flush()
    audit.append(session, "account.added", by, account=account.id, name=name, role=role)
    return account, password


def change(
    session: Session,
    audit: Audit,
    by: int | None,
    account: Account,
    *,
    display: str | None = None,
    role: str | None = None,
    disabled: bool | None = None,
) -> None:
    """Changes what is given.

    Raises:
        UsageError: if nobody would be left to administrate.
    """
    loses = role == "reader" or disabled is True
    if loses:
        _keep_one_administrator(session, account)
    if display is not None:
        account.display = display.strip() or account.name
    if role is not None:
        account.role = role
    if disabled is not None:
        account.disabled = disabled
    if loses or role is not None:
        end_sessions(session, account.id)
    audit.append(
        session,
        "account.changed",
        by,
        account=account.id,
        role=account.role,
        disabled=account.disabled,
    )


def remove(session: Session, audit: Audit, by: int | None, account: Account) -> None:
    """Deletes an account: nobody can sign in with it; readings keep their author's display name.

    Raises:
        UsageError: if nobody would be left to administrate.
    """
    _keep_one_administrator(session, account)
    audit.append(session, "account.deleted", by, account=account.id, name=account.name)
    account.deleted = account.disabled = True
    account.name = f"{account.name[:64]}#{account.id}"
    account.password_hash = ""
    end_sessions(session, account.id)
    session.execute(delete(Draft).where(Draft.account_id == account.id))


def reset(session: Session, audit: Audit, by: int | None, account: Account) -> str:
    """A new one-time password; every session of the account ends."""
    password = passwords.one_time()
    account.password_hash = passwords.hashed(password)
    account.must_change = True
    end_sessions(session, account.id)
    audit.append(session, "account.password", by, account=account.id, how="reset")
    return password


def set_password(
    session: Session, audit: Audit, by: int | None, account: Account, new: str
) -> None:
    """A password chosen by its owner.

    Raises:
        UsageError: if it is too short.
    """
    account.password_hash = passwords.hashed(new)
    account.must_change = False
    audit.append(session, "account.password", by, account=account.id, how="chosen")


def totp_off(session: Session, audit: Audit, by: int | None, account: Account) -> None:
    """Signing in asks for no code any more."""
    session.execute(update(Account).where(Account.id == account.id).values(totp_active=False))
    audit.append(session, "account.totp", by, account=account.id, active=False)


def end_sessions(session: Session, account_id: int, but: int | None = None) -> None:
    """Ends every session of an account, ``but`` one."""
    wanted = delete(SignedIn).where(SignedIn.account_id == account_id)
    session.execute(wanted if but is None else wanted.where(SignedIn.id != but))


def first_administrator(session: Session, audit: Audit) -> str | None:
    """At the first start: makes the account ``admin`` and gives its one-time password; later ``None``."""
    if session.scalar(select(func.count()).select_from(Account)):
        return None
    _, password = add(
        session, audit, None, name="admin", display="Administrator", role="administrator"
    )
    return password


def _keep_one_administrator(session: Session, account: Account) -> None:
    if account.role != "administrator":
        return
    others = session.scalar(
        select(func.count())
        .select_from(Account)
        .where(
            Account.role == "administrator",
            Account.disabled.is_(False),
            Account.deleted.is_(False),
            Account.id != account.id,
        )
    )
    if not others:
        raise ProblemError("last-administrator")
