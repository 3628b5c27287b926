# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packs that have to be signed, or to have a digest: the module, over HTTPS, and what it asks of whom."""

from __future__ import annotations

import typing as t

import pytest
from e2e.scene import Scene
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.repositories.signed_objects import signed_tag
from infrastructure.signing import GpgSigner, Signer, missing_program

OTHER = f"sha256:{'0' * 64}"
pytestmark = pytest.mark.skipif(bool(missing_program()), reason=missing_program())


@pytest.fixture
def signer(scene: Scene) -> Signer:
    return Signer(scene.root / "signer", "release@example.com")


@pytest.fixture
def repository(scene: Scene) -> GitRepository:
    return scene.release("sensu", "1.0.1", "1.0.2")


def sign(repository: GitRepository, version: str, signer: Signer, **more: t.Any) -> None:
    """Sign a release, as its maker does before pushing it."""
    commit = repository.sha(f"v{version}")
    signed_tag(repository.path, f"v{version}", commit, lambda text: signer.sign(text, "git"), **more)


def refused(scene: Scene, *names: str, **options: t.Any) -> str:
    """The message of a task that touches nothing, in check mode and without."""
    predicted, done = (scene.refuse(*names, check=check, **options) for check in (True, False))
    assert predicted["msg"] == done["msg"]
    return str(done["msg"])


def test_a_release_that_is_signed_and_one_that_is_not(scene: Scene, repository: GitRepository, signer: Signer) -> None:
    sign(repository, "1.0.1", signer)
    policy = {"allowed_signers": ["# people", signer.line], "require": "tag"}
    message = refused(scene, "sensu", verify_signature=policy)
    assert "sensu 1.0.2 from" in message and "The tag v1.0.2 is a lightweight one" in message
    done = scene.change("sensu=1.0.1", verify_signature=policy)
    assert (done["packs"][0]["signer"], scene.host.pack_version("sensu")) == (signer.name, "1.0.1")
    assert scene.satisfied("sensu=1.0.1", verify_signature=policy)["packs"][0]["signer"] == signer.name
    told = scene.run("sensu", module="st2_pack_info")["packs"][0]
    assert told["signers"] == [signer.name]
    assert refused(scene, "sensu", state="latest", verify_signature=policy)


def test_what_was_installed_before_is_looked_at_once(scene: Scene, repository: GitRepository, signer: Signer) -> None:
    sign(repository, "1.0.2", signer)
    scene.change("sensu")
    policy = {"allowed_signers": [signer.line]}
    scene.git.clear()
    row = scene.keep("sensu", verify_signature=policy)["packs"][0]
    assert (row["action"], row["signer"], scene.git.requests) == ("adopt", signer.name, [])
    scene.satisfied("sensu", verify_signature=policy)


def test_an_old_signed_tag_under_a_new_name(scene: Scene, repository: GitRepository, signer: Signer) -> None:
    sign(repository, "1.0.2", signer, own_name="v1.0.1")
    message = refused(scene, "sensu=1.0.2", verify_signature={"allowed_signers": [signer.line]})
    assert "The tag v1.0.2 is in truth the tag v1.0.1, which somebody has put in its place." in message


def test_a_dependency_that_is_not_signed(scene: Scene, repository: GitRepository, signer: Signer) -> None:
    free = scene.repository("free")
    free.release(PackTree("free", "1.0.0", minimal=True, dependencies=["sensu"]))
    scene.publish()
    sign(free, "1.0.0", signer)
    message = refused(scene, "free", verify_signature={"allowed_signers": [signer.line]})
    assert message.startswith("sensu 1.0.2 from ")


@pytest.mark.skipif(bool(missing_program("gpg", "gnupg")), reason=missing_program("gpg", "gnupg"))
def test_a_release_that_gnupg_signed(scene: Scene, repository: GitRepository) -> None:
    jane, other = GpgSigner(), GpgSigner("Other <other@example.com>")
    try:
        signed_tag(repository.path, "v1.0.2", repository.sha("v1.0.2"), jane.sign)
        keys = [jane.public_key, other.public_key]
        message = refused(scene, "sensu", verify_signature={"gpg_fingerprints": [other.fingerprint], "gpg_keys": keys})
        assert f"it is signed by the key {jane.fingerprint}, which gpg_fingerprints does not name." in message
        policy = {"gpg_fingerprints": [jane.fingerprint.lower()], "gpg_keys": keys, "require": "tag"}
        done = scene.change("sensu", verify_signature=policy)
        assert done["packs"][0]["signer"] == jane.fingerprint
        scene.satisfied("sensu", verify_signature=policy)
        assert list(scene.host.tmp.glob("**/gnupg-*")) == []
    finally:
        jane.close()
        other.close()


def test_a_digest_that_is_asked_for(scene: Scene, repository: GitRepository) -> None:
    wanted = {"name": "sensu", "version": "1.0.2"}
    message = refused(scene, packs=[{**wanted, "digest": OTHER}])
    assert "are not those that the task asks for" in message and f"and not {OTHER}" in message
    scene.change("sensu")
    digest = scene.run("sensu", module="st2_pack_info")["packs"][0]["digest"]
    scene.satisfied(packs=[{**wanted, "digest": digest}])
    refused(scene, packs=[{**wanted, "digest": OTHER}])
