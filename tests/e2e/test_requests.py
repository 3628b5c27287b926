# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every form of a request: by name, address and directory, with every kind of version."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from e2e.scene import Scene, only, warnings
from infrastructure.packs import PackTree
from infrastructure.repositories import Commit, GitRepository, run_git
from infrastructure.servers import GitDaemon


def small(ref: str, version: str, **more: t.Any) -> PackTree:
    return PackTree(ref, version, minimal=True, **more)


def many_versions(repository: GitRepository) -> t.Dict[str, Commit]:
    """Make the repository that the compatibility contract lists vectors for; return commits by what they are."""
    found = {
        "v1.0.0": repository.release(small("demo", "1.0.0")),
        "1.1.0": repository.commit(small("demo", "1.1.0")),
        "v1.2.0": repository.release(small("demo", "1.2.0"), annotated=True),
        "notsemver": repository.commit(small("demo", "1.2.1")),
        "feature/x": repository.commit(small("demo", "1.3.0"), branch="feature/x"),
        "dev": repository.commit(small("demo", "1.4.0"), branch="dev"),
        "2.0.0": repository.commit(small("demo", "1.9.9"), branch="2.0.0"),
        "v2.0.0": repository.commit(small("demo", "2.0.0")),
        "orphan": repository.commit(small("demo", "9.9.9"), on_branch=False),
    }
    repository.tag("1.1.0", found["1.1.0"]).tag("notsemver", found["notsemver"]).tag("v2.0.0", found["v2.0.0"])
    repository.tag("v9.9.9", found["orphan"]).tag("orphantag", found["orphan"], annotated=True)
    found["tip"] = repository.commit(small("demo", "2.1.0"))
    return found


# What is asked, the commit it means, and the branch that the working copy is on then.
VERSIONS = (
    ("", "tip", "trunk"),
    ("1.0.0", "v1.0.0", None),
    ("v1.0.0", "v1.0.0", None),
    ("1.1.0", "1.1.0", None),
    ("1.2.0", "v1.2.0", None),
    ("trunk", "tip", "trunk"),
    ("notsemver", "notsemver", None),
    ("feature/x", "feature/x", "feature/x"),
    ("dev", "dev", "dev"),
    ("v2.0.0", "v2.0.0", None),
    ("2.0.0", "2.0.0", "2.0.0"),
    ("9.9.9", "orphan", None),
    ("v9.9.9", "orphan", None),
    ("orphantag", "orphan", None),
)


def test_every_kind_of_version_is_found(scene: Scene) -> None:
    repository = scene.repository("demo", default_branch="trunk")
    commits = many_versions(repository)
    scene.publish()
    url = scene.url(repository)
    for version, name, branch in VERSIONS:
        asked = f"{url}={version}" if version else url
        result = scene.run(asked)
        assert not result.failed, result.everything
        assert scene.host.head("demo") == repository.sha(commits[name].sha), asked
        assert scene.host.branch("demo") == branch, asked
        assert only(result)["after"]["commit"] == commits[name].sha
        assert scene.host.edited("demo") == [] and scene.host.pack_version("demo") == commits[name].version
        warned = [warning for warning in warnings(result) if "both a branch" in warning]
        assert bool(warned) == (version == "2.0.0"), warnings(result)
        for text in (commits["2.0.0"].short, commits["v2.0.0"].short, "v2.0.0") if warned else ():
            assert text in warned[0]
        scene.satisfied(asked)


def test_commits_by_full_and_short_ids(scene: Scene) -> None:
    repository = scene.repository("demo", default_branch="trunk")
    commits = many_versions(repository)
    hidden = repository.commit(small("demo", "7.7.7"), on_branch=False)
    repository.tag("for-a-while", hidden)
    scene.publish()
    repository.delete_tag("for-a-while")
    scene.publish()
    url = scene.url(repository)
    for name, version in (("v1.0.0", commits["v1.0.0"].sha), ("dev", commits["dev"].short), ("orphan", None)):
        asked = f"{url}={version or commits[name].short}"
        scene.change(asked)
        assert scene.host.head("demo") == commits[name].sha and scene.host.branch("demo") is None
        scene.satisfied(asked)
    scene.change(f"{url}={hidden.sha}")
    assert scene.host.head("demo") == hidden.sha, "the server still has a commit that no branch and no tag leads to"
    scene.satisfied(f"{url}={hidden.sha}")
    refused = scene.refuse(f"{url}={'0' * 40}")
    assert refused["step"] == "fetch" and "2.0.0, 1.2.0, 1.1.0, 1.0.0" in refused["msg"]


def test_an_unknown_version_lists_what_there_is_newest_first(scene: Scene) -> None:
    scene.release("demo", "1.2.0", "1.10.0", "1.9.0")
    refused = scene.refuse("demo=1.3.0")
    assert refused["msg"].endswith("Available versions, newest first: 1.10.0, 1.9.0, 1.2.0.")
    assert only(refused)["before"] is only(refused)["after"] is None and scene.host.installed() == []


def test_every_way_to_name_a_repository(scene: Scene, tmp_path: Path) -> None:
    repository = scene.release("demo", "1.0.0", "1.1.0")
    scene.host.home.joinpath(".gitconfig").write_text(f'[url "{scene.git.url}/"]\n\tinsteadOf = https://github.com/\n')
    old, new = (repository.tags[f"v{version}"].sha for version in ("1.0.0", "1.1.0"))
    url = scene.url(repository)
    with GitDaemon(scene.served, tmp_path / "daemon") as daemon:
        asked = {
            "demo=1.0.0": (old, url),
            "demo=v1.1.0": (new, url),
            f"{url}=1.0.0": (old, url),
            f"{url}.git=1.1.0": (new, f"{url}.git"),
            "org/stackstorm-demo=1.0.0": (old, "https://github.com/org/stackstorm-demo"),
            f"{scene.url(repository, daemon.url)}=1.1.0": (new, scene.url(repository, daemon.url)),
            f"file://{repository.path}=1.0.0": (old, f"file://{repository.path}"),
            f"{repository.path}=1.1.0": (new, f"file://{repository.path}"),
        }
        for request, (commit, origin) in asked.items():
            result = scene.change(request, keep_releases=0)
            assert scene.host.head("demo") == commit, request
            assert scene.host.origin("demo") == origin and only(result)["source"] == origin
            assert only(result)["requested"] == [request]
            scene.satisfied(request)
        assert daemon.fetches, "it was really asked"
    # One repository under another spelling is the same one.
    scene.change(f"{url}=1.0.0")
    scene.satisfied(f"{url}.git=1.0.0", f"{url}/=1.0.0", "demo=1.0.0")


def test_the_installed_pack_stays_an_ordinary_working_copy(scene: Scene) -> None:
    repository = scene.repository("demo")
    commits = many_versions(repository)
    scene.publish()
    scene.change("demo=1.0.0")
    pack = scene.host.pack_path("demo")
    for revision, name in (("v1.2.0", "v1.2.0"), ("origin/feature/x", "feature/x"), ("v9.9.9", "orphan")):
        run_git("-C", pack, "checkout", "--quiet", revision)
        assert scene.host.head("demo") == commits[name].sha
    assert run_git("-C", pack, "rev-list", "--count", "origin/main") == str(
        int(run_git("-C", repository.path, "rev-list", "--count", "main"))
    ), "the whole history is there"
    later = repository.release(small("demo", "3.0.0"))
    scene.publish()
    run_git("-C", pack, "-c", f"http.sslCAInfo={scene.ca.ca_file}", "fetch", "--quiet", "--tags", "origin")
    run_git("-C", pack, "worktree", "add", "--quiet", scene.root / "worktree", "v3.0.0")
    assert run_git("-C", scene.root / "worktree", "rev-parse", "HEAD") == later.sha


def test_a_git_directory_gives_what_is_committed(scene: Scene, tmp_path: Path) -> None:
    repository = scene.release("demo", "1.0.0")
    work = tmp_path / "work"
    run_git("clone", "--quiet", repository.path, work)
    (work / "actions" / "report.py").write_text("edited = True\n")
    (work / "new.txt").write_text("new\n")
    for request in (f"file://{work}", str(work)):
        result = scene.run(request, state="latest")
        assert not result.failed, result.everything
        assert scene.host.head("demo") == repository.head.sha and scene.host.edited("demo") == []
        assert not (scene.host.pack_path("demo") / "new.txt").exists()
    scene.change("demo", state="absent")
    (warning,) = warnings(scene.change(str(work)))
    assert "Uncommitted changes were left out" in warning and "edited actions/report.py, extra new.txt" in warning
    run_git("-C", work, "checkout", "--quiet", "--force", "HEAD")
    (work / "new.txt").unlink()
    scene.change("demo", state="absent")
    assert warnings(scene.change(str(work))) == []


def test_a_plain_directory_is_known_by_its_content(scene: Scene, tmp_path: Path) -> None:
    source = small("demo", "1.0.0").add("etc/tool", "#!/bin/sh\n", executable=True).link("also", "etc/tool")
    directory = source.write(tmp_path / "plain")
    request = {"source": str(directory)}
    first = only(scene.change(packs=[request]))
    pack = scene.host.pack_path("demo")
    assert "commit" not in first["after"] and first["after"]["digest"].startswith("sha256:")
    assert scene.host.head("demo") is None and (pack / "also").is_symlink()
    assert (pack / "etc" / "tool").stat().st_mode & 0o777 == 0o755
    scene.satisfied(packs=[request])
    scene.satisfied(packs=[request], state="latest")
    (directory / "etc" / "tool").write_text("#!/bin/sh\nexit 1\n")
    (directory / "__pycache__").mkdir()
    second = only(scene.change(packs=[request]))
    assert second["action"] == "replace" and second["before"] == first["after"] != second["after"]
    assert (pack / "etc" / "tool").read_text() == "#!/bin/sh\nexit 1\n" and not (pack / "__pycache__").exists()
    digest = second["after"]["digest"]
    (directory / "pack.yaml").unlink()
    scene.satisfied(packs=[{**request, "digest": digest}])
    assert scene.refuse(packs=[request])["step"] == "validate"


def test_one_pack_of_a_repository_with_many(scene: Scene) -> None:
    repository = scene.repository("many")
    for version in ("1.0.0", "1.1.0"):
        tree = small("one", version)
        tree.files = {}
        for ref in ("one", "two"):
            tree.mount(f"packs/{ref}", small(ref, version))
        repository.commit(tree)
        repository.tag(f"v{version}")
    for made in scene.repositories:
        made.build()
    source = {"source": scene.url(repository), "version": "1.0.0"}
    both = [{**source, "name": ref, "subdir": f"packs/{ref}"} for ref in ("one", "two")]
    result = scene.change(packs=both)
    assert scene.host.installed() == ["one", "two"] and scene.host.head("one") is None
    assert {row["after"]["commit"] for row in result["packs"]} == {repository.tags["v1.0.0"].sha}
    scene.satisfied(packs=both)
    newer = [dict(both[0], version="1.1.0"), both[1]]
    rows = scene.change(packs=newer)["packs"]
    assert {row["ref"]: row["action"] for row in rows} == {"one": "upgrade", "two": "none"}
    assert (scene.host.pack_version("one"), scene.host.pack_version("two")) == ("1.1.0", "1.0.0")
    wrong = scene.refuse(packs=[dict(both[0], subdir="packs/two")])
    assert wrong["step"] == "validate" and "one was requested" in wrong["msg"] and "is two" in wrong["msg"]
    assert "packs/three" in scene.refuse(packs=[dict(both[0], subdir="packs/three", version="1.1.0")])["msg"]


@pytest.mark.parametrize("path", ["org=unit/stackstorm-demo", "org/demo=1.0"])
def test_a_source_with_an_equals_sign(scene: Scene, path: str) -> None:
    (scene.served / path).parent.mkdir()
    repository = GitRepository(scene.served / f"{path}.git")
    old = repository.release(small("demo", "1.0.0"))
    repository.release(small("demo", "1.1.0"))
    repository.build()
    request = {"source": f"{scene.git.url}/{path}", "version": "1.0.0", "name": "demo"}
    scene.change(packs=[request])
    assert scene.host.head("demo") == old.sha and scene.host.origin("demo") == request["source"]
    scene.satisfied(packs=[request])


@pytest.mark.parametrize(
    "request_",
    [
        *("--upload-pack=touch /x", "ext::sh -c true", "https://git.example.com/x=--output=/x", "../climb", "~/x"),
        *("ftp://git.example.com/x", "fd::7", "Demo", "demo pack", "demo>=1.0.0", "demo=a..b", "", "file://relative"),
    ],
)
def test_what_cannot_be_a_request_is_said_before_anything_is_asked(scene: Scene, request_: str) -> None:
    refused = scene.refuse(request_)
    assert refused["step"] == "options" and scene.quiet and scene.programs == []
