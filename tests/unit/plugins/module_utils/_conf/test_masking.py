# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is shown of values."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.masking import Masking

STARS = "********"


@pytest.mark.parametrize(
    ("option", "value", "shown"),
    [
        ("password", "hunter2", STARS),
        ("tls_certificate_key_file_password", "x", STARS),
        ("backend_kwargs", '{"a": 1}', STARS),
        ("ssl_passphrase", "x", STARS),
        ("password", "", ""),
        ("password", None, None),
        ("mask_secrets", "True", "True"),
        ("service_token_ttl", "5", "5"),
        ("url", "amqp://guest:hunter2@127.0.0.1:5672//", f"amqp://{STARS}@127.0.0.1:5672//"),
        ("url", "amqp://u:hun/ter2@h", f"amqp://{STARS}@h"),
        ("url", "amqp://u:hun@ter2@h", f"amqp://{STARS}@h"),
        ("cluster_urls", "amqp://u:hunter2@a,amqp://u:hunter2@b", f"amqp://{STARS}@a,amqp://{STARS}@b"),
        ("host", "mongodb://u:hunter2@a,b/st2", f"mongodb://{STARS}@a,b/st2"),
        ("index_url", "https://a/x,\nhttps://token@b/y", f"https://a/x,\nhttps://{STARS}@b/y"),
        ("index_url", "https://a/x", "https://a/x"),
        ("mine", "hunter2", STARS),
    ],
)
def test_a_value_is_masked(option, value, shown):
    assert Masking([("s", "mine")]).mask(("s", option), value) == shown


def test_a_pair_says_that_a_secret_differs():
    masking = Masking()
    assert masking.pair(("s", "password"), "a", "b") == (f"{STARS} (old)", f"{STARS} (new)")
    assert masking.pair(("s", "password"), "a", "a") == (STARS, STARS)
    assert masking.pair(("s", "password"), None, "a") == (None, STARS)
    assert masking.pair(("s", "url"), "a://x@h", "a://y@h") == (f"a://{STARS}@h (old)", f"a://{STARS}@h (new)")
    assert masking.pair(("s", "url"), "a://x@h", "a://y@i") == (f"a://{STARS}@h", f"a://{STARS}@i")
