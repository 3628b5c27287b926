# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack_release): from a task to a result."""

from __future__ import annotations

import typing as t

from .._errors import OptionError, St2Error
from .._release.change import Release
from .._release.plan import ReleasePlan, Wanted, make_plan
from .._release.published import Published, observe_remote
from .._release.signing import Signer
from .._release.working_copy import Checkout, observe_checkout
from .._secrets import strip_urls
from .._source.task_git import TaskGit, git_of, trust
from .._task import Result, Task


def release_pack(task: Task) -> Result:
    """Release a pack, if its version is new.

    :raises St2Error: for options that cannot be used and a remote that cannot be reached; what stands against the
        release, and later failures, are in the result.
    """
    with git_of(task) as own:
        return _release(task, own)


def _release(task: Task, own: TaskGit) -> Result:
    params, (git, book, deadline) = task.params, own
    key = params["signing_key"]
    signer = Signer(key, git, deadline=deadline, environment=task.environment) if key else None
    checkout = observe_checkout(git, params["path"], remote=params["remote"], tagger=params["tagger"])
    trust(task, book, checkout.address)
    published = observe_remote(git, checkout, params["branch"])
    plan = make_plan(
        checkout,
        published,
        Wanted(params["maintenance"], params["fail_on_unreleased"], signs=bool(signer)),
    )
    result = _result(checkout, published, plan)
    if plan.problems:
        result.failure = _refusal(plan)
    elif plan.release and not task.check:
        release = Release(git, checkout, branch=published.branch or "", tag=plan.tag or "", signer=signer)
        try:
            _change(release, checkout, plan, params["tag_message"], result)
        except St2Error as error:
            result.failure = error
            result.changed = False
            result.returned.update(released=False, commit=None)
            result.diff = []
    return result


def _change(release: Release, checkout: Checkout, plan: ReleasePlan, message: t.Optional[str], result: Result) -> None:
    release.make(message or _default_message(checkout), plan.adopt)
    if not release.push():
        result.changed = False
        result.diff = []
        result.msg += ", by another run meanwhile"
        return
    local = checkout.tags.get(plan.tag or "")
    unkept = release.keep(local.identifier if local else None)
    if unkept:
        result.warnings.append(unkept)


def _default_message(checkout: Checkout) -> str:
    metadata = checkout.metadata
    return f"{metadata.ref} {metadata.version}" if metadata else ""


def _result(checkout: Checkout, published: Published, plan: ReleasePlan) -> Result:
    metadata = checkout.metadata
    will_be = plan.release and not plan.problems
    commit = checkout.head if will_be else published.tagged
    url = strip_urls(checkout.address.url)
    after = f"{plan.tag} {checkout.head}\n" if will_be else ""
    return Result(
        changed=will_be,
        msg=plan.line,
        returned={
            "url": url,
            "branch": published.branch,
            "ref": metadata.ref if metadata else None,
            "version": metadata.version if metadata else None,
            "head": checkout.head,
            "tag": plan.tag,
            "commit": commit,
            "released": commit == checkout.head,
            "previous": plan.previous,
            "problems": list(plan.problems),
        },
        diff=[{"before_header": f"tags of {url}", "after_header": f"tags of {url}", "before": "", "after": after}]
        if will_be
        else [],
        warnings=list(plan.warnings) if will_be else [],
    )


def _refusal(plan: ReleasePlan) -> St2Error:
    """All that stands against a release, in one sentence or a numbered list."""
    problems = plan.problems
    if len(problems) == 1:
        return OptionError(problems[0], step="validate")
    listed = " ".join(f"({number}) {problem}" for number, problem in enumerate(problems, 1))
    return OptionError(f"{len(problems)} problems prevent the release: {listed}", step="validate")
