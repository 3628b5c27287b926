# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack_split): from a task to a result."""

from __future__ import annotations

import typing as t

from .._errors import Collected, OptionError, SeveralErrors, St2Error
from .._secrets import strip_urls
from .._source.task_git import TaskGit, git_of, trust
from .._split.destination import Destination
from .._split.filter_repo import FilterRepo, split
from .._split.options import PackPath, SplitOptions, options_from
from .._split.outside import find_outside
from .._split.plan import SplitPack, Steps, plan_steps
from .._split.report import diff, line, notes, row
from .._split.source import FoundPack, SourceCopy, tag_prefixes
from .._split.tags import Choice, choose_tags
from .._split.target import look, push
from .._task import Result, Task

Planned = t.List[t.Tuple[SplitPack, Steps]]


def split_repository(task: Task) -> Result:
    """Make repositories of single packs of one with many.

    :raises St2Error: for options and repositories that cannot be used, before anything is written; what stands against
        writing and pushing, and later failures, are in the result.
    """
    options = options_from(task.params)
    with git_of(task) as own:
        destination = Destination(own.git, options.dest)
        program = FilterRepo(own.git, task.environment)
        trust(task, own.book, options.source)
        source = SourceCopy(own.git, options.source.url)
        source.fetch()
        asked, odd = (list(options.packs), []) if options.packs else _all_packs(source)
        found = _find(source, asked)
        splits = _split(task, own, options, program, source, found, destination)
        planned = [(one, plan_steps(one, place=destination.repository(one.ref), push=options.push)) for one in splits]
        result = _result(planned, destination, [*options.source.warnings, *odd])
        problems = [problem for _one, steps in planned for problem in steps.problems]
        if problems:
            result.failure = problems[0] if len(problems) == 1 else SeveralErrors(problems)
            _take_back(result)
        elif not task.check:
            _change(own, planned, destination, result)
        return result


def _all_packs(source: SourceCopy) -> t.Tuple[t.List[PackPath], t.List[str]]:
    paths, odd = source.paths()
    return [PackPath(path) for path in paths], odd


def _find(source: SourceCopy, asked: t.Sequence[PackPath]) -> t.List[t.Tuple[FoundPack, Choice]]:
    """The packs with the tags that they keep, or all that is wrong with any."""
    collected = Collected()
    found: t.List[t.Tuple[FoundPack, Choice]] = []
    for one in asked:
        with collected.one():
            pack = source.find(one)
            same = next((other for other, _choice in found if other.ref == pack.ref), None)
            if same:
                raise OptionError(
                    f"{same.asked.path} and {pack.asked.path} are both the pack {pack.ref}. Select one with packs.",
                    ref=pack.ref,
                )
            choice = choose_tags(source.tagged(pack), tag_prefixes(pack))
            if choice.problems:
                raise OptionError(" ".join(choice.problems), ref=pack.ref)
            found.append((pack, choice))
    collected.raise_them()
    return found


def _split(
    task: Task,
    own: TaskGit,
    options: SplitOptions,
    program: FilterRepo,
    source: SourceCopy,
    found: t.Sequence[t.Tuple[FoundPack, Choice]],
    destination: Destination,
) -> t.List[SplitPack]:
    collected = Collected()
    splits = []
    for pack, choice in found:
        with collected.one(pack.ref):
            bare = split(own.git, program, source, pack, choice)
            address = options.target(pack.asked, pack.ref)
            if address:
                trust(task, own.book, address)
            header = f"{pack.asked.path} of {strip_urls(options.source.url)}"
            splits.append(
                SplitPack(
                    pack=pack,
                    choice=choice,
                    bare=bare,
                    mapping=bare.mapping(header),
                    outside=tuple(find_outside(own.git, bare)),
                    existing=destination.look(pack.ref),
                    target=look(own.git, address.url, bare) if address else None,
                )
            )
    collected.raise_them()
    return splits


def _result(planned: Planned, destination: Destination, warnings: t.Sequence[str]) -> Result:
    rows = [
        row(one, steps, place=destination.repository(one.ref), mapping=destination.mapping(one.ref))
        for one, steps in planned
    ]
    return Result(
        changed=any(steps.write or steps.push for _one, steps in planned),
        msg=line(planned),
        returned={"packs": rows},
        diff=diff(planned, destination.repository),
        warnings=[*warnings, *(text for one, _steps in planned for text in notes(one))],
    )


def _take_back(result: Result) -> None:
    """Say of everything that nothing was done."""
    result.changed, result.diff = False, []
    for one in result.returned["packs"]:
        one.update(written=False, pushed=False)


def _change(own: TaskGit, planned: Planned, destination: Destination, result: Result) -> None:
    """Write, then push. What failed and what was done is in the result."""
    done = {one.ref: {"written": False, "pushed": False} for one, _steps in planned}
    failures: t.List[St2Error] = []
    try:
        if any(steps.write for _one, steps in planned):
            with destination.alone():
                for one, steps in planned:
                    if steps.write:
                        destination.publish(one.ref, one.bare, one.mapping)
                        done[one.ref]["written"] = True
    except St2Error as error:
        failures.append(error)
    for one, steps in planned:
        if not failures and steps.push and one.target:
            try:
                push(own.git, one.target.url, one.bare)
                done[one.ref]["pushed"] = True
            except St2Error as error:
                error.ref = error.ref or one.ref
                failures.append(error)
    if failures:
        result.failure = failures[0]
        for known in result.returned["packs"]:
            known.update(done[known["ref"]])
        result.changed = any(any(states.values()) for states in done.values())
        result.diff = []
