# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials go to the servers, and to the parts of them, that they are for, and nowhere else."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import St2Error
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.credentials import read_credentials

LISTED = """
- {url: https://git.example.com, username: reader, password: broad-secret}
- {url: "https://git.example.com/private/", username: other, password: narrow-secret}
- {url: "http://10.0.0.1:8080", password: token-secret}
"""


def read(tmp_path, content=None):
    if content is not None:
        (tmp_path / "credentials").write_text(content)
    return read_credentials({"CREDENTIALS_DIRECTORY": str(tmp_path)})


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("https://git.example.com/org/pack.git", "broad-secret"),
        ("https://GIT.example.com:443/org/pack", "broad-secret"),
        ("https://git.example.com/private/pack", "narrow-secret"),
        ("https://git.example.com/private-not/pack", "broad-secret"),
        ("http://10.0.0.1:8080/a", "token-secret"),
        ("http://10.0.0.1/a", ""),
        ("http://git.example.com/org/pack", ""),
        ("https://git.example.com.evil.org/pack", ""),
        ("https://evil.org/https://git.example.com/pack", ""),
        ("ssh://git.example.com/pack", ""),
        ("/srv/git.example.com", ""),
    ],
)
def test_what_is_sent_where(tmp_path, url, password):
    assert read(tmp_path, LISTED).find(url).password == password


def test_what_the_unit_gives_beside(tmp_path):
    assert read(tmp_path)._asdict() == {"scopes": (), "ssh_key_file": None, "known_hosts_file": None}
    (tmp_path / "ssh_key").write_text("key")
    found = read(tmp_path, LISTED)
    assert found.ssh_key_file == str(tmp_path / "ssh_key") and found.known_hosts_file is None
    assert sorted(found.secrets()) == ["broad-secret", "narrow-secret", "token-secret"]
    assert "secret" not in repr(found)
    assert not read_credentials({}).find("https://git.example.com/a")


@pytest.mark.parametrize(
    ("index", "trusted"),
    [
        ("https://index.stackstorm.org/v1/index.json", False),
        ("https://git.example.com/packs/index.json", True),
        ("/srv/index.json", True),
        ("file:///srv/index.json", True),
    ],
)
def test_an_index_of_somebody_else_opens_nothing(tmp_path, index, trusted):
    assert read(tmp_path, LISTED).trusts(index) is trusted


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: b", "not a list"),
        ("- {url: https://a, password: secret-1, token: secret-2}", "url, username, password, and no others"),
        ("- {url: git.example.com, password: secret-1}", "has no url such as"),
        ("- {url: 'https://me:secret-1@a', password: secret-2}", "without credentials in it"),
        ("- {url: https://a}", "has no password"),
        ("- {url: https://a, password: 12345678}", "must be text"),
    ],
)
def test_what_is_refused_shows_no_secret(tmp_path, content, words):
    with pytest.raises(St2Error) as caught:
        read(tmp_path, content)
    assert words in caught.value.message and "secret-" not in caught.value.message
