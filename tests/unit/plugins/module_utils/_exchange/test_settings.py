# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of an Exchange: everything that is wrong with them is said at once, and nothing is taken on trust."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.settings import read_settings, settings_from

LEAST = {"url": "https://exchange.example.com/", "hosted": ["acme_dns"]}


def test_what_is_not_set_is_the_default():
    settings = settings_from({**LEAST, "packs": None, "timeout": None})
    assert (settings.url, settings.root) == ("https://exchange.example.com", "/var/lib/st2-exchange")
    assert settings.served_url("acme_dns") == "https://exchange.example.com/git/acme_dns.git"
    assert settings.repository("acme_dns") == "/var/lib/st2-exchange/git/acme_dns.git"
    assert settings.mirror and settings.page and not settings.follow_moved_tags
    assert (settings.packs, settings.index_allowed_signers, settings.timeout) == ((), None, 600)
    assert settings.platforms == ("manylinux_2_28_x86_64",)


def test_everything_is_read():
    settings = settings_from(
        {
            **LEAST,
            "root": "/srv/exchange/",
            "packs": ["https://git.example.com/a.git=1.0.0", {"source": "git@example.com:b", "name": "b"}, "sensu"],
            "index_url": ["https://index.stackstorm.org/v1/index.json"],
            "pythons": ["3.8", "3.11"],
            "platforms": ["manylinux_2_28_x86_64"],
            "sign_key": "sign_key",
            "https_proxy": "http://proxy:3128",
            "timeout": 5,
        }
    )
    assert [request.version for request in settings.packs] == ["1.0.0", None, None]
    assert [request.expected_ref for request in settings.packs] == [None, "b", "sensu"]
    assert (settings.www, settings.state_dir) == ("/srv/exchange/www", "/srv/exchange/state")
    assert settings.proxy["https_proxy"] == "http://proxy:3128" and settings.timeout == 5.0
    assert "proxy" not in repr(settings)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": None}, "url is missing"),
        ({"url": "exchange.example.com"}, "such as https://exchange.example.com"),
        ({"url": "https://me:secret@exchange"}, "file of credentials"),
        ({"colour": 1, "size": 2}, "no setting colour, size"),
        ({"root": "data"}, "absolute path"),
        ({"root": "/"}, "below the root"),
        ({"packs": ["sensu"]}, "no index_url to look it up in"),
        ({"packs": [{"source": "/srv/a", "subdir": "x"}]}, "has subdir: only name, version, source"),
        ({"packs": ["https://me:secret@example.com/a"]}, "file of credentials"),
        ({"packs": [{"source": "https://example.com/a", "name": "acme_dns"}]}, "in packs and in hosted"),
        ({"hosted": ["acme-dns"]}, "Did you mean acme_dns"),
        ({"packs": ["https://secret@example.com/a"]}, "file of credentials"),
        ({"hosted": ["status"]}, "the report of everything"),
        ({"hosted": ["core"]}, "StackStorm's own packs"),
        ({"hosted": ["a", "a"]}, "same name twice"),
        ({"hosted": []}, "nothing to serve"),
        ({"mirror": "yes"}, "mirror must be true or false"),
        ({"index_url": "https://example.com"}, "index_url must be a list"),
        ({"index_url": ["https://me:secret@example.com"]}, "file of credentials"),
        ({"pythons": ["2.7"]}, "such as"),
        ({"pythons": ["3.11.2"]}, "such as"),
        ({"pythons": [3.1]}, "must be text"),
        ({"platforms": ["linux; rm"]}, "manylinux2014_x86_64"),
        ({"pythons": ["3.11"], "platforms": []}, "pythons is set, and platforms is empty"),
        ({"revision": "newest"}, "tag, branch, published"),
        ({"timeout": True}, "number of seconds"),
        ({"timeout": 0}, "number of seconds"),
        ({"sign_key": "../key"}, "absolute path"),
    ],
)
def test_what_is_refused(wrong, words):
    with pytest.raises(OptionError) as caught:
        settings_from({**LEAST, **wrong})
    assert words in caught.value.message and "secret" not in caught.value.message


def test_all_is_said_at_once_with_the_file(tmp_path):
    path = tmp_path / "exchange.yml"
    path.write_text("url: 5\nmirror: 1\nother: x\n")
    with pytest.raises(OptionError) as caught:
        read_settings(str(path))
    for words in (str(path), "no setting other", "url must be text", "mirror must be"):
        assert words in caught.value.message


@pytest.mark.parametrize("content", ["[]", "a: [", None])
def test_a_file_that_is_none(tmp_path, content):
    path = tmp_path / "exchange.yml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(OptionError, match=r"[Tt]he settings"):
        read_settings(str(path))
