# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps a release from being made, and that nothing is left behind then; the stage "docs" makes a whole one."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import release
import yaml
from build_docs import complaints
from environments import ROOT
from release import CannotRelease, addresses, with_addresses

REPOSITORY = "https://git.example.com/stackstorm/st2"
# In place of antsibull-changelog, ansible-galaxy and Python: writes down what it is told, and what these would make.
PROGRAM = """\
#!{python}
import pathlib, sys
name, arguments = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
with open({told!r}, "a") as told:
    print(name, *arguments, file=told)
if pathlib.Path({told!r}).with_name(pathlib.Path(arguments[0]).stem + ".fails").exists():
    sys.exit("It is no good.")
if arguments[0] == "release":
    with open("changelogs/changelog.yaml", "a") as log:
        print("  1.1.0:", file=log)
    for fragment in pathlib.Path("changelogs/fragments").iterdir():
        fragment.unlink()
if arguments[0] == "collection":
    (pathlib.Path(arguments[-1]) / "stackstorm-st2-1.1.0.tar.gz").write_text(open("galaxy.yml").read())
"""


class Project:
    """A repository with version 1.1.0 to release, after 1.0.0."""

    def __init__(self, place: Path) -> None:
        self.root = place / "project"
        self.programs = place / "programs"
        self.told = place / "told"
        self.programs.mkdir()
        for name in ("antsibull-changelog", "ansible-galaxy", "python"):
            (self.programs / name).write_text(PROGRAM.format(python=sys.executable, told=str(self.told)))
            (self.programs / name).chmod(0o755)
        self.write("galaxy.yml", "name: st2\nversion: 1.1.0\ndependencies: {}\nbuild_ignore:\n  - tests\n")
        self.write("changelogs/changelog.yaml", "releases:\n  1.0.0:\n")
        self.write("changelogs/fragments/new.yml", "release_summary: News.\n")
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def git(self, *arguments: str) -> str:
        """Run git."""
        me = {f"GIT_{who}_{what}": "tester" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env={**os.environ, **me}, check=True, capture_output=True
        )
        return done.stdout.decode().strip()

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")

    def state(self) -> tuple[str, ...]:
        """What a release changes."""
        return tuple(
            self.git(*arguments.split()) for arguments in ("rev-parse HEAD", "tag", "worktree list", "status --short")
        )

    def release(self, repository: str = REPOSITORY) -> Path:
        """Make the release."""
        return release.release(self.root, repository, self.programs, self.told.with_name("release"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "tester")
    return Project(tmp_path)


def test_a_release_is_a_commit_a_tag_and_an_archive_of_it(project: Project) -> None:
    before = project.git("rev-parse", "HEAD")
    archive = project.release()
    assert archive.name == "stackstorm-st2-1.1.0.tar.gz"
    assert project.git("rev-parse", "1.1.0^{commit}", "HEAD^") == f"{project.git('rev-parse', 'HEAD')}\n{before}"
    assert project.git("status", "--short") == "" and project.git("symbolic-ref", "--short", "HEAD") == "main"
    galaxy = (project.root / "galaxy.yml").read_text()
    assert yaml.safe_load(galaxy) == {
        "name": "st2",
        "version": "1.1.0",
        "dependencies": {},
        "repository": REPOSITORY,
        "documentation": f"{REPOSITORY}#readme",
        "homepage": REPOSITORY,
        "issues": f"{REPOSITORY}/issues",
        "build_ignore": ["tests"],
    }
    assert archive.read_text() == galaxy
    assert not list((project.root / "changelogs/fragments").glob("*"))
    assert [line.partition(" --")[0] for line in project.told.read_text().splitlines()] == [
        "antsibull-changelog lint",
        "antsibull-changelog release",
        "python tests/toolchain/released_options.py",
        "ansible-galaxy collection build",
    ]


def test_a_changelog_that_was_written_before_is_kept(project: Project) -> None:
    project.write("changelogs/changelog.yaml", "releases:\n  1.0.0:\n  1.1.0:\n")
    (project.root / "changelogs/fragments/new.yml").unlink()
    project.commit()
    project.release()
    assert "antsibull-changelog release" not in project.told.read_text() and project.git("tag") == "1.1.0"


def _is_not_clean(project: Project) -> None:
    project.write("forgotten.py", "")


def _has_the_tag(project: Project) -> None:
    project.git("tag", "1.1.0")


def _has_no_summary(project: Project) -> None:
    project.write("changelogs/fragments/new.yml", "bugfixes: [x]\n")
    project.commit()


def _has_fragments_left(project: Project) -> None:
    project.write("changelogs/changelog.yaml", "releases:\n  1.1.0:\n")
    project.commit()


def _fails(part: str) -> t.Callable[[Project], None]:
    return lambda project: project.told.with_name(f"{part}.fails").touch()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_is_not_clean, "forgotten.py"),
        (_has_the_tag, "There is a tag 1.1.0 already"),
        (_has_no_summary, "Nothing says what 1.1.0 is about"),
        (_has_fragments_left, "fragments that are not in it: new.yml"),
        (_fails("lint"), "antsibull-changelog lint ended with 1: It is no good."),
        (_fails("release"), "antsibull-changelog release ended with 1"),
        (_fails("released_options"), "released_options.py ended with 1"),
        (_fails("collection"), "ansible-galaxy collection build"),
    ],
)
def test_what_cannot_be_released_stays_as_it_was(
    project: Project, spoil: t.Callable[[Project], None], said: str
) -> None:
    spoil(project)
    before = project.state()
    with pytest.raises(CannotRelease) as refused:
        project.release()
    assert said in str(refused.value)
    assert project.state() == before


@pytest.mark.parametrize(
    "repository", ["", "git@github.com:o/r", "http://x.org/o", "https://x.org", f"{REPOSITORY}.git", f"{REPOSITORY}/"]
)
def test_an_address_that_people_cannot_follow_is_refused(project: Project, repository: str) -> None:
    before = project.state()
    with pytest.raises(CannotRelease, match="REPOSITORY is"):
        project.release(repository)
    assert project.state() == before


def test_the_project_has_all_addresses_or_none() -> None:
    """They come with the first release: what Galaxy shows has to be true."""
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert set(addresses(REPOSITORY)) & set(galaxy) in (set(), set(addresses(REPOSITORY)))


def test_a_later_release_replaces_the_addresses() -> None:
    text = (ROOT / "galaxy.yml").read_text(encoding="utf-8")
    once = with_addresses(text, "https://git.example.com/old/place")
    assert with_addresses(once, REPOSITORY) == with_addresses(text, REPOSITORY)
    assert yaml.safe_load(once)["build_ignore"] == yaml.safe_load(text)["build_ignore"]


def test_a_complaint_of_galaxy_is_a_failure_unless_it_is_known_and_still_there() -> None:
    said = "Linting\nWARNING: one thing\nERROR: another\nDone\n"
    assert complaints(said, {}) == ["WARNING: one thing", "ERROR: another"]
    assert complaints(said, {"another": "why", "one thing": "why"}) == []
    assert complaints("Done\n", {"another": "why"}) == ["galaxy-importer no longer says: another"]
