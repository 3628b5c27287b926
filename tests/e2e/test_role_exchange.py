# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role exchange refuses before it changes anything; on whole hosts, Molecule runs it."""

from __future__ import annotations

from infrastructure.ansible_run import run_play

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
ROLE = {"ansible.builtin.include_role": {"name": "stackstorm.st2.exchange", "tasks_from": "validate"}}


def test_all_that_is_wrong_is_said_at_once() -> None:
    variables = {
        "st2_exchange_server_name": "Exchange",
        "st2_exchange_content": {
            "hosted": ["acme-dns"],
            "packs": ["https://:canary@git.example.com/stackstorm-dns", {"name": "mail", "source": "/srv/mail"}],
            "index_url": ["https://index.example.com/v1/index.json"],
        },
        "st2_exchange_pythons": [3.10, "3.11"],
        "st2_exchange_certificate": "exchange.pem",
        "st2_exchange_push_keys": [KEY, 'command="sh" ' + KEY],
        "st2_exchange_trigger_keys": [KEY],
        "st2_exchange_htpasswd": ["ops:plain"],
        "st2_https_proxy": "http://proxy.example.com:3128",
        "st2_no_proxy": ["a\\b"],
    }
    play = run_play([ROLE], variables=variables)
    message = play["stackstorm.st2.exchange : Validate the variables"]["msg"]
    assert [word for word in SAID if word not in message] == [], message
    assert "canary" not in play.stdout + play.stderr


SAID = (
    "st2_exchange_server_name is 'Exchange'",
    "only valid together",
    "acme-dns in st2_exchange_content.hosted",
    "no public keys without options",
    "both st2_exchange_push_keys and st2_exchange_trigger_keys",
    "hashed password",
    "st2_exchange_pythons contains 3.1, which YAML reads as a number",
    "set st2_exchange_credentials",
    "The proxies cannot contain",
)


def test_what_is_right_is_taken() -> None:
    variables = {
        "st2_exchange_server_name": "exchange.example.com",
        "st2_exchange_content": {
            "packs": ["https://git.example.com/stackstorm-dns", "git@git.example.com:stackstorm-mail", {"name": "web"}]
        },
        "st2_exchange_pythons": ["3.10"],
        "st2_exchange_schedule": "daily",
    }
    play = run_play([ROLE], variables=variables)
    assert play["stackstorm.st2.exchange : Validate the variables"].get("failed") is not True, play.stdout
