# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""st2_pack_release end to end: what is at the remote afterwards, and what stands against a release."""

from __future__ import annotations

import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from e2e.scene import warnings
from e2e.working_copies import PackWorkingCopy
from infrastructure.ansible_run import ModuleResult, start_module_directly
from infrastructure.environment import clean_environment
from infrastructure.packs import PackTree
from infrastructure.repositories.git_repository import run_git
from infrastructure.servers import CertificateAuthority, GitHttpsServer, GitSshServer
from infrastructure.snapshot import take_snapshot
from infrastructure.warm_modules import warm_modules

TOKEN = "c4nary-t0ken"


@pytest.fixture
def pack(tmp_path: Path) -> PackWorkingCopy:
    (tmp_path / "home").mkdir()
    return PackWorkingCopy(tmp_path)


def run(pack: PackWorkingCopy, check: bool = False, env: t.Optional[t.Mapping[str, str]] = None, **given: t.Any):
    arguments = {"path": str(pack.path), **given}
    env = {**clean_environment(pack.path.parent / "home"), **(env or {})}
    return warm_modules.run("st2_pack_release", arguments, check=check, diff=True, env=env)


def converge(pack: PackWorkingCopy, **given: t.Any) -> ModuleResult:
    """Check, run, check again, run again; only the first run changes anything, and the check has said so."""
    before = take_snapshot(pack.path.parent)
    predicted = run(pack, check=True, **given)
    assert take_snapshot(pack.path.parent) == before, "check mode changed something"
    done = run(pack, **given)
    assert not done.failed and done.changed, done.everything
    same = ("msg", "tag", "commit", "released", "previous", "diff", "changed")
    assert {key: predicted.get(key) for key in same} == {key: done.get(key) for key in same}
    settled = take_snapshot(pack.path.parent)
    for check in (True, False):
        again = run(pack, check=check, **given)
        assert not again.failed and not again.changed and again["released"], again.everything
        assert (again["tag"], again["commit"]) == (done["tag"], done["commit"])
    assert take_snapshot(pack.path.parent) == settled
    return done


def refused(pack: PackWorkingCopy, *texts: str, check_too: bool = True, **given: t.Any) -> ModuleResult:
    """It fails with these words, in check mode too, and nothing is another than before."""
    before = take_snapshot(pack.path.parent)
    results = [run(pack, check=check, **given) for check in ((True, False) if check_too else (False,))]
    for done in results:
        assert done.failed and not done.changed, done.everything
        assert all(text in done["msg"] for text in texts), done["msg"]
        assert done["msg"].endswith((".", ")"))
    assert take_snapshot(pack.path.parent) == before
    return results[-1]


def test_release_after_release(pack: PackWorkingCopy) -> None:
    first = pack.commit("1.0.0")
    done = converge(pack)
    assert done["msg"] == f"acme_dns 1.0.0: tag v1.0.0 at {first[:7]}" and done["previous"] is None
    assert pack.released() == pack.tags() == {"v1.0.0": first}
    assert run_git("-C", pack.remote, "cat-file", "-t", "v1.0.0") == "tag"
    text = run_git("-C", pack.remote, "cat-file", "tag", "v1.0.0")
    assert "tagger A. Author <author@example.com>" in text and text.endswith("acme_dns 1.0.0")
    second = pack.commit("1.1.0")
    done = converge(pack, tag_message="Second\n\n# all of it\n", tagger="Bot <bot@example.com>")
    assert done["msg"].endswith(f"tag v1.1.0 at {second[:7]}, after v1.0.0")
    assert done["diff"][0]["after"] == f"v1.1.0 {second}\n"
    assert pack.released() == {"v1.0.0": first, "v1.1.0": second}
    text = run_git("-C", pack.remote, "cat-file", "tag", "v1.1.0")
    assert "tagger Bot <bot@example.com>" in text and text.endswith("Second\n\n# all of it")


def test_commits_that_no_version_covers(pack: PackWorkingCopy) -> None:
    first = pack.commit("1.0.0")
    run(pack)
    pack.commit("1.0.0", actions=("report", "more"))
    done = run(pack)
    assert not done.failed and not done.changed and not done["released"] and done["commit"] == first
    assert "1 commit more that are not released" in done["msg"]
    refused(pack, "that are not released: increase the version in pack.yaml", fail_on_unreleased=True)
    assert pack.released() == {"v1.0.0": first}


def test_everything_against_it_at_once(pack: PackWorkingCopy) -> None:
    pack.commit("2.0.0")
    run(pack)
    pack.commit("1.9.0", push=False)
    (pack.path / "README.md").write_text("edited\n")
    (pack.path / "forgotten.yaml").write_text("a: 1\n")
    (pack.path / "junk.pyc").write_text("")
    done = refused(
        pack,
        "3 problems prevent the release",
        "edited README.md, extra forgotten.yaml. Commit",
        f"HEAD ({pack.head[:7]}) is not pushed: main of the remote is at",
        "The version 1.9.0 in pack.yaml is lower than v2.0.0",
    )
    assert len(done["problems"]) == 3 and done["step"] == "validate"


def test_maintenance(pack: PackWorkingCopy) -> None:
    old = pack.commit("1.4.0")
    run(pack)
    pack.commit("2.0.0")
    run(pack)
    pack.git("checkout", "--quiet", "-b", "v1.4", old)
    fixed = pack.commit("1.4.1", push=False)
    refused(pack, "The remote has no branch v1.4", "lower than v2.0.0")
    pack.push("HEAD:refs/heads/v1.4")
    refused(pack, "To release a fix for an older version, set maintenance to true")
    converge(pack, maintenance=True)
    assert pack.released()["v1.4.1"] == fixed


def test_a_tag_on_another_commit(pack: PackWorkingCopy) -> None:
    first = pack.commit("1.0.0")
    run(pack)
    pack.git("checkout", "--quiet", "--orphan", "other")
    other = pack.commit("1.0.0", actions=("other",), push=False)
    pack.push("+HEAD:refs/heads/main")
    done = refused(pack, f"The tag v1.0.0 is at {first[:7]} already", f"HEAD is {other[:7]}", "never moved")
    assert done["commit"] == first
    # As another run may have tagged it, without the v.
    pack.git("push", "--quiet", str(pack.remote), "v1.0.0^{}:refs/tags/1.2.0")
    pack.commit("1.2.0", push=False)
    pack.push()
    refused(pack, f"The tag 1.2.0 is at {first[:7]} already")


def test_an_old_commit_is_checked_out(pack: PackWorkingCopy) -> None:
    pack.commit("1.0.0", push=False)
    pack.commit("1.0.0", actions=("more",))
    run(pack)
    pack.git("reset", "--quiet", "--hard", "HEAD~1")
    refused(pack, "which does not come after it")
    pack.git("tag", "--delete", "v1.0.0")
    pack.git("push", "--quiet", str(pack.remote), ":refs/tags/v1.0.0")
    refused(pack, "is not the newest commit", "1 further. Pull first")


@pytest.mark.parametrize("annotated", [False, True])
def test_a_tag_that_was_never_pushed(pack: PackWorkingCopy, annotated: bool) -> None:
    commit = pack.commit("1.0.0")
    pack.git("tag", *(("--annotate", "--message", "By hand") if annotated else ()), "v1.0.0")
    assert run(pack, check=True).changed
    converge(pack)
    assert pack.released() == {"v1.0.0": commit}
    text = run_git("-C", pack.remote, "cat-file", "tag", "v1.0.0")
    assert ("By hand" in text) == annotated
    assert pack.git("rev-parse", "v1.0.0") == run_git("-C", pack.remote, "rev-parse", "v1.0.0")


def test_a_tag_that_was_never_pushed_on_another_commit(pack: PackWorkingCopy) -> None:
    first = pack.commit("1.0.0")
    pack.git("tag", "v1.0.0")
    second = pack.commit("1.0.0", actions=("more",))
    refused(pack, f"has a tag v1.0.0 at {first[:7]} that was never pushed, and HEAD is {second[:7]}")
    assert pack.tags() == {"v1.0.0": first}


def test_what_pack_yaml_says(pack: PackWorkingCopy) -> None:
    pack.commit("1.0.0", metadata={"version": "v1.0", "email": "nobody"})
    done = refused(pack, "pack.yaml is not valid", "version (line ", "email (line ")
    assert done["version"] is None and done["tag"] is None
    pack.commit("1.0.0", metadata={"version": "1.0.0-01"})
    refused(pack, "not a semantic version")
    pack.commit("1.0.0", metadata={"version": "1.0.0-a.lock"})
    refused(pack, "git has no version, tag, branch or commit of that form")
    tree = PackTree(pack.ref)
    tree.remove("pack.yaml").link("pack.yaml", "../../../etc/passwd")
    pack.commit("1.0.0", tree=tree)
    refused(pack, "pack.yaml is not a regular file")
    tree.remove("pack.yaml")
    pack.commit("1.0.0", tree=tree)
    refused(pack, "There is no pack.yaml")


def test_a_version_that_is_not_committed(pack: PackWorkingCopy) -> None:
    pack.commit("1.0.0")
    run(pack)
    (pack.path / "README.md").write_text("edited\n")
    assert not run(pack).failed, "nothing is to be released"
    PackTree(pack.ref, "1.1.0").write(pack.path / "new")
    (pack.path / "new" / "pack.yaml").rename(pack.path / "pack.yaml")
    refused(pack, "edited pack.yaml")


def test_changes_that_say_nothing(pack: PackWorkingCopy) -> None:
    tree = PackTree(pack.ref, "1.10.0")
    tree.add("CHANGES.md", "# Changes\n\n## 1.10.0-rc.1\n## 11.10.0\n## 1.10.01\n")
    pack.commit("1.10.0", tree=tree)
    done = run(pack)
    assert "CHANGES.md does not mention the version 1.10.0." in warnings(done), done.everything
    assert done.changed
    tree = PackTree(pack.ref, "1.11.0", minimal=True)
    pack.commit("1.11.0", tree=tree)
    assert "no CHANGES.md" in str(warnings(run(pack)))


def test_who_makes_the_tag(pack: PackWorkingCopy) -> None:
    pack.commit("1.0.0")
    pack.git("config", "--unset", "user.email")
    refused(pack, "The tagger is not known")
    refused(pack, "must be of the form Name <name@example.com>", tagger="nobody")
    converge(pack, tagger="N. Body <n@example.com>")


def test_options_that_cannot_be(pack: PackWorkingCopy, tmp_path: Path) -> None:
    refused(pack, "has no commit yet")
    pack.commit("1.0.0")
    refused(pack, "is not the name of a remote", remote="--upload-pack=touch x")
    refused(pack, "has no remote upstream", remote="upstream")
    refused(pack, "is not a directory", path=str(tmp_path / "nowhere"))
    refused(pack, "is not a working copy", path=str(tmp_path))
    refused(pack, "is a directory in the repository", path=str(pack.path / "actions"))
    refused(pack, "the least is 1", timeout=0)
    refused(pack, "signing_key", "is not a file", signing_key="/nowhere")
    pack.git("config", "remote.origin.url", "ext::/bin/sh")
    refused(pack, "TRANSPORT::ADDRESS is not allowed")
    pack.git("config", "remote.origin.url", "../git/acme_dns.git")
    refused(pack, "neither a URL nor an absolute path")
    pack.git("config", "--add", "remote.origin.url", "/elsewhere")
    refused(pack, "has 2 URLs to push to")


def test_a_detached_head(pack: PackWorkingCopy) -> None:
    pack.commit("1.0.0")
    pack.git("checkout", "--quiet", "--detach")
    converge(pack)
    pack.commit("1.1.0", push=False)
    pack.push("HEAD:refs/heads/next")
    refused(pack, "is on no branch, and not the tip of the default branch of the remote. Set branch")
    converge(pack, branch="next")


def test_a_shallow_working_copy(pack: PackWorkingCopy) -> None:
    pack.commit("1.0.0")
    run(pack)
    for number in range(3):
        pack.commit("1.0.0", actions=("report", f"more{number}"))
    shallow = pack.path.parent / "shallow"
    run_git("clone", "--quiet", "--depth=1", f"file://{pack.remote}", shallow)
    done = run(pack, path=str(shallow), tagger="N. Body <n@example.com>")
    assert not done.failed and "3 commits more that are not released" in done["msg"]
    pack.commit("1.1.0")
    run_git("-C", shallow, "fetch", "--quiet", "--depth=1")
    run_git("-C", shallow, "reset", "--quiet", "--hard", "FETCH_HEAD")
    done = run(pack, path=str(shallow), tagger="N. Body <n@example.com>")
    assert done.changed and pack.released()["v1.1.0"] == pack.head


def test_a_linked_working_copy(pack: PackWorkingCopy) -> None:
    pack.commit("1.0.0")
    linked = pack.path.parent / "linked"
    pack.git("worktree", "add", "--quiet", str(linked), "-b", "other")
    (linked / "README.md").write_text("edited\n")
    assert "edited README.md" in run(pack, path=str(linked), branch="main")["msg"]
    run_git("-C", linked, "checkout", "--quiet", ".")
    assert run(pack, path=str(linked), branch="main").changed and pack.released() == pack.tags()


class Served(t.NamedTuple):
    """A pack whose remote is served."""

    pack: PackWorkingCopy
    server: GitHttpsServer
    ca_file: str

    def run(self, check: bool = False, **given: t.Any) -> ModuleResult:
        """Run the module with all that it needs."""
        return run(self.pack, check=check, **{"ca_bundle": self.ca_file, "token": TOKEN, **given})


@pytest.fixture
def served(pack: PackWorkingCopy, ca: CertificateAuthority) -> t.Iterator[Served]:
    with GitHttpsServer(pack.remote.parent, ca, username="git", password=TOKEN) as server:
        pack.git("remote", "set-url", "origin", f"{server.url}/acme_dns.git")
        yield Served(pack, server, str(ca.ca_file))


def test_over_https(served: Served) -> None:
    pack = served.pack
    pack.commit("1.0.0")
    done = served.run()
    assert done.changed and pack.released() == pack.tags() == {"v1.0.0": pack.head}
    asked = len(served.server.requests)
    again = served.run()
    assert not again.changed and not again.failed
    assert not [one for one in served.server.requests[asked:] if "receive" in one.path]
    pack.commit("1.1.0")
    url = pack.git("remote", "get-url", "origin")
    pack.git("remote", "set-url", "origin", url.replace("https://", f"https://git:{TOKEN}@"))
    embedded = served.run(token=None)
    assert embedded.changed and embedded["url"] == url
    for result in (done, again, embedded):
        assert TOKEN not in result.everything
    pack.git("remote", "set-url", "origin", url)
    pack.commit("1.2.0")
    wrong = served.run(token="wr0ng-t0ken")
    assert wrong.failed and "refuses the credentials" in wrong["msg"] and "wr0ng" not in wrong.everything


def test_a_server_that_refuses(served: Served) -> None:
    pack = served.pack
    pack.commit("1.0.0")
    hook = pack.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no tags on Fridays' >&2\nexit 1\n")
    hook.chmod(0o755)
    done = served.run()
    assert done.failed and not done.changed and done["step"] == "push" and not done["released"]
    assert "remote: no tags on Fridays" in done["msg"] and "does not have the tag v1.0.0" in done["msg"]
    assert pack.tags() == pack.released() == {}
    hook.unlink()
    assert served.run().changed


@pytest.mark.parametrize("same_commit", [False, True])
def test_another_release_is_faster(served: Served, same_commit: bool) -> None:
    pack = served.pack
    first = pack.commit("0.9.0")
    second = pack.commit("1.0.0")
    other = second if same_commit else first
    hook = pack.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    # Outside of the quarantine of what is being pushed.
    hook.write_text(
        f"#!/bin/sh\nunset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY\nmkdir -p {pack.remote}/refs/tags\n"
        f"echo {other} > {pack.remote}/refs/tags/v1.0.0\n"
    )
    hook.chmod(0o755)
    done = served.run()
    assert not done.changed and pack.released() == {"v1.0.0": other} and pack.tags() == {}
    assert done.failed == (not same_commit), done.everything
    if same_commit:
        assert done["released"] and done["msg"].endswith("by another run meanwhile")
    else:
        assert f"is at {first[:7]} by now, and HEAD is {second[:7]}: another release was faster" in done["msg"]


def test_two_runs_at_once(served: Served) -> None:
    pack = served.pack
    pack.commit("1.0.0")
    arguments = {"path": str(pack.path), "ca_bundle": served.ca_file, "token": TOKEN}
    env = clean_environment(pack.path.parent)
    running = [start_module_directly("st2_pack_release", arguments, env=env) for _number in range(2)]
    results = [one.wait() for one in running]
    assert [one.failed for one in results] == [False, False], [one.everything for one in results]
    assert sum(one.changed for one in results) == 1
    assert pack.released() == pack.tags() == {"v1.0.0": pack.head}


def test_killed_while_it_pushes(served: Served) -> None:
    pack = served.pack
    pack.commit("1.0.0")
    served.server.faults.applies_to = lambda path: path.endswith("git-receive-pack")
    served.server.faults.hang = True
    arguments = {"path": str(pack.path), "ca_bundle": served.ca_file, "token": TOKEN}
    running = start_module_directly("st2_pack_release", arguments, env=clean_environment(pack.path.parent))
    deadline = time.monotonic() + 60
    while not (pushing := _started_push(pack)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert pushing
    running.kill(children=False)
    running.wait()
    assert pack.tags() == pack.released() == {}
    served.server.faults.hang = False
    assert served.run().changed
    assert pack.tags() == pack.released() == {"v1.0.0": pack.head}


def _started_push(pack: PackWorkingCopy) -> bool:
    """Whether a git push to the repository of this test runs, with nothing secret in its arguments."""
    listing = subprocess.run(["ps", "-e", "-ww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert TOKEN not in listing
    return any("git-remote-https" in line and pack.ref in line for line in listing.splitlines()) and any(
        " push " in line for line in listing.splitlines()
    )


def test_over_ssh(pack: PackWorkingCopy, tmp_path: Path) -> None:
    with GitSshServer(pack.remote.parent, tmp_path / "sshd", push=True) as server:
        pack.git("remote", "set-url", "origin", f"{server.url}/acme_dns.git")
        pack.commit("1.0.0")
        known = {"known_hosts_file": str(server.known_hosts_file)}
        done = run(pack, ssh_key_file=str(server.stranger_key_file), **known)
        assert done.failed and "The server refused the key" in done["msg"] and "(ssh_key_file)" in done["msg"]
        assert run(pack, ssh_key_file=str(server.key_file), **known).changed
    assert pack.released() == {"v1.0.0": pack.head}


def make_key(path: Path, passphrase: str = "") -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "release", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def test_signed(pack: PackWorkingCopy, tmp_path: Path) -> None:
    key, other = make_key(tmp_path / "key"), make_key(tmp_path / "other")
    pack.commit("1.0.0")
    done = converge(pack, signing_key=str(key))
    assert "signed tag v1.0.0" in done["msg"]
    for public, good in ((key, True), (other, False)):
        allowed = tmp_path / "allowed"
        allowed.write_text(f"them {public.with_suffix('.pub').read_text()}")
        setting = f"gpg.ssh.allowedSignersFile={allowed}"
        command = ["git", "-C", str(pack.remote), "-c", setting, "verify-tag", "v1.0.0"]
        environment = clean_environment(tmp_path)
        assert (subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0) == good


def test_keys_and_tags_that_do_not_sign(pack: PackWorkingCopy, tmp_path: Path) -> None:
    pack.commit("1.0.0")
    locked = make_key(tmp_path / "locked", "a passphrase")
    refused(pack, "cannot be used", "without a passphrase", signing_key=str(locked))
    open_to_all = make_key(tmp_path / "open")
    open_to_all.chmod(0o644)
    refused(pack, "readable only by its owner", signing_key=str(open_to_all))
    key = make_key(tmp_path / "key")
    pack.git("tag", "--annotate", "--message", "By hand", "v1.0.0")
    refused(pack, "is not signed by signing_key", "git tag -d v1.0.0", check_too=False, signing_key=str(key))
    assert pack.released() == {}


def test_nothing_of_the_working_copy_is_run(pack: PackWorkingCopy, tmp_path: Path) -> None:
    pack.commit("1.0.0")
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\nexit 1\n")
    trap.chmod(0o755)
    for name in ("pre-push", "reference-transaction", "post-checkout"):
        hook = pack.path / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(trap.read_text())
        hook.chmod(0o755)
    for setting in ("core.fsmonitor", "core.sshCommand", "core.editor", "gpg.program", "filter.x.clean", "core.pager"):
        pack.git("config", setting, str(trap))
    for setting in ("remote.origin.receivepack", "remote.origin.uploadpack", "credential.helper"):
        pack.git("config", setting, str(trap))
    (pack.path / ".git" / "info").mkdir(exist_ok=True)
    (pack.path / ".git" / "info" / "attributes").write_text("* filter=x\n")
    assert run(pack).changed and pack.released() == {"v1.0.0": pack.head}
    assert not (tmp_path / "sprung").exists()
