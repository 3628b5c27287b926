# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a sequence is made of: tasks, what goes wrong in them, and what people do."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

MODULES = ("st2_pack", "st2_pack_config", "st2_override", "st2_register", "st2_rollback")
HOSTS = "ab"


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in a run.

    :arg kind: C(error) (500), C(close), C(reset) or C(timeout) of an answer; C(die): st2api, or the program, dies where
        it comes to one kind of a pack's resources; C(kill): the run itself is killed before one of its changes of the
        file system, C(kill-request) when one of its requests was answered.
    :arg number: Which one, counted from 1.
    :arg work: Whether StackStorm does what it was asked for all the same.
    :arg lasting: Whether every later answer is like this one.
    :arg where: Of C(die), the pack and the kind.
    """

    kind: str
    number: int = 1
    work: bool = False
    lasting: bool = False
    where: t.Tuple[str, str] = ("", "")

    @property
    def kills(self) -> bool:
        """Whether the run itself is killed."""
        return self.kind.startswith("kill")

    def __str__(self) -> str:
        if self.kind == "kill":
            return f"killed before its change number {self.number} of the file system"
        if self.kind == "die":
            return f"StackStorm's process dies when it comes to the {self.where[1]} of {self.where[0]}"
        done = "with the work done" if self.work else "with nothing done"
        which = f"request number {self.number}{' and all later ones' if self.lasting else ''}"
        if self.kind == "kill-request":
            return f"killed at {which}, {done}"
        return f"{self.kind} at {which}, {done}"


@dataclass(frozen=True)
class Run:
    """One task.

    :arg module: Of L(MODULES).
    :arg arguments: The module's; a source is the name of a directory of the catalogue.
    :arg register: C(api), C(local) or C(none).
    :arg host: Of L(HOSTS).
    """

    module: str
    arguments: t.Mapping[str, t.Any] = field(default_factory=dict)
    register: str = "api"
    host: str = "a"
    trouble: t.Optional[Trouble] = None

    @property
    def items(self) -> t.Sequence[t.Mapping[str, t.Any]]:
        """What a task about packs asks of each."""
        return self.arguments.get("packs", ()) if self.module == "st2_pack" else ()

    @property
    def phase(self) -> str:
        """C(stage) or C(swap) of a task in two phases; empty for one that does all."""
        return str(self.arguments.get("phase", ""))

    def __str__(self) -> str:
        told = f"{self.module} {json.dumps(self.arguments)}"
        wrong = f"; {self.trouble}" if self.trouble else ""
        return f"host {self.host}, register={self.register}: {told}{wrong}"


@dataclass(frozen=True)
class ByHand:
    """What a person does.

    :arg what: C(make) (a resource in StackStorm), C(write) or C(remove) (a file).
    :arg kind: Of a resource, such as C(actions).
    :arg document: What the resource is.
    :arg path: The file, relative to StackStorm's base path.
    """

    what: str
    kind: str = ""
    document: t.Mapping[str, t.Any] = field(default_factory=dict)
    path: str = ""
    content: str = ""

    def __str__(self) -> str:
        if self.what == "make":
            return f"somebody makes one of the {self.kind} in StackStorm: {json.dumps(self.document)}"
        if self.what == "write":
            return f"somebody writes {self.path}: {json.dumps(self.content)}"
        return f"somebody removes {self.path}"


Step = t.Union[Run, ByHand]


@dataclass(frozen=True)
class Sequence:
    """Steps, and what they are repeated by."""

    seed: int
    steps: t.Tuple[Step, ...]

    def script(self) -> str:
        """For people to read."""
        lines = [f"{number}. {step}" for number, step in enumerate(self.steps, 1)]
        return "\n".join([f"ST2_SEED={self.seed} SEQUENCES=1", *lines])
