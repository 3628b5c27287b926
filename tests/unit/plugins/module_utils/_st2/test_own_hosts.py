# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""StackStorm's own hosts, which no proxy must stand before: found in its settings, and never a piece of a password."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._st2.conf import read_settings
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.own_hosts import own_hosts


@pytest.mark.parametrize(
    ("section", "option", "value", "expected"),
    [
        ("auth", "api_url", "https://st2.example.com/api", ["st2.example.com"]),
        ("auth", "api_url", "", []),
        ("api", "host", "0.0.0.0", []),
        ("api", "host", "127.0.0.1", []),
        ("stream", "host", "::", []),
        ("messaging", "url", "amqp://st2:a/b,c@d:e@MQ.example.com:5672//", ["mq.example.com"]),
        ("messaging", "url", "amqp://st2:a b@c, d@mq/", ["mq"]),
        (
            "messaging",
            "cluster_urls",
            "amqp://u:x,y@one:1/, amqp://u:p@[2001:db8::1]:2, amqp://three",
            ["one", "2001:db8::1", "three"],
        ),
        ("database", "host", "mongodb://u:p@a:27017,b:27017/st2?x=1", ["a", "b"]),
        ("database", "host", "10.0.0.5", ["10.0.0.5"]),
        ("database", "host", "None", []),
        ("coordination", "url", "redis://:hunter2@redis.example.com:6379?ssl=true", ["redis.example.com"]),
        ("coordination", "url", "file:///tmp/coordination", []),
        ("coordination", "url", "etcd3+https://etcd:2379", ["etcd"]),
        ("content", "index_url", "https://index.example.com/", []),
    ],
)
def test_which_hosts_are_its_own(tmp_path, section, option, value, expected):
    conf = tmp_path / "st2.conf"
    conf.write_text(f"[{section}]\n{option} = {value}\n")
    assert own_hosts(read_settings(str(conf), {}, {})) == expected


def test_each_once_and_the_environment_counts(tmp_path):
    conf = tmp_path / "st2.conf"
    conf.write_text("[auth]\napi_url = http://one/\n[database]\nhost = one\n[messaging]\nurl = amqp://old\n")
    assert own_hosts(read_settings(str(conf), {}, {"ST2_MESSAGING__URL": "amqp://new"})) == ["one", "new"]
