# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for every service of StackStorm: it reads what that one reads, says what it has read, and stays.

What it says is in C(/run/st2-stand-in/NAME.json) (C(st2actionrunner@1.json) for a worker): its process id, arguments,
environment, and the options that its configuration gives by oslo.config, with the environment over the files as
StackStorm has it. st2api also answers, on the ports of st2api and st2auth: the stand-in API is one process.
"""

from __future__ import annotations

import configparser
import json
import os
import signal
import sys
import typing as t
from pathlib import Path

from oslo_config import cfg
from oslo_config.sources._environment import EnvironmentConfigurationSource

SAID = Path("/run/st2-stand-in")
STATE = Path("/var/lib/st2-stand-in")
ST2_CONF = "/etc/st2/st2.conf"
SIGNALS = (signal.SIGTERM, signal.SIGINT)

# The options that a test may want to see; True for those that StackStorm takes as lists.
OPTIONS = {
    "actionrunner": {"pip_opts": True, "python_binary": False, "virtualenv_binary": False, "virtualenv_opts": True},
    "api": {"host": False, "port": False},
    "auth": {"host": False, "port": False},
    "content": {
        "index_url": True,
        "pack_group": False,
        "packs_base_paths": False,
        "system_packs_base_path": False,
    },
    "coordination": {"url": False},
    "system": {"base_path": False},
}


class _Environment(EnvironmentConfigurationSource):  # type: ignore[misc]  # oslo.config has no type information
    """st2common/config.py St2EnvironmentConfigurationSource."""

    @staticmethod
    def get_name(group_name: t.Optional[str], option_name: str) -> str:
        return f"ST2_{(group_name or 'DEFAULT').upper()}__{option_name.upper()}"


def main(arguments: t.Sequence[str]) -> None:
    """Be the service whose program was called so."""
    service, files = _who(arguments)
    options = _read(service, files)
    worker = os.environ.get("WORKERID") if service == "st2actionrunner" else None
    name = f"{service}@{worker}" if worker else service
    said = {"pid": os.getpid(), "arguments": list(arguments), "environment": dict(os.environ), "options": options}
    partial = SAID / f"{name}.partial"
    partial.write_text(json.dumps(said, indent=2))
    partial.chmod(0o600)
    partial.replace(SAID / f"{name}.json")
    if service == "st2api":
        _answer(options["content"]["index_url"] or [])
    signal.sigwait(SIGNALS)


def _who(arguments: t.Sequence[str]) -> t.Tuple[str, t.List[str]]:
    """The name of the service, and what it gives oslo.config as arguments."""
    program = Path(arguments[0]).name
    if program == "gunicorn":
        # st2api/wsgi.py: one file and no other.
        return arguments[1].partition(".")[0], ["--config-file", os.environ.get("ST2_CONFIG_PATH", ST2_CONF)]
    return program, [*arguments[1:]]


def _read(service: str, arguments: t.List[str]) -> t.Dict[str, t.Dict[str, t.Any]]:
    conf = cfg.ConfigOpts()
    for section, options in OPTIONS.items():
        for name, is_list in options.items():
            conf.register_opt((cfg.ListOpt if is_list else cfg.StrOpt)(name), group=section)
    conf._env_driver = _Environment()
    conf(args=arguments, project="st2", prog=service)
    return {section: {name: conf[section][name] for name in options} for section, options in OPTIONS.items()}


def _answer(index_urls: t.Sequence[str]) -> t.NoReturn:
    """Become the stand-in API, where systemd's socket of st2api would be.

    Its generator reads the file, and only this one, by configparser (packaging/common/systemd/st2api-generator): what
    that refuses leaves StackStorm without an API.
    """
    parser = configparser.ConfigParser(strict=False)
    parser.read(ST2_CONF)
    ports = {f"--{name}-port": parser[name].get("port", default) for name, default in (("api", 9101), ("auth", 9100))}
    options = [part for name, port in ports.items() for part in (name, str(port))]
    options += [part for url in index_urls for part in ("--index-url", url)]
    command = [sys.executable, "-m", "infrastructure.st2_stub", "--st2-conf", ST2_CONF, "--ready", str(STATE / "api")]
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    os.execve(sys.executable, [*command, *options], {**os.environ, "PYTHONPATH": "/opt/stand-in"})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    main(sys.argv)
