# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Rules about what a repository of a pack holds beside the pack: licence, text, icon, tags, links, requirements."""

from __future__ import annotations

import re
import struct
import typing as t

from ..._content.boundary import boundary_problems
from ..._content.requirements import REQUIREMENTS, read_requirements
from ..._content.versions import is_semver, sort_versions
from ..._printable import printable
from ..finding import Finding
from ..git_refs import read_refs
from ..pack import MOST_ENTRIES, Pack
from ..rule import Rule

LIMIT = Rule("lint-limit", "error", "The whole pack can be checked.", f"at most {MOST_ENTRIES} files")
BOUNDARY = Rule(
    "pack-boundary",
    "error",
    "Nothing in the pack points outside of it, and it only contains files, links and directories, with names in UTF-8.",
    "st2_pack refuses it; st2common/bootstrap/base.py _register_pack_db stores all names",
)
DANGLING = Rule("link-dangling", "warning", "There are no dangling links.", "st2_pack")
ALIKE = Rule("names-alike", "warning", "No names differ only in case.", "case-insensitive file systems")
SUBMODULE = Rule(
    "submodule", "warning", "There are no submodules.", "st2common/util/pack_management.py clone_repo fetches none"
)
LICENSE = Rule("license", "warning", "There is a file LICENSE.", "StackStorm Exchange, Makefile")
APACHE = Rule("license-apache", "info", "The license is Apache 2.0.", "StackStorm Exchange, which takes no other")
README = Rule("readme", "warning", "There is a README.md.", "StackStorm Exchange")
ICON = Rule("icon", "info", "There is an icon.png of 64x64 pixels.", "StackStorm Exchange, index: others are resized")
CHANGES = Rule(
    "changes",
    "info",
    "There is a CHANGES.md or CHANGELOG.md, and it names the version.",
    "StackStorm Exchange, on pull requests",
)
BEHIND = Rule(
    "version-behind",
    "warning",
    "The version is not lower than the highest tag.",
    "StackStorm Exchange, on pull requests and when it tags",
)
UNCHANGED = Rule(
    "version-unchanged",
    "warning",
    "If the version has a tag, the tag points to this commit: another commit needs a higher version.",
    "StackStorm Exchange, on pull requests; StackStorm installs the tag",
)
UNSAFE = Rule(
    "requirements-unsafe",
    "error",
    "requirements.txt uses nothing from the host.",
    "st2_pack refuses it; pip/_internal/req/req_file.py",
)
DEAD = Rule(
    "requirements-git-protocol",
    "error",
    "No requirement is fetched with git:// from GitHub.",
    "GitHub, which has not answered it since 2022",
)
GIT = Rule(
    "requirements-git", "warning", "No requirement is fetched from a repository.", "it is not on a proxy or mirror"
)
UNPINNED = Rule(
    "requirements-unpinned",
    "info",
    "Requirements have versions.",
    "st2common/util/virtualenvs.py: pip installs the newest",
)
RULES = (
    *(LIMIT, BOUNDARY, DANGLING, ALIKE, SUBMODULE, LICENSE, APACHE, README, ICON, CHANGES, BEHIND, UNCHANGED),
    *(UNSAFE, DEAD, GIT, UNPINNED),
)
_KINDS = {"refused": BOUNDARY, "dangling": DANGLING, "alike": ALIKE}
_SUBMODULE_PATH = re.compile(rb"^\s*path\s*=\s*(.+?)\s*$", re.MULTILINE)
_CHANGES = ("CHANGES.md", "CHANGELOG.md")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_SUBMODULES = 50


def check(pack: Pack) -> t.Iterator[Finding]:
    """Check what is beside the pack."""
    if not pack.complete:
        yield LIMIT.at(".", f"the pack has more than {MOST_ENTRIES} files, of which only these were looked at")
    yield from _boundary(pack)
    yield from _submodules(pack)
    yield from _texts(pack)
    yield from _icon(pack)
    yield from _version(pack)
    yield from _requirements(pack)


def _boundary(pack: Pack) -> t.Iterator[Finding]:
    for problem in boundary_problems(pack.directory, skip=pack.skips, most_entries=MOST_ENTRIES):
        yield _KINDS[problem.kind].at(problem.file, problem.message)


def _submodules(pack: Pack) -> t.Iterator[Finding]:
    content = pack.content(".gitmodules") if pack.has(".gitmodules") else None
    for match in list(_SUBMODULE_PATH.finditer(content or b""))[:_MOST_SUBMODULES]:
        path = printable(match.group(1).decode("utf-8", "replace")[:200])
        line = (content or b"").count(b"\n", 0, match.start(1)) + 1
        yield SUBMODULE.at(".gitmodules", f"StackStorm does not fetch the submodule {path}", line)


def _texts(pack: Pack) -> t.Iterator[Finding]:
    if not pack.has("LICENSE"):
        yield LICENSE.at(".", "there is no LICENSE")
    elif b"Apache License" not in (pack.content("LICENSE") or b"")[:1000]:
        yield APACHE.at("LICENSE", "is not the Apache License, which the StackStorm Exchange wants")
    if not pack.has("README.md"):
        yield README.at(".", "there is no README.md")
    changes = next((name for name in _CHANGES if pack.has(name)), None)
    metadata = pack.manifest.metadata if pack.manifest else None
    if changes is None:
        yield CHANGES.at(".", "there is neither a CHANGES.md nor a CHANGELOG.md")
    elif metadata and metadata.version.encode() not in (pack.content(changes) or b""):
        yield CHANGES.at(changes, f"does not mention the version {metadata.version}")


def _icon(pack: Pack) -> t.Iterator[Finding]:
    if not pack.has("icon.png"):
        yield ICON.at(".", "there is no icon.png")
        return
    content = (pack.content("icon.png") or b"")[:24]
    if len(content) < 24 or not content.startswith(_SIGNATURE):
        yield ICON.at("icon.png", "is not a PNG image")
        return
    width, height = struct.unpack(">II", content[16:24])
    if (width, height) != (64, 64):
        yield ICON.at("icon.png", f"has {width}x{height} pixels, not 64x64")


def _version(pack: Pack) -> t.Iterator[Finding]:
    metadata = pack.manifest.metadata if pack.manifest else None
    refs = read_refs(pack.directory) if metadata else None
    if metadata is None or refs is None:
        return
    tags = [name for name in refs.tags if name.startswith("v") and is_semver(name[1:])]
    if not tags or not pack.has("pack.yaml"):
        return
    highest = sort_versions(tags)[0]
    file = pack.yaml("pack.yaml")
    if sort_versions([highest[1:], metadata.version])[0] != metadata.version:
        text = f"the version {metadata.version} is lower than the highest tag, {highest}"
        yield BEHIND.of(file, ("version",), text)
        return
    commit = refs.tags.get(f"v{metadata.version}")
    if commit and refs.head and commit != refs.head:
        text = f"the version {metadata.version} has a tag already, of another commit ({commit[:7]}) than this"
        yield UNCHANGED.of(file, ("version",), text)


def _requirements(pack: Pack) -> t.Iterator[Finding]:
    if not pack.has(REQUIREMENTS):
        return
    found = read_requirements(pack.directory)
    for problem in found.problems:
        yield UNSAFE.at(problem.file, problem.message, problem.line)
    unsafe = {problem.line for problem in found.problems if problem.file == REQUIREMENTS}
    for entry, line in zip(found.entries, found.lines):
        if line in unsafe:
            continue
        shown = printable(entry[:120])
        if re.search(r"git://github\.com", entry):
            yield DEAD.at(REQUIREMENTS, f"{shown} cannot be fetched: GitHub does not support git://", line)
        elif re.search(r"(?:^|[ @])(?:git|hg|svn|bzr)\+", entry):
            yield GIT.at(REQUIREMENTS, f"{shown} is installed from a repository, not from a package index", line)
        elif not entry.startswith("-") and "://" not in entry and not re.search(r"[=<>~!]", entry.partition(";")[0]):
            yield UNPINNED.at(REQUIREMENTS, f"{shown} has no version", line)
