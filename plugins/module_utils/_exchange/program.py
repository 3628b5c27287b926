# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The program that runs on the host of an Exchange, by its units and by people."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
import typing as t
from urllib.parse import urlsplit

from .._content.names import check_ref
from .._deadline import Deadline
from .._errors import MissingLibraryError, OptionError, St2Error, each_of
from .run import Run, alone
from .settings import Settings, read_settings

SETTINGS = "/etc/st2-exchange/exchange.yml"
ALL_RIGHT, SOME_PROBLEM, NOTHING_DONE = 0, 1, 2
_SECONDS = 300.0


def main(
    arguments: t.Optional[t.Sequence[str]] = None,
    *,
    version: str = "unknown",
    environment: t.Optional[t.Mapping[str, str]] = None,
) -> int:
    """Run a command.

    :arg version: What C(--version) tells.
    :returns: The exit status: V(0) when all is right, V(1) when everything was published and something of it has a
        problem, V(2) when nothing could be done.
    """
    parser = _parser(version)
    given = parser.parse_args(arguments)
    environment = dict(os.environ if environment is None else environment)
    try:
        settings = read_settings(given.settings)
        status: int = given.work(given, settings, environment)
        return status
    except MissingLibraryError as error:
        _tell(f"{error.message} On Debian, install it with: apt-get install python3-{_package(error.library)}.")
    except St2Error as error:
        for one in each_of(error):
            _tell(one.message)
    except OSError as error:
        name = f" {os.fsdecode(error.filename)}" if error.filename else ""
        _tell(f"The file system refused something{name and ' at'}{name}: {error.strerror or error}.")
    except Exception:
        # Python itself would end with 1, which says that everything was published.
        traceback.print_exc()
        _tell("This is a bug of the program. What is published is what it was.")
    return NOTHING_DONE


def _parser(version: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="st2-exchange", description="Keeps an own Exchange of StackStorm packs.")
    parser.add_argument("--version", action="version", version=f"st2-exchange {version}")
    parser.add_argument("--settings", metavar="FILE", default=SETTINGS, help=f"the settings (default: {SETTINGS})")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, work, text in (
        ("update", _update, "bring what upstream has now, and publish it"),
        ("build", _build, "publish what is here, such as after a push"),
        ("certificate", _certificate, "make the authority and the certificate of the host, or renew them in time"),
        ("status", _status, "show what the last run came to"),
    ):
        commands.add_parser(name, help=text, description=text).set_defaults(work=work)
    create = commands.add_parser("create", help="make repositories that packs are pushed to")
    create.add_argument("ref", metavar="REF", nargs="+", help="the name of the pack")
    create.set_defaults(work=_create)
    return parser


def _update(_given: argparse.Namespace, settings: Settings, environment: t.Mapping[str, str]) -> int:
    from .triggers import UPDATE, take_triggers
    from .update import update

    with alone(settings, "update") as scratch:
        started = int(time.time())
        # What was pushed is published by a build, which does not wait for servers elsewhere.
        take_triggers(settings, (UPDATE,))
        return _told(update(Run(settings, scratch, environment, _tell), started))


def _build(_given: argparse.Namespace, settings: Settings, environment: t.Mapping[str, str]) -> int:
    from .build import build
    from .listing import read_listing
    from .triggers import PUSHED, take_triggers

    with alone(settings, "build") as scratch:
        started = int(time.time())
        take_triggers(settings, (PUSHED,))
        run = Run(settings, scratch, environment, _tell)
        return _told(build(run, read_listing(settings), command="build", started=started))


def _told(report: t.Any) -> int:
    """Tell what came of a run."""
    for problem in report.problems:
        _tell(problem.message if not problem.is_notice else f"Note: {problem.message}")
    what = "published" if report.changed else "as it was"
    _tell(f"{report.packs} {'pack' if report.packs == 1 else 'packs'}, serial {report.serial}: {what}.")
    return SOME_PROBLEM if report.serious else ALL_RIGHT


def _certificate(_given: argparse.Namespace, settings: Settings, environment: t.Mapping[str, str]) -> int:
    from .certificate import renew

    for sentence in renew(urlsplit(settings.url).hostname or "", deadline=Deadline(_SECONDS), environment=environment):
        _tell(sentence)
    return ALL_RIGHT


def _create(given: argparse.Namespace, settings: Settings, environment: t.Mapping[str, str]) -> int:
    from .hosted import create_hosted

    unknown = [ref for ref in given.ref if check_ref("REF", ref) not in settings.hosted]
    if unknown:
        raise OptionError(f"{', '.join(unknown)}: only packs in hosted of the settings can be pushed here.")
    with tempfile.TemporaryDirectory(prefix="st2-exchange-") as scratch:
        git = Run(settings, scratch, environment).git(Deadline(_SECONDS))
        for ref in given.ref:
            changed = create_hosted(git, settings.root, ref, settings.url)
            # What a role reads: whether anything is different now.
            sys.stdout.write(f"{ref}: {'created' if changed else 'as it was'}\n")
    return ALL_RIGHT


def _status(_given: argparse.Namespace, settings: Settings, _environment: t.Mapping[str, str]) -> int:
    from .status import read_status

    text = read_status(settings)
    if text is None:
        raise OptionError(f"Nothing was published in {settings.root} yet: run update.")
    sys.stdout.write(text)
    return ALL_RIGHT


def _package(library: str) -> str:
    return {"PyYAML": "yaml"}.get(library, library)


def _tell(sentence: str) -> None:
    """A line for the journal."""
    sys.stderr.write(" ".join(sentence.split()) + "\n")
    sys.stderr.flush()
