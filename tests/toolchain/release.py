# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a release: C(release.py https://github.com/OWNER/REPOSITORY), or C(make release REPOSITORY=...).

The version is that of C(galaxy.yml), which gets the addresses of the project here and has none before. The fragments
become the changelog, both are committed and tagged with the version, and the archive for Galaxy is built of that
commit, in C(.cache/release). All of it happens in a worktree of its own: the branch and the tag are set when the
archive is there, so what fails leaves nothing behind. Nothing is pushed or published.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

from environments import CACHE, ROOT, CannotPrepare, tools_environment

RELEASE = CACHE / "release"
ADDRESS = re.compile(r"https://[\w.-]+(/[\w.-]+)+")


class CannotRelease(Exception):
    """What keeps the checkout from being released; the message says what to do."""


def addresses(repository: str) -> dict[str, str]:
    """The fields of C(galaxy.yml) that say where the project is.

    :arg repository: Where people see it, without C(.git) and a slash at the end.
    :raises CannotRelease: when that is not an address.
    """
    if not ADDRESS.fullmatch(repository) or repository.endswith(".git"):
        raise CannotRelease(
            f"REPOSITORY is {repository or 'not given'}. It has to be where people see the project, such as "
            "https://github.com/OWNER/REPOSITORY, without .git or a slash at the end."
        )
    return {
        "repository": repository,
        "documentation": f"{repository}#readme",
        "homepage": repository,
        "issues": f"{repository}/issues",
    }


def with_addresses(text: str, repository: str) -> str:
    """The text of C(galaxy.yml) with the addresses of the project, those of an earlier release replaced.

    :raises CannotRelease: as L(addresses).
    """
    fields = addresses(repository)
    kept = [line for line in text.splitlines(keepends=True) if line.partition(":")[0] not in fields]
    place = kept.index("build_ignore:\n")
    return "".join([*kept[:place], *(f"{name}: {value}\n" for name, value in fields.items()), *kept[place:]])


def field(text: str, name: str) -> str:
    """The value of a field of C(galaxy.yml) that stands on one line."""
    return re.findall(rf"(?m)^{name}: (.+)$", text)[0]


def release(root: Path, repository: str, programs: Path, place: Path) -> Path:
    """Release what is checked out in a repository, and return the archive.

    :arg programs: Where antsibull-changelog and ansible-galaxy are, and a Python with PyYAML.
    :arg place: A directory for the archive; what is in it goes.
    :raises CannotRelease: when something keeps it from being released; the repository is as it was then.
    """
    addresses(repository)
    version = field((root / "galaxy.yml").read_text(encoding="utf-8"), "version")
    if changed := _git(root, "status", "--porcelain"):
        raise CannotRelease(f"The tree is not clean. Commit or remove these, and try again:\n{changed}")
    if _git(root, "tag", "--list", version):
        raise CannotRelease(f"There is a tag {version} already. Set the next version in galaxy.yml.")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    tree = place / "tree"
    _git(root, "worktree", "add", "--quiet", "--detach", str(tree), "HEAD")
    try:
        galaxy = tree / "galaxy.yml"
        galaxy.write_text(with_addresses(galaxy.read_text(encoding="utf-8"), repository), encoding="utf-8")
        _write_changelog(tree, version, programs)
        _run(tree, programs / "python", "tests/toolchain/released_options.py")
        _git(tree, "add", "--all")
        _git(tree, "commit", "--quiet", "--allow-empty", "--message", f"Release {version}")
        commit = _git(tree, "rev-parse", "HEAD")
        _run(tree, programs / "ansible-galaxy", "collection", "build", "--output-path", str(place))
    finally:
        _git(root, "worktree", "remove", "--force", str(tree))
    (archive,) = place.glob(f"*-{version}.tar.gz")
    _git(root, "merge", "--quiet", "--ff-only", commit)
    _git(root, "tag", "--annotate", "--message", f"Release {version}", version, commit)
    return archive


def _write_changelog(tree: Path, version: str, programs: Path) -> None:
    """Make the changelog of the fragments, unless that was done before; and look that it is whole."""
    antsibull = programs / "antsibull-changelog"
    _run(tree, antsibull, "lint")
    log = tree / "changelogs" / "changelog.yaml"
    written = re.compile(rf"(?m)^  {re.escape(version)}:$")
    fragments = sorted((tree / "changelogs" / "fragments").glob("*.y*ml"))
    if not written.search(log.read_text(encoding="utf-8")):
        if not any("release_summary:" in fragment.read_text(encoding="utf-8") for fragment in fragments):
            raise CannotRelease(
                f"Nothing says what {version} is about. Add a fragment with a release_summary to changelogs/fragments."
            )
        _run(tree, antsibull, "release")
    elif fragments:
        raise CannotRelease(
            f"The changelog has {version}, and there are fragments that are not in it: "
            f"{', '.join(fragment.name for fragment in fragments)}. Set the next version in galaxy.yml, or remove "
            f"{version} from changelogs/changelog.yaml."
        )


def _git(root: Path, *arguments: str) -> str:
    return _run(root, "git", *arguments)


def _run(root: Path, program: str | Path, *arguments: str) -> str:
    """What a program writes. Raises CannotRelease with its own words."""
    here = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_DIR", "GIT_WORK_TREE"))}
    done = subprocess.run(
        [str(program), *arguments], cwd=root, env=here, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        words = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise CannotRelease(f"{Path(program).name} {' '.join(arguments)} ended with {done.returncode}: {words}")
    return done.stdout.decode(errors="replace").strip()


def main(arguments: t.Sequence[str]) -> str | None:
    """Make the release. Returns what kept it from being made."""
    repository = arguments[0] if arguments else ""
    try:
        addresses(repository)
        archive = release(ROOT, repository, tools_environment(), RELEASE)
    except (CannotRelease, CannotPrepare) as problem:
        return str(problem)
    version = field((ROOT / "galaxy.yml").read_text(encoding="utf-8"), "version")
    sys.stdout.write(
        f"Release {version} is committed and tagged, and {archive} is built of it. Publish both:\n"
        f"  git push origin HEAD {version}\n  ansible-galaxy collection publish {os.path.relpath(archive)}\n"
    )
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
