# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Several packs in one process of C(st2-register-content)'s own code: of the 2 to 3 s that a process takes, nearly all
go into starting it.

The program itself knows one pack (C(--register-pack)) or all. More than one process at a time is not safe: with a rule
whose trigger has parameters StackStorm looks for that trigger and, when it is not there, makes it
(st2common/services/triggers.py create_trigger_db_from_rule), so that two processes can make it twice. Another
C(packs_base_paths) with links to the wanted packs would put the links' paths into the database. So the functions are
called that the program calls (st2common/content/bootstrap.py), which are the same from StackStorm 3.0 to 3.9; where
that does not work out, there is still one process a pack.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

# Runs in StackStorm's Python. Its last argument are the packs: [[path, [type, ...]], ...]. Before and after each pack
# it writes a mark to both streams, so that what is logged can be told apart.
PROGRAM = """\
import sys
sys.path[:] = [one for one in sys.path if one]
import json
import traceback
from st2common.content import bootstrap
from oslo_config import cfg

mark, packs = json.loads(sys.argv.pop())
register = {name: getattr(bootstrap, "register_" + name) for _path, names in packs for name in ["runners"] + names}
bootstrap.setup(sys.argv[1:])

def say(word):
    for stream in (sys.stdout, sys.stderr):
        stream.write("\\n" + mark + word + "\\n")
        stream.flush()

runners = False
for path, names in packs:
    say("pack")
    cfg.CONF.set_override("pack", path, group="register")
    try:
        for name in names:
            if name == "actions" and not runners:
                register["runners"]()
                runners = True
            register[name]()
    except Exception:
        traceback.print_exc()
        say("failed")
    else:
        say("taken")
bootstrap.teardown()
"""


@dataclass(frozen=True)
class Outcome:
    """What became of one pack.

    :arg taken: Whether it was registered; C(None) when the process ended before that was known.
    :arg output: What was logged meanwhile, both streams.
    """

    taken: t.Optional[bool]
    stdout: str
    stderr: str


def arguments(mark: str, packs: t.Sequence[t.Tuple[str, t.Sequence[str]]]) -> str:
    """The last argument of L(PROGRAM).

    :arg mark: Something that no log can have.
    :arg packs: The path of each, and its types as StackStorm's flags name them (C(actions), ...).
    """
    return json.dumps([mark, [[path, list(names)] for path, names in packs]])


def outcomes(mark: str, stdout: str, stderr: str) -> t.List[Outcome]:
    """What became of the packs that the process got to, in their order; no more than that."""
    pairs = zip(_sections(mark, stdout), _sections(mark, stderr))
    return [Outcome(taken, out, err) for (taken, out), (_taken, err) in pairs]


def _sections(mark: str, text: str) -> t.List[t.Tuple[t.Optional[bool], str]]:
    found: t.List[t.Tuple[t.Optional[bool], str]] = []
    for section in text.split(f"\n{mark}pack\n")[1:]:
        for word, taken in (("taken", True), ("failed", False)):
            said, ended, _after = section.partition(f"\n{mark}{word}\n")
            if ended:
                found.append((taken, said))
                break
        else:
            found.append((None, section))
    return found
