# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that must never get through, each with the reason that its author reads."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.request import from_option, parse_spec
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("=1.0", "no pack name"),
        ("-x", "must not begin with -"),
        ("--upload-pack=touch", "must not begin with -"),
        ("Sensu", "Did you mean sensu?"),
        ("circle-ci", "Did you mean circle_ci?"),
        ("sensu.x", "Did you mean sensu_x?"),
        ("é", "only a-z"),
        ("x" * 201, "at most 200"),
        ("_global", "StackStorm reserves this name"),
        ("_global=1.0", "StackStorm reserves this name"),
        ("sensu>=1.0", "ranges are not supported"),
        ("sensu==1.0", "after a single =. Did you mean sensu=1.0?"),
        ("https://h/x.git==1.0", "Did you mean https://h/x.git=1.0?"),
        ("https://me:pass@h/x.git==1.0", "Did you mean https://********@h/x.git=1.0?"),
        ("git@h:x==1.0", "Did you mean"),
        ("/srv/packs/x==1.0", "Did you mean /srv/packs/x=1.0?"),
        ("sensu@1.0", 'sensu@1.0" cannot be used: a version is written after =. Did you mean sensu=1.0?'),
        ("sensu@latest", "Did you mean sensu=latest?"),
        ("sensu:1.0", 'sensu:1.0" cannot be used: a version is written after =. Did you mean sensu=1.0?'),
        ("sensu:latest", "Did you mean sensu=latest?"),
        ("sensu:v1.0.2=x", "cannot be used"),
        ("hunter2@10.0.0.1", '"********@10.0.0.1" cannot be used: write a whole URL'),
        ("user@host", "a whole URL"),
        ("./local", "absolute path"),
        ("../local", "absolute path"),
        ("~/local", "absolute path"),
        ("~me/local=1", "absolute path"),
        (".", "absolute path"),
        ("a/b/c", "ORG/REPO"),
        ("org/", "ORG/REPO"),
        ("org/..", "ORG/REPO"),
        ("-org/repo", "must not begin with -"),
        ("org/-repo", "ORG/REPO"),
        ("github.com/org/repo", "a whole URL"),
        ("a b", "spaces"),
        ("sensu\n", "spaces"),
        ("sensu\x00", "control characters"),
        ("sensu\u200b", "control characters"),
        ("sensu\ud800", "control characters"),
        ("https://h/a b", "spaces"),
        ("x" * 3000, "longer than"),
        ("ext::sh", "TRANSPORT::ADDRESS"),
        ("ext::https://h/x", "TRANSPORT::ADDRESS"),
        ("fd::7/foo", "TRANSPORT::ADDRESS"),
        ("ftp://h/x", "https, http, ssh, git, file only"),
        ("javascript://h/x", "https, http, ssh, git, file only"),
        ("git+https://h/x", "without git+"),
        ("git+ssh://git@h/x", "without git+"),
        ("https://", "host name"),
        ("https:///x", "host name"),
        ("https://-h/x", "host name"),
        ("https://h\\@evil/x", "names no repository"),
        ("https://h\\/x", "host name"),
        ("https://h:0/x", "port"),
        ("https://h:65536/x", "port"),
        ("https://h:²/x", "port"),
        ("https://h:/x", "port"),
        ("https://hé/x", "host name"),
        ("https://h", "names no repository"),
        ("https://h/", "names no repository"),
        ("https://h/?a=b", "names no repository"),
        ("https://h/x#v1", "=VERSION"),
        ("https://h/x\\y", "names no repository"),
        ("https://u:p%0Ahost=evil@h/x", "control characters"),
        ("https://h/x?token=a%0Ab", "control characters"),
        ("ssh://-oProxyCommand=touch/x", "host name"),
        ("ssh://-oProxyCommand@h/x", "user name"),
        ("-oProxyCommand@h:x/y", "must not begin with -"),
        ("host:-x/y", "names no repository"),
        ("host:/", "names no repository"),
        ("h$(id):x/y", "host name"),
        ("file://h/x", "file:///"),
        ("file://x", "file:///"),
        ("file:///", "root directory"),
        ("/", "root directory"),
        ("//=1", "root directory"),
        ("https:h/x", "two slashes"),
        ("https:/h/x", "two slashes"),
        ("sensu=..", "git has no version"),
        ("sensu=a..b", "git has no version"),
        ("sensu=HEAD~1", "git has no version"),
        ("sensu=main^", "git has no version"),
        ("sensu=a:b", "git has no version"),
        ("sensu=a?b", "git has no version"),
        ("sensu=a*b", "git has no version"),
        ("sensu=a[b", "git has no version"),
        ("sensu=a\\b", "git has no version"),
        ("sensu=@{-1}", "git has no version"),
        ("sensu=@", "git has no version"),
        ("sensu=a.lock", "git has no version"),
        ("sensu=a.lock/b", "git has no version"),
        ("sensu=/a", "git has no version"),
        ("sensu=a/", "git has no version"),
        ("sensu=a//b", "git has no version"),
        ("sensu=.a", "git has no version"),
        ("sensu=a/.b", "git has no version"),
        ("sensu=a.", "git has no version"),
        ("sensu=-x", "must not begin with -"),
    ],
)
def test_what_is_refused_and_why(text, why):
    with pytest.raises(OptionError) as caught:
        parse_spec(text)
    assert why in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "user:hunter2@github.com/org/repo",
        "hunter2@github.com/org/repo",
        "https:/u:hunter2@h/x",
        "https:u:hunter2@h/x",
        "https://u:hunter2/a@h/x",
        "https://u:80/hunter2@h/x",
        "https://u/:hunter2@h/x",
        "https://u:hunter2#a@h/x",
        "https://u:hunter2@h/x y",
        "https://u:hunter2@h/x#v1",
        "ftp://u:hunter2@h/x",
        "me:hunter2@host:org/repo",
        "ssh://a$b:hunter2@h/x",
        "https://h/?token=hunter2",
    ],
)
def test_a_refusal_does_not_show_passwords(text):
    with pytest.raises(OptionError) as caught:
        parse_spec(text)
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("value", [None, 1.0, 3, True, ["sensu"], {"name": "sensu"}])
def test_what_is_no_string_is_refused(value):
    with pytest.raises(OptionError, match="must be a string"):
        parse_spec(value)


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ({}, "neither a name nor a source"),
        ({"version": "1.0"}, "neither a name nor a source"),
        ({"name": "sensu=1.0.2", "version": "1.0.3"}, "Give one of them"),
        ({"name": "sensu=1.0.2", "source": "https://h/x"}, "only a-z"),
        ({"name": "Sensu", "source": "https://h/x"}, "Did you mean sensu?"),
        ({"name": "_global", "source": "https://h/x"}, "StackStorm reserves this name"),
        ({"name": "", "source": "https://h/x"}, "no pack name"),
        ({"source": "sensu"}, "a whole URL"),
        ({"source": ""}, "source is empty"),
        ({"source": "./x"}, "absolute path"),
        ({"source": "ext::sh"}, "TRANSPORT::ADDRESS"),
        ({"source": "-x"}, "must not begin with -"),
        (
            {"name": "sensu", "version": 2024.1},
            "The version of sensu is not a string: YAML reads it as the number 2024.1",
        ),
        (
            {"source": "https://h/x", "version": 42798},
            "The version of https://h/x is not a string: YAML reads it as the",
        ),
        ({"name": "sensu", "version": True}, "YAML reads it as the boolean true. Quote it"),
        ({"name": "sensu", "version": [1]}, "must be a string, not list"),
        ({"name": 5}, "The name of 5 is not a string"),
        ({"name": "sensu", "version": "-x"}, "must not begin with -"),
        ({"name": "sensu", "version": "a b"}, "spaces"),
        ({"source": "/a", "subdir": "/etc"}, "inside the source"),
        ({"source": "/a", "subdir": "a/../../b"}, "inside the source"),
        ({"source": "/a", "subdir": ".."}, "inside the source"),
        ({"source": "/a", "subdir": "~/x"}, "inside the source"),
        ({"source": "/a", "subdir": "a\\..\\b"}, "inside the source"),
        ({"source": "/a", "subdir": ".git/hooks"}, "inside the source"),
        ({"source": "/a", "subdir": "a/.GIT"}, "inside the source"),
        ({"source": "/a", "subdir": "-x"}, "must not begin with -"),
        ({"source": "/a", "digest": "sha256:00"}, "64 hexadecimal digits"),
        ({"source": "/a", "digest": "md5:00"}, "64 hexadecimal digits"),
    ],
)
def test_items_of_packs_that_are_refused(item, why):
    with pytest.raises(OptionError) as caught:
        from_option(item)
    assert why in caught.value.message


def test_a_source_is_no_name_with_a_version():
    with pytest.raises(OptionError, match=r"Did you mean sensu=1\.0\?"):
        from_option({"source": "sensu:1.0"})
