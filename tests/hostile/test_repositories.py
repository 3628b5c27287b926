# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Git repositories with settings, hooks, names and objects that mean harm."""

from __future__ import annotations

import os
import typing as t

import pytest
from hostile.arena import VICTIM, Arena
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, run_git
from infrastructure.repositories.raw_objects import read_tree, write_commit, write_object, write_tree

SETTINGS: t.Mapping[str, str] = {
    "fsmonitor": "[core]\n\tfsmonitor = PAYLOAD\n",
    "ssh-command": "[core]\n\tsshCommand = PAYLOAD\n",
    "git-proxy": "[core]\n\tgitProxy = PAYLOAD\n",
    "hooks-path": "[core]\n\thooksPath = HOOKS\n",
    "editor": "[core]\n\teditor = PAYLOAD\n\tpager = PAYLOAD\n\taskPass = PAYLOAD\n",
    "alternate-refs": "[core]\n\talternateRefsCommand = PAYLOAD\n",
    "worktree": "[core]\n\tbare = false\n\tworktree = OUTSIDE\n",
    "include": "[include]\n\tpath = EVIL\n",
    "include-if": '[includeIf "gitdir:/"]\n\tpath = EVIL\n',
    "pack-hook": "[uploadpack]\n\tpackObjectsHook = PAYLOAD\n",
    "helper": "[credential]\n\thelper = !PAYLOAD\n",
    "pager": "[pager]\n\tlog = PAYLOAD\n\tupload-pack = PAYLOAD\n\tstatus = PAYLOAD\n",
    "alias": "[alias]\n\tupload-pack = !PAYLOAD\n\tstatus = !PAYLOAD\n\tread-tree = !PAYLOAD\n",
    "external-diff": "[diff]\n\texternal = PAYLOAD\n",
    "filter": '[filter "evil"]\n\tclean = PAYLOAD\n\tsmudge = PAYLOAD\n\tprocess = PAYLOAD\n\trequired = true\n',
    "promisor": '[extensions]\n\tpartialClone = evil\n[remote "evil"]\n\tpromisor = true\n\turl = .\n\tuploadpack = PAYLOAD\n',
    "remote-helper": '[remote "origin"]\n\turl = ext::PAYLOAD\n\tvcs = ext\n[protocol "ext"]\n\tallow = always\n',
    "instead-of": '[url "ext::PAYLOAD "]\n\tinsteadOf = file://\n\tinsteadOf = /\n[protocol]\n\tallow = always\n',
    "signing": "[gpg]\n\tprogram = PAYLOAD\n[log]\n\tshowSignature = true\n",
    "trace": "[trace2]\n\teventTarget = OUTSIDE/trace\n\tnormalTarget = OUTSIDE/trace\n",
    "submodule": '[submodule]\n\trecurse = true\n[submodule "x"]\n\tupdate = !PAYLOAD\n\turl = ext::PAYLOAD\n',
    "broken": "[core\n",
    "gc": "[gc]\n\tauto = 1\n\trecentObjectsHook = PAYLOAD\n[maintenance]\n\tauto = true\n",
}
"""Settings of a repository of somebody else."""

ATTRIBUTES = "* filter=evil diff=evil merge=evil working-tree-encoding=UTF-16 ident export-subst\n"


def armed(arena: Arena, text: str) -> str:
    evil = arena.folder() / "evil"
    evil.write_text(f"[core]\n\tfsmonitor = {arena.payload()}\n\tsshCommand = {arena.payload()}\n")
    hooks = arena.folder()
    for name in HOOKS:
        (hooks / name).symlink_to(arena.payload())
    for name, value in (("PAYLOAD", arena.payload()), ("EVIL", evil), ("HOOKS", hooks), ("OUTSIDE", arena.outside)):
        text = text.replace(name, str(value))
    return text


HOOKS = (
    "post-checkout",
    "post-merge",
    "pre-commit",
    "reference-transaction",
    "fsmonitor-watchman",
    "post-index-change",
)
HOOKS += ("pre-auto-gc", "update", "pre-receive", "proc-receive", "push-to-checkout", "pre-push", "post-rewrite")


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_the_source(arena: Arena, name: str) -> None:
    repository = arena.repository(ref="newcomer")
    with (repository.path / "config").open("a") as config:
        config.write(armed(arena, SETTINGS[name]))
    execution = arena.run({"name": [f"file://{repository.path}"]}, allowed=["packs/newcomer"])
    assert execution.failed == (name == "broken"), execution["msg"]
    if execution.failed:
        assert execution["step"] == "fetch" and "cannot be fetched" in execution["msg"]
        assert arena.host.installed() == [VICTIM]
    else:
        own = (arena.host.packs / "newcomer" / ".git" / "config").read_text()
        assert arena.payload() not in own and str(arena.outside) not in own


@pytest.mark.parametrize("state", ["checked-out", "bare"])
def test_hooks_of_the_source(arena: Arena, state: str) -> None:
    repository = arena.repository(ref="newcomer")
    path = repository.path
    if state == "checked-out":
        path = arena.folder() / "newcomer"
        run_git("clone", "--quiet", repository.path, path)
        (path / "uncommitted").write_text("x")
    (path / (".git" if state == "checked-out" else "") / "hooks").mkdir(exist_ok=True)
    for name in HOOKS:
        (path / (".git" if state == "checked-out" else "") / "hooks" / name).symlink_to(arena.payload())
    arena.accept({"name": [str(path)]}, "newcomer")
    assert not (arena.host.packs / "newcomer" / ".git" / "hooks").exists()


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_a_pack_that_is_installed(arena: Arena, name: str) -> None:
    """The members of st2packs may write there: looking at edits, upgrades and removals must not obey them."""
    repository = GitRepository(arena.folder() / "stackstorm-newcomer.git")
    repository.release(PackTree("newcomer", "1.0.0", minimal=True))
    repository.release(
        t.cast(PackTree, PackTree("newcomer", "2.0.0", minimal=True).add(".gitattributes", "* filter=evil diff=evil\n"))
    )
    repository.build()
    pack = arena.host.packs / "newcomer"
    run_git("clone", "--quiet", f"file://{repository.path}", pack)
    run_git("-C", pack, "reset", "--quiet", "--hard", "v1.0.0")
    (pack / "actions" / "report.py").write_text("edited")
    (pack / ".gitattributes").write_text(ATTRIBUTES)
    (pack / ".git" / "info").mkdir(exist_ok=True)
    (pack / ".git" / "info" / "attributes").write_text(ATTRIBUTES)
    with (pack / ".git" / "config").open("a") as config:
        config.write(armed(arena, SETTINGS[name]))
    for hook in HOOKS:
        (pack / ".git" / "hooks").mkdir(exist_ok=True)
        (pack / ".git" / "hooks" / hook).symlink_to(arena.payload())
    request = f"file://{repository.path}"
    arena.run({"name": ["newcomer"]}, module="st2_pack_info")
    arena.run({"name": [f"{request}=1.0.0"], "verify": "content"}, check=True)
    arena.run({"name": [f"{request}=2.0.0"]}, allowed=["packs/newcomer"])
    assert arena.host.pack_version("newcomer") == "2.0.0"
    arena.run({"name": ["newcomer"], "state": "absent"}, allowed=["packs/newcomer"])
    assert arena.host.installed() == [VICTIM]


@pytest.mark.parametrize("attributes", [ATTRIBUTES, "[attr]binary filter=evil\n", "* filter=lfs diff=lfs -text\n"])
def test_attributes_of_the_pack(arena: Arena, attributes: str) -> None:
    tree = PackTree("newcomer", "1.0.0", minimal=True).add(".gitattributes", attributes.replace("UTF-16", "UTF-8"))
    tree.add(".gitconfig", f'[filter "evil"]\n\tsmudge = {arena.payload()}\n')
    repository = arena.repository(t.cast(PackTree, tree), "newcomer")
    arena.accept({"name": [f"file://{repository.path}"]}, "newcomer")


MODULES: t.Mapping[str, str] = {
    "ext": '[submodule "x"]\n\tpath = x\n\turl = ext::PAYLOAD\n\tupdate = !PAYLOAD\n',
    "option": '[submodule "x"]\n\tpath = x\n\turl = --upload-pack=PAYLOAD\n',
    "option-path": '[submodule "x"]\n\tpath = -x\n\turl = /x\n',
    "climbing-name": '[submodule "../../x"]\n\tpath = x\n\turl = /x\n',
    "git-path": '[submodule "x"]\n\tpath = .git/hooks\n\turl = /x\n',
    "newline": '[submodule "x"]\n\tpath = "x\\n"\n\turl = "-u./PAYLOAD"\n',
    "broken": "[submodule\n",
}


@pytest.mark.parametrize("name", MODULES)
def test_submodules(arena: Arena, name: str) -> None:
    tree = PackTree("newcomer", "1.0.0", minimal=True).add(".gitmodules", armed(arena, MODULES[name]))
    tree.submodule("x", "0123456789" * 4)
    repository = arena.repository(t.cast(PackTree, tree), "newcomer")
    arena.accept({"name": [f"file://{repository.path}"]}, "newcomer")
    assert list((arena.host.packs / "newcomer" / "x").iterdir()) == []


TREES: t.Mapping[str, t.Tuple[t.List[t.Tuple[str, bytes]], str]] = {
    "git": ([("40000", b".git")], "invalid path|cannot be checked out"),
    "git-upper": ([("40000", b".GIT")], "invalid path"),
    "git-file": ([("100644", b".git")], "invalid path|cannot be checked out"),
    "git-link": ([("120000", b".git")], "invalid path|cannot be checked out"),
    "dots": ([("40000", b"..")], "invalid path|cannot be checked out"),
    "dot": ([("40000", b".")], "invalid path|cannot be checked out"),
    "empty": ([("100644", b"")], "empty filename|cannot be"),
    "slash": ([("100644", b"../x")], "invalid path|cannot be checked out|slash"),
    "absolute": ([("100644", b"/etc/x")], "invalid path|cannot be checked out|slash"),
    "git-below": ([("40000", b"a/.git")], "invalid path|cannot be checked out|slash"),
    "link-and-directory": ([("120000", b"x"), ("40000", b"x")], ""),  # The directory takes the place of the link.
    "directory-and-link": ([("40000", b"x"), ("120000", b"x")], "cannot be checked out|leads out"),
    "modules-link": ([("120000", b".gitmodules")], "cannot be|leads out"),
    "attributes-link": ([("120000", b".gitattributes")], "leads out"),
    "mode": ([("100777", b"x")], ""),
    "mode-setuid": ([("104755", b"x")], ""),
    "not-utf-8": ([("100644", b"\xff\xfe")], "not a name in UTF-8"),
    "long-name": ([("100644", b"x" * 300)], "cannot be checked out|too long"),
    "unknown-object": ([("100644", b"x")], "cannot be"),
}


@pytest.mark.parametrize("name", TREES)
def test_a_tree_that_no_git_would_make(arena: Arena, name: str) -> None:
    entries, says = TREES[name]
    ref = VICTIM if says else "newcomer"
    repository = arena.repository(ref=ref)
    blob = write_object(repository, "blob", f"#!/bin/sh\n{arena.payload()}\n".encode())
    link = write_object(repository, "blob", str(arena.outside / "directory").encode())
    below = write_tree(repository, [("100755", b"post-checkout", blob)])
    objects = {"40000": below, "120000": link}
    made = [(mode, text, objects.get(mode, blob)) for mode, text in entries]
    if name == "unknown-object":
        made = [("100644", b"x", "1" * 40)]
    write_commit(repository, write_tree(repository, [*made, *read_tree(repository)]))
    arguments = {"name": [f"file://{repository.path}"]}
    arena.refuse(arguments, says) if says else arena.accept(arguments, ref)


@pytest.mark.parametrize("branch", ["-f", "--orphan=x", "--upload-pack=x", "HEAD", "a/-b", "refs/heads/x", "\u202ex"])
@pytest.mark.parametrize("way", ["default", "asked"])
def test_the_name_of_a_branch(arena: Arena, branch: str, way: str) -> None:
    repository = arena.repository(ref="newcomer")
    path = repository.path / "refs" / "heads" / branch
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{repository.head.sha}\n")
    if way == "default":
        (repository.path / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
        execution = arena.run({"name": [f"file://{repository.path}"]}, allowed=["packs/newcomer"])
        assert not execution.failed or execution["step"] == "fetch", execution["msg"]
        return
    execution = arena.run(
        {"packs": [{"source": f"file://{repository.path}", "version": branch}]}, allowed=["packs/newcomer"]
    )
    assert execution.failed == (branch[0] == "-" or not branch.isprintable()), execution["msg"]


HEADS: t.Mapping[str, str] = {
    "nothing": "",
    "circle": "ref: HEAD\n",
    "climbing": "ref: refs/heads/../../../../etc/passwd\n",
    "outside": "ref: ../../etc/passwd\n",
    "newline": "ref: refs/heads/main\nref: refs/heads/x\n",
    "no-branch": "ref: refs/heads/nothing\n",
    "no-commit": "1" * 40 + "\n",
    "text": "x" * 100_000,
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_that_is_none(arena: Arena, name: str) -> None:
    repository = arena.repository()
    (repository.path / "HEAD").write_text(HEADS[name])
    arena.run({"name": [f"file://{repository.path}"]}, check=True)


BOMBS = ("files", "bytes", "deep", "long")


@pytest.mark.parametrize("kind", BOMBS)
def test_a_few_objects_that_stand_for_too_much(arena: Arena, kind: str) -> None:
    repository = arena.repository()
    blob = write_object(repository, "blob", b"\0" * (8 << 20 if kind == "bytes" else 1))
    many = 20 if kind in ("files", "bytes") else 1
    level = write_tree(repository, [("100644", b"%02d" % number, blob) for number in range(many)])
    for _level in range({"files": 8, "bytes": 2, "deep": 1200, "long": 101}[kind]):
        name = b"x" * (200 if kind == "long" else 1)
        level = write_tree(repository, [("40000", name + b"%02d" % number, level) for number in range(many)])
    write_commit(repository, write_tree(repository, [*read_tree(repository), ("40000", b"zz", level)]))
    says = {"files": "more files, or longer names", "bytes": "more than 1024 MiB"}
    arena.refuse({"name": [f"file://{repository.path}"]}, says.get(kind, "a path of more than|cannot be listed"))


def test_one_large_object_takes_little_memory(arena: Arena) -> None:
    repository = arena.repository(ref="newcomer")
    blob = write_object(repository, "blob", b"\0" * (80 << 20))
    write_commit(repository, write_tree(repository, [*read_tree(repository), ("100644", b"zz", blob)]))
    arena.accept({"name": [f"file://{repository.path}"]}, "newcomer", most_kib=75 << 10)


def test_a_damaged_object(arena: Arena) -> None:
    repository = arena.repository()
    for path in (repository.path / "objects").rglob("*.pack"):
        path.chmod(0o644)
        os.truncate(path, path.stat().st_size // 2)
    arena.refuse({"name": [f"file://{repository.path}"]}, "cannot be fetched", step="fetch")
