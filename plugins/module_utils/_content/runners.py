# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The parameters of StackStorm's runners, which an action may set but not change (contrib/runners of 3.9.0)."""

from __future__ import annotations

import typing as t


class Parameter(t.NamedTuple):
    """A parameter of a runner, as far as an action that has one of this name is held to it."""

    type: str
    has_default: bool = False
    immutable: bool = False
    secret: t.Optional[bool] = None


_TEXT = Parameter("string")
_TEXT_SET = Parameter("string", True)
_FLAG = Parameter("boolean", True)
_NUMBER = Parameter("integer", True)
_OBJECT = Parameter("object")
_LIST = Parameter("array", True)
_SECRET = Parameter("string", secret=True)
_SHELL = {
    "env": _OBJECT,
    "kwarg_op": _TEXT_SET,
    "sudo": _FLAG,
    "sudo_password": Parameter("string", True, secret=True),
    "timeout": _NUMBER,
}
_REMOTE = {
    **_SHELL,
    **dict.fromkeys(("bastion_host", "hosts", "username"), _TEXT),
    **dict.fromkeys(("cwd", "dir"), _TEXT_SET),
    **dict.fromkeys(("passphrase", "password", "private_key"), _SECRET),
    "parallel": Parameter("boolean", True, True),
    "port": Parameter("integer"),
}
_WINRM = {
    **dict.fromkeys(("cwd", "host", "username"), _TEXT),
    **dict.fromkeys(("kwarg_op", "scheme", "transport"), _TEXT_SET),
    **dict.fromkeys(("port", "timeout"), _NUMBER),
    "env": _OBJECT,
    "password": _SECRET,
    "verify_ssl_cert": _FLAG,
}
_RUNNERS: t.Mapping[str, t.Mapping[str, Parameter]] = {
    "action-chain": {"display_published": _FLAG, "skip_notify": _LIST},
    "announcement": {"experimental": _FLAG, "route": _TEXT_SET},
    "http-request": {
        **dict.fromkeys(("http_proxy", "https_proxy", "url", "username"), _TEXT),
        **dict.fromkeys(("cookies", "headers"), _OBJECT),
        **dict.fromkeys(("url_hosts_blacklist", "url_hosts_whitelist"), Parameter("array")),
        **dict.fromkeys(("allow_redirects", "verify_ssl_cert"), _FLAG),
        "password": _SECRET,
    },
    "inquirer": {
        "schema": Parameter("object", True),
        "route": _TEXT_SET,
        "roles": _LIST,
        "users": _LIST,
        "ttl": _NUMBER,
    },
    "local-shell-cmd": {**_SHELL, "cmd": _TEXT, "cwd": _TEXT},
    "local-shell-script": {**_SHELL, "cwd": _TEXT, "debug": _FLAG, "content_version": _TEXT},
    "noop": {},
    "orchestra": {"notify": _LIST},
    "orquesta": {"notify": _LIST},
    "python-script": {
        "debug": _FLAG,
        "content_version": _TEXT,
        "env": _OBJECT,
        "timeout": _NUMBER,
        "log_level": _TEXT_SET,
    },
    "remote-shell-cmd": {**_REMOTE, "cmd": _TEXT, "dir": Parameter("string", True, True)},
    "remote-shell-script": _REMOTE,
    "winrm-cmd": {**_WINRM, "cmd": _TEXT},
    "winrm-ps-cmd": {**_WINRM, "cmd": _TEXT},
    "winrm-ps-script": _WINRM,
}


def is_known(runner: str) -> bool:
    """Whether it is one of StackStorm's own; of others nobody knows what parameters they have."""
    return runner in _RUNNERS


def parameters_of(runner: str) -> t.Mapping[str, Parameter]:
    """The parameters of a runner; none of one that is not known."""
    return _RUNNERS.get(runner, {})
