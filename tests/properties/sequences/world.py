# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts and the stand-in for StackStorm on which a sequence is played, and how a step is done there."""

from __future__ import annotations

import contextlib
import functools
import socket
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from infrastructure.snapshot import Snapshot, take_snapshot
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import Fault, ProgramFault, StackStormStub

from ansible_collections.stackstorm.st2.plugins.module_utils import _http
from ansible_collections.stackstorm.st2.plugins.module_utils._st2 import local_registrar
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Result
from properties.runs import run

from .catalogue import Upstream
from .children import Child, die_before, register_content
from .steps import ByHand, Run, Trouble

OWN = ".stackstorm.st2"
_JUMP = 10_000.0


@dataclass(frozen=True)
class Said:
    """What a task said in the end.

    :arg failure: Step, message and ref of the error, when it failed.
    :arg requests: What StackStorm was asked meanwhile, as C(GET /packs).
    """

    changed: bool
    msg: str
    returned: t.Dict[str, t.Any]
    diff: t.List[t.Dict[str, str]]
    warnings: t.Tuple[str, ...]
    failure: t.Optional[t.Tuple[t.Optional[str], str, t.Optional[str]]] = None
    requests: t.Tuple[str, ...] = field(default=(), compare=False)

    @property
    def message(self) -> str:
        """All that it says to a person."""
        return " ".join([self.msg, self.failure[1] if self.failure else "", *self.warnings])

    def summary(self) -> str:
        """What is needed to understand what happened."""
        states = {row["ref"]: row["database_state"] for row in self.returned.get("packs", ())}
        lines = [f"changed={self.changed}", self.msg, f"states: {states or self.returned.get('database_state')}"]
        lines += [f"failure: {self.failure}"] if self.failure else []
        return "\n".join([*lines, *(f"warning: {warning}" for warning in self.warnings)])

    @property
    def predictable(self) -> t.Dict[str, t.Any]:
        """What check mode must say as well."""
        only_then = ("registration", "backup_file", "change")
        returned = {key: value for key, value in self.returned.items() if key not in only_then}
        return {
            "changed": self.changed,
            "msg": self.msg,
            "returned": returned,
            "diff": self.diff,
            "failure": self.failure,
        }


class Clock:
    """The clock of all deadlines, which jumps where StackStorm does not answer in time: nobody has to wait."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._true = time.monotonic

    def monotonic(self) -> float:
        """As L(time.monotonic), and ahead of it."""
        return self._true() + self._ahead

    def jump(self, *_request: t.Any) -> None:
        """Let every deadline be over."""
        self._ahead += _JUMP

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self._ahead += seconds


class World:
    """Hosts C(a) and C(b), which share packs, virtualenvs, configs and overrides, and their one StackStorm.

    :arg root: An empty directory.
    """

    def __init__(self, root: Path, upstream: Upstream) -> None:
        self.upstream = upstream
        index = f"file://{upstream.path('index.json')}"
        self.a = ScratchHost(root / "a", index_url=index)
        self.b = ScratchHost(root / "b", index_url=index, shares=self.a)
        self.stackstorm = StackStormStub(self.a)
        self.stackstorm.install_register_content()
        self._clock = Clock()

    def close(self) -> None:
        """End the stand-in."""
        self.stackstorm.stop()

    # Looking

    def files(self, *, identity: bool = False) -> Snapshot:
        """All that is shared, and the collection's own things only with C(identity): they are nobody's business."""
        return take_snapshot(self.a.base_path, () if identity else (OWN,), identity)

    def database(self) -> t.Dict[str, t.Any]:
        """All that StackStorm has."""
        return self.stackstorm.database_snapshot()

    # Doing

    def do(self, step: ByHand) -> t.Optional[t.Dict[str, t.Any]]:
        """Do what a person does; return the resource that was made, if one was."""
        if step.what == "make":
            with contextlib.suppress(Exception):  # StackStorm has something against it: then it is not made.
                return self.stackstorm.make(step.kind, step.document)
            return None
        path = self.a.base_path / step.path
        if step.what == "write":
            path.write_text(step.content)
        else:
            path.unlink(missing_ok=True)
        return None

    def play(self, step: Run, *, check: bool = False) -> t.Optional[Said]:
        """Do a task; return what it said, or None when it was killed."""
        trouble = None if check else step.trouble
        work = functools.partial(self._run, step, check)
        self.stackstorm.requests.clear()
        try:
            if trouble is None or not trouble.kills:
                self._order(trouble, step.register)
                return work()
            return self._in_a_child(work, trouble)
        finally:
            self.stackstorm.faults.clear()
            self._take_orders_back()

    def _in_a_child(self, work: t.Callable[[], Said], trouble: Trouble) -> t.Optional[Said]:
        if trouble.kind == "kill":
            child = Child(work, functools.partial(die_before, trouble.number))
        else:
            children: t.List[Child] = []
            kill = Fault("", skip=trouble.number - 1, work=trouble.work, close=True, call=lambda _: children[0].kill())
            self.stackstorm.faults.append(kill)
            children.append(Child(work))
            child = children[0]
        killed, said = child.wait()
        return None if killed else said

    def _run(self, step: Run, check: bool) -> Said:
        host = self.a if step.host == "a" else self.b
        with self._surroundings(step.host):
            result = run(host, self._arguments(step), check=check, module=step.module)
        return _said(result, [f"{each.method} {each.path}" for each in self.stackstorm.requests])

    def _arguments(self, step: Run) -> t.Dict[str, t.Any]:
        arguments = {**step.arguments, "register": step.register}
        if step.register == "api":
            arguments.update(api_url=self.stackstorm.api_url, api_key=self.stackstorm.api_key)
        if step.module == "st2_pack":
            arguments.setdefault("virtualenv", "never")
            arguments["packs"] = [
                {**item, **({"source": str(self.upstream.path(item["source"]))} if "source" in item else {})}
                for item in step.items
            ]
        return arguments

    @contextlib.contextmanager
    def _surroundings(self, host: str) -> t.Iterator[None]:
        """What a run has for its clock, its host's name, and the program on the host."""
        clock = self._clock
        program = functools.partial(register_content, database=self.stackstorm.database, clock=clock)
        true_exchange = _http.HttpClient.exchange

        def exchange(client: t.Any, request: t.Any) -> t.Any:
            try:
                return true_exchange(client, request)
            except _http.HttpError:
                if client._deadline.remaining():
                    raise
                raise _http.TooLateError("it did not answer in time") from None

        with contextlib.ExitStack() as stack:
            for place, name, value in (
                (time, "monotonic", clock.monotonic),
                (time, "sleep", clock.sleep),
                (socket, "gethostname", lambda: f"node-{host}"),
                (local_registrar, "run", program),
                (_http.HttpClient, "exchange", exchange),
            ):
                stack.enter_context(_replaced(place, name, value))
            yield

    def _order(self, trouble: t.Optional[Trouble], register: str) -> None:
        if trouble is None:
            return
        if trouble.kind == "die":
            self.stackstorm.die_at(*trouble.where)
            return
        times = None if trouble.lasting else 1
        skip, work = trouble.number - 1, trouble.work
        if register == "local":
            hangs = trouble.kind == "timeout"
            self.stackstorm.order(ProgramFault(skip=skip, times=times, work=work, hang=hangs))
            return
        fault = Fault("", skip=skip, times=times, work=work)
        if trouble.kind == "error":
            fault.status, fault.body = 500, {"faultstring": "Internal Server Error"}
        elif trouble.kind == "timeout":
            fault.close, fault.call = True, self._clock.jump
        else:
            setattr(fault, trouble.kind, True)
        self.stackstorm.faults.append(fault)

    def _take_orders_back(self) -> None:
        database = self.stackstorm.database
        with database.session():
            for each in database.all("program_faults"):
                database.delete("program_faults", each["number"])
        for each in ("alpha", "beta", "gamma"):
            self.stackstorm.accept(each)


def _said(result: Result, requests: t.Sequence[str]) -> Said:
    failure = result.failure
    return Said(
        result.changed,
        result.msg,
        result.returned,
        result.diff,
        tuple(result.warnings),
        (failure.step, failure.message, failure.ref) if failure else None,
        tuple(requests),
    )


@contextlib.contextmanager
def _replaced(place: t.Any, name: str, value: t.Any) -> t.Iterator[None]:
    true = getattr(place, name)
    setattr(place, name, value)
    try:
        yield
    finally:
        setattr(place, name, true)
