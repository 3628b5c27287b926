# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures of an index, held against ssh-keygen's own judgement."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from infrastructure.environment import clean_environment

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._index.signing import Signer

pytestmark = [
    pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is missing: install openssh-client"),
]


def make_key(path, kind="ed25519", passphrase=""):
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(path)], check=True)
    return str(path)


def signer(tmp_path, key):
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    return Signer(key, scratch=str(scratch), deadline=Deadline(60), environment=clean_environment())


def verified(tmp_path, key, content, signature, namespace="st2-index"):
    with open(f"{key}.pub", encoding="ascii") as stream:
        (tmp_path / "allowed").write_text(f"index@example.com {stream.read()}")
    (tmp_path / "sig").write_bytes(signature)
    command = ["ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", "index@example.com"]
    command += ["-n", namespace, "-s", str(tmp_path / "sig")]
    return subprocess.run(command, input=content, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_others_can_verify_it(tmp_path, kind):
    key = make_key(tmp_path / "key", kind)
    one = signer(tmp_path, key)
    signature = one.sign(b"an index")
    assert verified(tmp_path, key, b"an index", signature)
    assert not verified(tmp_path, key, b"another index", signature)
    assert not verified(tmp_path, key, b"an index", signature, namespace="git")
    assert one.has_signed(b"an index", signature)


def test_what_is_no_signature_of_the_key(tmp_path):
    one = signer(tmp_path, make_key(tmp_path / "key"))
    other = signer(tmp_path, make_key(tmp_path / "other"))
    signature = one.sign(b"an index")
    assert not one.has_signed(b"another", signature)
    assert not other.has_signed(b"an index", signature)
    for wrong in (None, b"", b"nonsense", signature[:-40]):
        assert not one.has_signed(b"an index", wrong)


def test_a_key_that_cannot_sign(tmp_path):
    with pytest.raises(OptionError, match="is not a file"):
        signer(tmp_path, str(tmp_path / "none"))
    locked = make_key(tmp_path / "locked", passphrase="secret")
    with pytest.raises(OptionError, match="no passphrase"):
        signer(tmp_path, locked).sign(b"an index")
    (tmp_path / "text").write_text("no key\n")
    os.chmod(tmp_path / "text", 0o600)
    with pytest.raises(OptionError, match="cannot be signed"):
        signer(tmp_path, str(tmp_path / "text")).sign(b"an index")


def test_a_host_without_the_program(tmp_path):
    key = make_key(tmp_path / "key")
    with pytest.raises(OptionError, match="install OpenSSH"):
        Signer(key, scratch=str(tmp_path), deadline=Deadline(60), environment={"PATH": str(tmp_path)})
