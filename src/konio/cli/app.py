"""The commands by name, and what happens to an error that reaches the top."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Final

import typer

from konio import __version__
from konio.cli import (
    assess,
    doctor,
    learning,
    models,
    phantom,
    study,
    study_hierarchy,
    study_nodules,
    web,
)
from konio.cli.extras import what_is_missing
from konio.cli.terminal import complain
from konio.errors import KonioError, UsageError

#: Exit status of a command that could not do all it was asked for, of wrong usage, and of Ctrl-C.
FAILED: Final = 1
WRONG_USAGE: Final = 2
INTERRUPTED: Final = 130

app = typer.Typer(
    name="konio",
    help="Read chest radiographs of people who work in dust: several answers, each explained.\n\n"
    "Research software; not for diagnosis. 研究软件，不用于诊断。",
    epilog="Example: konio assess film.dcm --out results",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"konio {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show a traceback when something fails (any position).")
    ] = False,
) -> None:
    """Read chest radiographs of people who work in dust: several answers, each explained.

    Research software; not for diagnosis. 研究软件，不用于诊断。
    """


_STOPPED: Final = "konio was stopped; run the same command again to go on"

app.command("assess", epilog=assess.EXAMPLE)(assess.assess)
app.command("train", epilog=learning.TRAIN_EXAMPLE)(learning.train)
app.command("evaluate", epilog=learning.EVALUATE_EXAMPLE)(learning.evaluate)
study.app.command("hierarchy", epilog=study_hierarchy.EXAMPLE)(study_hierarchy.hierarchy)
study.app.command("nodules", epilog=study_nodules.EXAMPLE)(study_nodules.nodules)
app.add_typer(study.app, name="study")
app.add_typer(phantom.app, name="phantom")
app.add_typer(models.app, name="models")
app.command("doctor", epilog="Example: konio doctor")(doctor.doctor)
app.command("serve", epilog=web.SERVE_EXAMPLE)(web.serve)
app.command("worker", epilog=web.WORKER_EXAMPLE)(web.worker)
app.add_typer(web.accounts_app, name="accounts")
app.add_typer(web.audit_app, name="audit")


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits.

    Exit status: 0 done, 1 something could not be done, 2 wrong usage, 130 stopped with Ctrl-C.

    Args:
        arguments: without the program's name; those of the process by default.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [word for word in given if word != "--debug"]
    sys.exit(run(given, debug=debug))


def run(arguments: list[str], *, debug: bool) -> int:
    """Runs one command line.

    Args:
        arguments: without the program's name and without ``--debug``.
        debug: let unexpected errors through with their traceback.

    Returns:
        Exit status.
    """
    command = typer.main.get_command(app)
    try:
        status = command.main(arguments, prog_name="konio", standalone_mode=False)
    except BrokenPipeError:
        _close_broken_pipe()
        return FAILED
    except KeyboardInterrupt:
        status = INTERRUPTED
    except Exception as error:
        if debug and not _is_wrong_usage(error):
            raise
        return _explain(error)
    if status == INTERRUPTED:  # Typer itself turns Ctrl-C into this status
        complain(_STOPPED)
    return int(status or 0)


def _is_wrong_usage(error: Exception) -> bool:
    return hasattr(error, "format_message")


def _explain(error: Exception) -> int:
    """One sentence for an error, and its exit status."""
    if _is_wrong_usage(error):  # click's own errors
        message = str(error.format_message()).rstrip(".")  # type: ignore[attr-defined]
        help_text = type(error).__name__ == "NoArgsIsHelpError"
        complain(message if help_text else f"konio: {message}; see konio --help")
        return int(getattr(error, "exit_code", WRONG_USAGE))
    if type(error).__name__ == "Abort":
        complain(_STOPPED)
        return INTERRUPTED
    if isinstance(error, KonioError):
        complain(f"konio: {error}")
        return WRONG_USAGE if isinstance(error, UsageError) else FAILED
    if isinstance(error, OSError):
        where = error.filename or "the output"
        complain(f"konio: {where} cannot be used ({error.strerror}); check it and run again")
        return FAILED
    missing = what_is_missing(error) if isinstance(error, ModuleNotFoundError) else None
    if missing is not None:
        complain(f"konio: {missing}")
        return FAILED
    complain(
        f"konio: an unexpected {type(error).__name__} ({error}); run again with --debug to see where, and report it"
    )
    return FAILED


def _close_broken_pipe() -> None:
    """Whoever read our output has gone; keep the interpreter from complaining about it at exit."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)
