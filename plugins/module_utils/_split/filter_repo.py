# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""git-filter-repo: what makes the history of one pack of that of a whole repository."""

from __future__ import annotations

import os
import re
import shutil
import sys
import typing as t

from .._errors import OptionError, St2Error, VerifyError
from .._process import ProgramError
from .._source.git_program import failure_reason
from .bare import Bare
from .source import tag_prefixes
from .tags import SIGNATURES

if t.TYPE_CHECKING:
    from .._source.git_program import Git
    from .source import FoundPack, SourceCopy
    from .tags import Choice, KeptTag

_PROGRAM = "git-filter-repo"
_INSTALL = f"pip install {_PROGRAM}"
_LEAST_GIT = (2, 36)
# Of names of tags in one call: there is a limit of what a command line may hold.
_MANY = 500
# git fast-export takes away the first of them only.
_WITHOUT_SIGNATURE = "\n".join(
    (
        f"for mark in {[f'-----BEGIN {mark}-----'.encode() for mark in SIGNATURES]!r}:",
        "  tag.message = (b'\\n' + tag.message).partition(b'\\n' + mark)[0][1:]",
    )
)
_NOTHING = re.compile(r"0+\Z")


class SplitError(St2Error):
    """A repository that cannot be split."""

    default_step = "split"


class FilterRepo:
    """The program.

    :raises OptionError: when it is not there, or git is too old for it.
    """

    def __init__(self, git: Git, environment: t.Mapping[str, str]) -> None:
        path = environment.get("PATH", os.defpath)
        # Of a virtual environment, whose programs are often not in PATH.
        beside = os.path.dirname(sys.executable)
        found = shutil.which(_PROGRAM, path=path) or shutil.which(_PROGRAM, path=beside)
        if found is None:
            raise OptionError(
                f"The program {_PROGRAM} is required to split a repository and is not on this host: {_INSTALL}, or "
                "install the package with that name."
            )
        said = git("version").stdout
        match = re.search(r"([0-9]+)\.([0-9]+)", said)
        if match and tuple(map(int, match.groups())) < _LEAST_GIT:
            raise OptionError(
                f"{_PROGRAM} needs git {'.'.join(map(str, _LEAST_GIT))} or newer, but this is {said.strip()}."
            )
        self._git = git
        self._path = os.pathsep.join([os.path.dirname(found), path])

    def __call__(self, directory: str, *arguments: str) -> None:
        """Rewrite the history of a bare repository, which is one of this run alone."""
        environment = {"PATH": self._path, "PYTHONDONTWRITEBYTECODE": "1"}
        # As a command of git's, so that it gets git's settings of this run.
        self._git(
            *("filter-repo", "--force", "--quiet", "--replace-refs=delete-no-add", "--prune-empty=always"),
            *arguments,
            cwd=directory,
            environment=environment,
        )


def split(git: Git, program: FilterRepo, source: SourceCopy, pack: FoundPack, choice: Choice) -> Bare:
    """The repository of one pack, in the scratch directory, proven to hold what the other has.

    :raises SplitError: when git-filter-repo fails.
    :raises VerifyError: when HEAD or a tag is another tree than in the repository with many packs.
    """
    bare = Bare(git, os.path.join(git.scratch, f"{pack.ref}.git"))
    git("clone", "--quiet", "--bare", "--no-local", "--template=", "--", source.directory, bare.directory)
    _delete_tags(git, bare.directory, [tag.name for tag in choice.dropped])
    try:
        program(bare.directory, *_paths(pack), _renames(pack), f"--tag-callback={_WITHOUT_SIGNATURE}")
    except ProgramError as error:
        raise SplitError(
            f"{_PROGRAM} cannot split {pack.asked.path}: {_reason(error)}.", stderr=error.stderr, ref=pack.ref
        ) from error
    bare.commits = _read_map(bare.directory)
    shutil.rmtree(os.path.join(bare.directory, "filter-repo"), ignore_errors=True)
    bare.read()
    _verify(bare, source, pack, choice.kept)
    bare.drop_branches_without_commits(source.default)
    return bare


def _paths(pack: FoundPack) -> t.Iterator[str]:
    for path in (pack.asked.path, *pack.asked.former_paths):
        yield f"--path={path}/"
        yield f"--path-rename={path}/:"


def _renames(pack: FoundPack) -> str:
    """The argument by which C(a/v1.0.0) becomes C(v1.0.0); all other tags with a slash are gone already."""
    heads = [f"refs/tags/{prefix}".encode() for prefix in tag_prefixes(pack)]
    body = f"head, _, rest = refname.rpartition(b'/')\nreturn b'refs/tags/' + rest if head in {heads!r} else refname"
    return f"--refname-callback={body}"


def _delete_tags(git: Git, directory: str, names: t.Sequence[str]) -> None:
    for start in range(0, len(names), _MANY):
        git("tag", "--delete", "--", *names[start : start + _MANY], cwd=directory)


def _reason(error: ProgramError) -> str:
    """What the program said: its own line, where it ends with a Python traceback."""
    lines = [line for line in error.completed.stderr.splitlines() if line.startswith(("Error:", "Aborting:"))]
    return lines[-1].partition(": ")[2].rstrip(".") if lines else failure_reason(error)


def _read_map(directory: str) -> t.List[t.Tuple[str, str]]:
    """Old and new identifier of each commit that is left."""
    with open(os.path.join(directory, "filter-repo", "commit-map"), encoding="ascii") as stream:
        pairs = [tuple(line.split()) for line in stream]
    return sorted((pair[0], pair[1]) for pair in pairs[1:] if len(pair) == 2 and not _NOTHING.match(pair[1]))


def _verify(bare: Bare, source: SourceCopy, pack: FoundPack, kept: t.Sequence[KeptTag]) -> None:
    """Trees have their content as a name: what is the same has the same identifier in both repositories."""
    head = f"refs/heads/{source.default}"
    if head not in bare.refs:
        raise VerifyError(f"Nothing of {pack.asked.path} is left on the branch {source.default}.", ref=pack.ref)
    wanted = {head: pack.tree, **{f"refs/tags/{tag.name}": tag.tree for tag in kept}}
    wrong = [name for name, tree in wanted.items() if bare.tree(name) != tree]
    if wrong:
        raise VerifyError(
            f"The files of {pack.ref} are not those of {pack.asked.path} at {', '.join(wrong)}: do the former_paths "
            "belong to this pack only?",
            ref=pack.ref,
        )
    extra = [name for name in bare.refs if name.startswith("refs/tags/") and name not in wanted]
    if extra:
        raise VerifyError(f"The repository of {pack.ref} has tags that it must not have: {', '.join(extra)}.")
