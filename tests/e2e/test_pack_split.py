# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""st2_pack_split end to end: the repositories that come out, and what they must not hold."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from e2e.scene import warnings
from infrastructure.ansible_run import ModuleResult, run_module_directly
from infrastructure.environment import clean_environment
from infrastructure.packs import PackTree, Tree
from infrastructure.repositories import GitRepository
from infrastructure.repositories.git_repository import run_git
from infrastructure.servers import CertificateAuthority, GitHttpsServer
from infrastructure.snapshot import take_snapshot
from infrastructure.warm_modules import warm_modules

TOKEN = "c4nary-t0ken"


def small(ref: str, version: str, **pack: t.Any) -> PackTree:
    return PackTree(ref, version, minimal=True, **pack)


class Monorepo:
    """A repository with packs below C(packs), and a directory for what becomes of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repository = GitRepository(root / "many.git")
        self.dest = root / "split"
        self.tree = Tree({"README.md": "Many packs.\n"})
        (root / "home").mkdir()

    def put(self, path: str, pack: Tree) -> Tree:
        """Change the files of one pack for the next commit."""
        if any(name.startswith(f"{path}/") for name in self.tree.files):
            self.tree.remove(path)
        return self.tree.mount(path, pack)

    def commit(self, path: str, pack: PackTree, tag: str = "", annotated: bool = False, **more: t.Any) -> str:
        """Commit a pack at a path and return what stands for the commit."""
        commit = self.repository.commit(self.put(path, pack), f"{pack.ref} {pack.version}", **more)
        if tag:
            self.repository.tag(tag, commit, annotated)
        return tag

    def run(self, check: bool = False, env: t.Optional[t.Mapping[str, str]] = None, **given: t.Any) -> ModuleResult:
        """Run the module."""
        self.repository.build()
        arguments = {"repo": str(self.repository.path), "dest": str(self.dest), **given}
        env = {**clean_environment(self.root / "home"), **(env or {})}
        return warm_modules.run("st2_pack_split", arguments, check=check, diff=True, env=env)

    def converge(self, **given: t.Any) -> ModuleResult:
        """Check, run, check again, run again; only the first run changes anything, and the check has said so."""
        self.repository.build()
        before = take_snapshot(self.root)
        predicted = self.run(check=True, **given)
        assert take_snapshot(self.root) == before, "check mode changed something"
        done = self.run(**given)
        assert not done.failed and done.changed, done.everything
        assert {key: predicted.get(key) for key in ("msg", "changed", "diff")} == {
            key: done.get(key) for key in ("msg", "changed", "diff")
        }
        for one, other in zip(predicted["packs"], done["packs"]):
            assert {**one, "size": 0} == {**other, "size": 0}
        settled = take_snapshot(self.dest, identity=True)
        for check in (True, False):
            again = self.run(check=check, **given)
            assert not again.failed and not again.changed, again.everything
        assert take_snapshot(self.dest, identity=True) == settled
        return done

    def refused(self, *texts: str, **given: t.Any) -> ModuleResult:
        """It fails with these words, in check mode too, and nothing is another than before."""
        self.repository.build()
        before = take_snapshot(self.root)
        for check in (True, False):
            done = self.run(check=check, **given)
            assert done.failed and not done.changed, done.everything
            assert all(text in done["msg"] for text in texts), done["msg"]
        assert take_snapshot(self.root) == before
        return done

    def git(self, ref: str, *arguments: str) -> str:
        """Run git in one of the results."""
        return run_git("-C", self.dest / f"{ref}.git", *arguments)

    def refs(self, ref: str) -> t.List[str]:
        """The names of the refs of a result."""
        return self.git(ref, "for-each-ref", "--format=%(refname)").splitlines()


@pytest.fixture
def many(tmp_path: Path) -> Monorepo:
    return Monorepo(tmp_path)


def row(done: ModuleResult, ref: str) -> t.Dict[str, t.Any]:
    return next(one for one in done["packs"] if one["ref"] == ref)


def test_two_packs_with_their_history(many: Monorepo) -> None:
    many.commit("packs/a", small("a", "1.0.0"), "v1.0.0", annotated=True)
    many.commit("packs/b", small("b", "1.1.0"), "v1.1.0")
    many.repository.commit(many.tree, "Nothing")
    many.commit("packs/a", small("a", "1.2.0"), "a/v1.2.0", annotated=True)
    many.commit("packs/b", small("b", "1.2.0"), "b/v1.2.0")
    many.repository.branch("theirs", many.repository.commits[0])
    feature = many.repository.commit(many.put("packs/a", small("a", "2.0.0")), branch="next")
    many.put("packs/a", small("a", "1.2.0"))
    done = many.converge()
    assert done["msg"] == "a (3 commits, 2 tags, written), b (2 commits, 2 tags, written)"
    assert many.refs("a") == ["refs/heads/main", "refs/heads/next", "refs/tags/v1.0.0", "refs/tags/v1.2.0"]
    assert many.refs("b") == ["refs/heads/main", "refs/tags/v1.1.0", "refs/tags/v1.2.0"]
    first = row(done, "a")
    assert first["dropped_branches"] == ["theirs"] and first["branches"] == ["main", "next"]
    assert {one["name"]: one["reason"] for one in first["dropped_tags"]} == {
        "v1.1.0": "pack.yaml has the version 1.0.0 there",
        "b/v1.2.0": "it is not a version of this pack",
    }
    assert [(one["was"], one["name"]) for one in first["tags"]] == [("v1.0.0", "v1.0.0"), ("a/v1.2.0", "v1.2.0")]
    for ref in ("a", "b"):
        # Trees with the same files have the same name.
        assert many.git(ref, "rev-parse", "HEAD^{tree}") == run_git(
            "-C", many.repository.path, "rev-parse", f"main:packs/{ref}"
        )
        assert many.git(ref, "fsck", "--full") == "" and "filter-repo" not in os.listdir(many.dest / f"{ref}.git")
        assert str(many.root) not in (many.dest / f"{ref}.git" / "config").read_text()
        assert str(many.root) not in (many.dest / f"{ref}.git" / "packed-refs").read_text()
    assert many.git("a", "log", "--format=%s|%an|%at", "main").splitlines()[0].startswith("a 1.2.0|A. Tester|16000")
    assert "tag v1.2.0" in many.git("a", "cat-file", "tag", "v1.2.0")
    pairs = [line.split() for line in (many.dest / "a.SPLIT.txt").read_text().splitlines() if line[0] != "#"]
    assert len(pairs) == 3 and dict(pairs)[feature.sha] == many.git("a", "rev-parse", "next")
    assert first["authors"] == [{"author": "A. Tester <tester@example.com>", "commits": 3}]
    assert 1000 < first["size"] < 1_000_000 and first["head"] == many.git("a", "rev-parse", "HEAD")


def test_the_repository_goes_on(many: Monorepo) -> None:
    many.commit("packs/a", small("a", "1.0.0"), "v1.0.0")
    many.converge()
    before = many.git("a", "rev-parse", "HEAD")
    many.commit("packs/a", small("a", "1.1.0"), "v1.1.0")
    done = many.converge()
    assert many.git("a", "rev-parse", "HEAD~1") == before and "refs/tags/v1.1.0" in many.refs("a")
    assert done["diff"][0]["before"].startswith(before)
    assert sorted(os.listdir(many.dest)) == ["a.SPLIT.txt", "a.git"]
    # Somebody works in what came out.
    many.git("a", "update-ref", "refs/heads/mine", "HEAD")
    done = many.refused("has what the source repository does not have (refs/heads/mine)", "not overwritten")
    assert not row(done, "a")["written"]
    many.git("a", "update-ref", "-d", "refs/heads/mine")
    (many.dest / "a.SPLIT.txt").unlink()
    assert many.run().changed and (many.dest / "a.SPLIT.txt").exists()
    (many.dest / "b.git").write_text("mine")
    many.commit("packs/b", small("b", "1.0.0"))
    many.refused("b.git is not a bare repository, and is not overwritten")


def test_tags_that_would_be_one(many: Monorepo) -> None:
    many.commit("packs/a", small("a", "1.0.0"), "v1.0.0")
    many.repository.tag("a/v1.0.0")
    many.commit("packs/b", small("b", "1.0.0"))
    assert [one["was"] for one in row(many.converge(), "a")["tags"]] == ["a/v1.0.0"], "the pack differs between them"
    many.commit("packs/a", small("a", "1.0.0", actions=("other",)), "1.0.0")
    many.refused("The tags a/v1.0.0 and 1.0.0 would both be 1.0.0", "Remove the one that is not a release")


def test_a_pack_that_was_elsewhere(many: Monorepo) -> None:
    many.commit("contrib/dns", PackTree("acme_dns", "1.0.0"), "v1.0.0")
    many.tree.remove("contrib/dns")
    many.commit("packs/acme_dns", PackTree("acme_dns", "1.0.0"))
    many.commit("packs/acme_dns", PackTree("acme_dns", "1.1.0"), "v1.1.0")
    done = many.converge()
    found = row(done, "acme_dns")
    assert found["former_paths_found"] == ["contrib/dns"] and found["commits"] == 2
    assert [one["name"] for one in found["tags"]] == ["v1.1.0"]
    assert "git found that it was in contrib/dns before" in str(warnings(done))
    whole = many.dest = many.root / "whole"
    packs = [{"path": "packs/acme_dns", "former_paths": ["contrib/dns"], "name": "acme_dns"}]
    found = row(many.converge(packs=packs), "acme_dns")
    assert found["former_paths_found"] == [] and [one["name"] for one in found["tags"]] == ["v1.0.0", "v1.1.0"]
    # A move that changes nothing is no commit any more.
    assert found["commits"] == 2 and whole.exists()
    wrong = [{"path": "packs/acme_dns", "former_paths": ["contrib/dns", "packs/b"]}]
    many.commit("packs/b", PackTree("b", "1.1.0"), "b/v1.1.0")
    many.dest = many.root / "wrong"
    many.refused("is in packs/acme_dns and packs/b at the tag", packs=wrong)


def test_directories_that_are_no_packs(many: Monorepo) -> None:
    many.commit("packs/a", small("a", "1.0.0"))
    many.repository.commit(many.tree.add("lib/x.py", "x = 1\n"))
    many.refused("There is no lib/pack.yaml on the branch main", packs=[{"path": "lib"}])
    many.refused("(1) There is no nowhere", "(2) The pack in packs/a is a, and b was asked for",
                 packs=[{"path": "nowhere"}, {"path": "packs/a", "name": "b"}])  # fmt: skip
    for path in ("/packs/a", "../a", "", ".", "packs/../a", "a:b", "-a", "packs/\na", ".git"):
        many.refused('The path "', "cannot be used", packs=[{"path": path}])
    many.refused("is listed twice", packs=[{"path": "packs/a"}, {"path": "packs/a/"}])
    many.refused("lies in packs", packs=[{"path": "packs"}, {"path": "packs/a"}])
    many.refused("packs is an empty list", packs=[])
    many.refused("all packs would be pushed to one", repo_url="https://git.example.com/x.git")
    many.refused("push requires repo_url", push=True)
    many.refused("The pack at packs/a has no url to push to", push=True, packs=[{"path": "packs/a"}])
    many.refused("TRANSPORT::ADDRESS", repo="ext::/bin/sh")
    many.refused("cannot be fetched", repo=str(many.root / "nowhere.git"))


def test_one_pack_and_no_pack(many: Monorepo) -> None:
    many.repository.commit(small("a", "1.0.0"))
    many.refused("pack.yaml is at its root, so it is a single pack already")
    many.repository.commit(Tree({"README.md": "x"}))
    many.refused("has no directory with a pack.yaml.")


def test_the_same_pack_twice(many: Monorepo) -> None:
    many.commit("packs/a", small("a", "1.0.0"))
    many.commit("old/a", small("a", "0.9.0"))
    many.refused("old/a and packs/a are both the pack a. Select one with packs")
    assert [one["path"] for one in many.run(packs=[{"path": "packs/a"}])["packs"]] == ["packs/a"]


def test_packs_inside_of_packs_stay_there(many: Monorepo) -> None:
    pack = PackTree("a", "1.0.0")
    many.commit("packs/a", t.cast(PackTree, pack.mount("tests/fixtures/b", small("b", "1.0.0"))))
    assert [one["ref"] for one in many.converge()["packs"]] == ["a"]


def test_what_is_outside(many: Monorepo) -> None:
    pack = PackTree("a", "1.0.0", metadata={"version": "1"})
    pack.add("actions/run.sh", "#!/bin/sh\n. ../../lib/common.sh\n").add("actions/fine.sh", "cat ../README.md\n")
    pack.add("data/large.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    pack.link("actions/lib2", "../../lib").submodule("vendor/x", "1" * 40)
    many.commit("packs/a", pack)
    done = many.converge()
    found = "\n".join(row(done, "a")["outside"])
    assert "Submodules" in found and "vendor/x" in found
    assert "Git LFS" in found and "data/large.bin" in found
    assert "actions/lib2 -> ../../lib is a link that leads out of the pack" in found
    assert "paths outside of the pack: actions/run.sh." in found and "fine.sh" not in found
    assert "version" in str(warnings(done)) and "pack.yaml is not valid" in str(warnings(done))


def test_a_pack_that_does_not_say_its_ref(many: Monorepo) -> None:
    many.commit("packs/a", small("a", "1.0.0", name="The Pack", metadata={"ref": ""}))
    done = many.converge()
    assert done["packs"][0]["ref"] == "a" and "there is no ref" in str(warnings(done))


def test_signed_tags(many: Monorepo) -> None:
    many.commit("packs/a", small("a", "1.0.0"))
    many.repository.build()
    key = many.root / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, stdin=subprocess.DEVNULL
    )
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", f"user.signingKey={key}")
    path = many.repository.path
    run_git("-C", path, *identity, "-c", "gpg.format=ssh", "tag", "--sign", "--message", "Signed", "v1.0.0", "main")
    done = many.converge()
    assert row(done, "a")["unsigned_tags"] == ["v1.0.0"] and "v1.0.0 lost the signature" in str(warnings(done))
    assert "SIGNATURE" not in many.git("a", "cat-file", "tag", "v1.0.0")


def test_hostile_names(many: Monorepo) -> None:
    many.put("packs/evil\nname", small("evil", "1.0.0"))
    many.put("packs/--path", small("dashes", "1.0.0"))
    many.commit("packs/a", small("a", "1.0.0"), "v1.0.0")
    many.repository.build()
    for name in ("--upload-pack=touch", "$(touch${IFS}x)", "a/v1.0.0';import", "x/v1.0.0", "a/v1.0.0"):
        # git refuses to make some of these, and a hostile server does not.
        target = many.repository.path / "refs" / "tags" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(many.repository.sha("main") + "\n")
    done = many.converge()
    assert {one["ref"] for one in done["packs"]} == {"a", "dashes"}
    assert r"The pack in packs/evil\nname was left out" in str(warnings(done)).replace("\\\\", "\\")
    assert many.refs("a") == many.refs("dashes") == ["refs/heads/main", "refs/tags/v1.0.0"]


def test_settings_of_the_repository_run_nothing(many: Monorepo) -> None:
    many.commit("packs/a", small("a", "1.0.0"))
    many.repository.build()
    trap = many.root / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {many.root}/sprung\nexit 1\n")
    trap.chmod(0o755)
    for setting in ("core.fsmonitor", "core.sshCommand", "uploadpack.packObjectsHook", "core.alternateRefsCommand"):
        run_git("-C", many.repository.path, "config", setting, str(trap))
    assert many.run().changed and not (many.root / "sprung").exists()


def test_no_program(many: Monorepo) -> None:
    many.commit("packs/a", small("a", "1.0.0"))
    many.repository.build()
    programs = many.root / "bin"
    programs.mkdir()
    (programs / "git").symlink_to(str(shutil.which("git")))
    # Programs are also looked for beside the interpreter, and this is one without any.
    shim = many.root / "empty" / "python"
    shim.parent.mkdir()
    start = "import sys; sys.executable = sys.argv.pop(1); exec(sys.argv.pop(1))"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{start}" "$0" "$2" "$3"\n')
    shim.chmod(0o755)
    arguments = {"repo": str(many.repository.path), "dest": str(many.dest)}
    done = run_module_directly("st2_pack_split", arguments, env={"PATH": str(programs)}, python=str(shim))
    assert done.failed and "pip install git-filter-repo" in done["msg"], done.everything
    (programs / "git").unlink()
    (programs / "git").write_text("#!/bin/sh\necho git version 2.35.9\n")
    (programs / "git").chmod(0o755)
    (programs / "git-filter-repo").symlink_to("/bin/false")
    done = run_module_directly("st2_pack_split", arguments, env={"PATH": str(programs)})
    assert "needs git 2.36 or newer, but this is git version 2.35.9." in done["msg"], done.everything


class Served(t.NamedTuple):
    """Empty repositories behind HTTPS, for results."""

    many: Monorepo
    server: GitHttpsServer
    ca_file: str

    def options(self) -> t.Dict[str, t.Any]:
        """What the module needs."""
        url = f"{self.server.url}/{{ref}}.git"
        return {"repo_url": url, "ca_bundle": self.ca_file, "token": TOKEN}

    def make(self, ref: str) -> Path:
        """Make an empty repository."""
        path = self.server.root / f"{ref}.git"
        run_git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", path)
        return path


@pytest.fixture
def served(many: Monorepo, ca: CertificateAuthority) -> t.Iterator[Served]:
    root = many.root / "served"
    root.mkdir()
    with GitHttpsServer(root, ca, username="git", password=TOKEN) as server:
        yield Served(many, server, str(ca.ca_file))


def refs_of(path: Path) -> t.List[str]:
    return run_git("-C", path, "for-each-ref", "--format=%(objectname) %(refname)").splitlines()


def test_pushed_to_empty_repositories(served: Served) -> None:
    many = served.many
    many.commit("packs/a", small("a", "1.0.0"), "v1.0.0")
    many.commit("packs/b", small("b", "1.0.0"), "b/v1.0.0")
    path = served.make("a")
    dry = many.run(**served.options())
    assert [one["target"] for one in dry["packs"]] == ["empty", "unreachable"] and refs_of(path) == []
    assert not any(one["pushed"] for one in dry["packs"]) and TOKEN not in dry.everything
    many.refused(f"{served.server.url}/b.git for b cannot be reached", "Create it first", push=True, **served.options())
    served.make("b")
    done = many.converge(push=True, **served.options())
    assert [one["pushed"] for one in done["packs"]] == [True, True] and TOKEN not in done.everything
    for ref in ("a", "b"):
        assert refs_of(served.server.root / f"{ref}.git") == refs_of(many.dest / f"{ref}.git")
    assert [one["target"] for one in many.run(**served.options())["packs"]] == ["same", "same"]
    wrong = many.run(**{**served.options(), "token": "wr0ng-t0ken"})
    assert [one["target"] for one in wrong["packs"]] == ["unreachable"] * 2 and "wr0ng" not in wrong.everything


def test_never_over_something_else(served: Served) -> None:
    many = served.many
    many.commit("packs/a", small("a", "1.0.0"), "v1.0.0")
    many.commit("packs/b", small("b", "1.0.0"))
    served.make("a")
    other = GitRepository(served.server.root / "b.git")
    other.commit(small("b", "3.0.0"))
    other.build()
    done = many.refused("b.git for b is not empty", "Nothing is overwritten", push=True, **served.options())
    assert [one["target"] for one in done["packs"]] == ["empty", "other"]
    assert refs_of(served.server.root / "a.git") == [], "no other pack is pushed either"


def test_a_push_that_broke_off(served: Served) -> None:
    many = served.many
    many.commit("packs/a", small("a", "1.0.0"), "v1.0.0")
    path = served.make("a")
    hook = path / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\n[ "$1" = refs/heads/main ] || { echo "no tags yet" >&2; exit 1; }\n')
    hook.chmod(0o755)
    done = many.run(push=True, **served.options())
    assert done.failed and "no tags yet" in done["msg"] and done["step"] == "push"
    assert done.changed and done["packs"][0]["written"] and not done["packs"][0]["pushed"]
    assert len(refs_of(path)) == 1
    hook.unlink()
    done = many.run(push=True, **served.options())
    assert done["packs"][0]["target"] == "part" and done["packs"][0]["pushed"]
    assert refs_of(path) == refs_of(many.dest / "a.git")


def test_a_run_that_was_killed_leaves_nothing_that_stays(many: Monorepo) -> None:
    many.commit("packs/a", small("a", "1.0.0"))
    many.dest.mkdir()
    for name in (".a.git.new", ".a.git.old"):
        (many.dest / name).mkdir()
        (many.dest / name / "half").write_text("")
    assert many.run().changed and sorted(os.listdir(many.dest)) == ["a.SPLIT.txt", "a.git"]


def test_a_directory_that_cannot_be_written_to(many: Monorepo) -> None:
    many.commit("packs/a", small("a", "1.0.0"))
    many.refused("is not a directory", dest=str(many.repository.build().path / "HEAD"))
    many.dest.mkdir()
    descriptor = os.open(many.dest, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        done = many.run()
    finally:
        os.close(descriptor)
    assert done.failed and not done.changed and "Another run is writing" in done["msg"]
    assert os.listdir(many.dest) == [] and many.run().changed
