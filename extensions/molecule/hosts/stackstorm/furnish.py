# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give a Debian the shape of a StackStorm host: accounts, directories, units, StackStorm's own packs and programs.

Run once, when the image is made, with StackStorm's own Python. Owners, groups, modes and units are those of the
packages (packaging/common, packaging/deb).
"""

from __future__ import annotations

import shutil
import subprocess
import typing as t
from pathlib import Path

from infrastructure.packs import PackTree
from infrastructure.st2_host import BASE_ACTION, STACKSTORM_VERSION, SYSTEM_PACKS
from infrastructure.st2_stub import ADMIN, register_content

HERE = Path(__file__).resolve().parent
SERVICE = Path("/opt/stackstorm/st2")
UNITS = Path("/etc/systemd/system")
STATE = Path("/var/lib/st2-stand-in")
DATABASE = STATE / "api.st2-database.json"

# Owner, group and mode of directories.
DIRECTORIES = (
    ("/etc/st2", "root", "root", 0o755),
    ("/opt/stackstorm/packs", "root", "st2packs", 0o775),
    ("/opt/stackstorm/virtualenvs", "root", "st2packs", 0o775),
    ("/opt/stackstorm/configs", "st2", "root", 0o755),
    ("/opt/stackstorm/overrides", "st2", "root", 0o755),
    ("/opt/stackstorm/exports", "st2", "root", 0o755),
    ("/var/log/st2", "st2", "adm", 0o755),
    (str(STATE), "st2", "st2", 0o755),
)
# By gunicorn, which is given no --config-file; the others are given one in DAEMON_ARGS.
GUNICORN = ("st2api", "st2auth", "st2stream")
DAEMONS = (
    "st2garbagecollector",
    "st2notifier",
    "st2rulesengine",
    "st2scheduler",
    "st2sensorcontainer",
    "st2timersengine",
    "st2workflowengine",
)

# What an administrator has told pip: where packages come from, and to trust what the system trusts.
PIP_CONF = """\
[global]
index-url = https://packages.example.test:8445/simple/
cert = /etc/ssl/certs/ca-certificates.crt
"""

UNIT = """\
[Unit]
Description=StackStorm service {name}
After=network.target
{unit}
[Service]
Type=simple
User={user}
Group={group}
{service}Environment="DAEMON_ARGS={arguments}"
EnvironmentFile=-/etc/default/{name}
ExecStart={program} $DAEMON_ARGS
TimeoutSec=60
PrivateTmp=true
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
"""
RUNNERS = """\
[Unit]
Description=StackStorm service st2actionrunner
After=network.target

[Service]
Type=oneshot
EnvironmentFile=-/etc/default/st2actionrunner
ExecStart=/bin/bash {service}/bin/runners.sh start
ExecStop=/bin/bash {service}/bin/runners.sh stop
PrivateTmp=true
RemainAfterExit=true

[Install]
WantedBy=multi-user.target
"""


def main() -> None:
    """Do it all."""
    add_accounts()
    add_directories()
    add_programs()
    add_units()
    shutil.copyfile(HERE / "st2.conf", "/etc/st2/st2.conf")
    # Lines of somebody else, which nobody may take away.
    Path("/etc/default/st2actionrunner").write_text("# Two are enough here.\nWORKERS=2\n")
    for name in SYSTEM_PACKS:
        PackTree(name, STACKSTORM_VERSION, minimal=True).write(Path("/opt/stackstorm/packs") / name)
    run("chgrp", "--recursive", "st2packs", "/opt/stackstorm/packs")
    write(Path("/etc/pip.conf"), PIP_CONF)
    write(Path("/root/.st2/config"), f"[credentials]\napi_key = {ADMIN.api_key}\n", 0o600)
    run(SERVICE / "bin" / "st2-register-content", "--config-file", "/etc/st2/st2.conf", "--register-all")


def add_accounts() -> None:
    """StackStorm's user, the group of the packs, and the user that remote commands run as."""
    run("groupadd", "--system", "st2packs")
    run("useradd", "--system", "--user-group", "--groups", "st2packs", "--home-dir", "/home/st2", "st2")
    run("useradd", "--create-home", "--user-group", "--home-dir", "/home/stanley", "stanley")


def add_directories() -> None:
    """StackStorm's directories, and the one where the stand-ins have their state."""
    for path, owner, group, mode in DIRECTORIES:
        Path(path).mkdir(parents=True, exist_ok=True)
        shutil.chown(path, owner, group)
        Path(path).chmod(mode)
    # Root writes the database too, by st2-register-content, and must not be the lock's owner.
    lock = Path(f"{DATABASE}.lock")
    lock.touch()
    shutil.chown(lock, "st2", "st2")
    Path("/etc/tmpfiles.d/st2-stand-in.conf").write_text("d /run/st2-stand-in 1777 root root\n")


def add_programs() -> None:
    """The services' programs, all of them one; st2-register-content; the modules that packs import."""
    stand_in = (HERE / "stand_in.py").read_text()
    for name in ("gunicorn", "st2actionrunner", *DAEMONS):
        write(SERVICE / "bin" / name, f"#!{SERVICE}/bin/python\n{stand_in}", 0o755)
    shutil.copy(HERE / "runners.sh", SERVICE / "bin" / "runners.sh")
    register_content.install(SERVICE, DATABASE)
    (site,) = SERVICE.glob("lib/python3*/site-packages")
    write(site / "st2common" / "__init__.py", f'__version__ = "{STACKSTORM_VERSION}"\n')
    write(site / "st2common" / "runners" / "__init__.py", "")
    write(site / "st2common" / "runners" / "base_action.py", BASE_ACTION)


def add_units() -> None:
    """The units of all services, enabled as the packages do it; st2actionrunner starts its own."""
    for name in GUNICORN:
        log = f"--log-config /etc/st2/logging.{name[3:]}.gunicorn.conf --error-logfile /var/log/st2/{name}.log"
        add_unit(name, f"{SERVICE}/bin/gunicorn {name}.wsgi:application", f"-k eventlet --workers 1 {log}")
    for name in DAEMONS:
        add_unit(name, f"{SERVICE}/bin/{name}", "--config-file /etc/st2/st2.conf")
    add_unit(
        "st2actionrunner",
        f"{SERVICE}/bin/st2actionrunner",
        "--config-file /etc/st2/st2.conf",
        file="st2actionrunner@",
        user="root",
        group="st2packs",
        unit="JoinsNamespaceOf=st2actionrunner.service\n",
        service='UMask=002\nEnvironment="WORKERID=%i"\n',
    )
    write(UNITS / "st2actionrunner.service", RUNNERS.format(service=SERVICE))
    run("systemctl", "enable", "--quiet", *GUNICORN, *DAEMONS, "st2actionrunner")


def add_unit(name: str, program: str, arguments: str, file: str = "", **lines: str) -> None:
    """Write the unit of one service; C(lines) are those in which it differs."""
    values = {"user": "st2", "group": "st2", "unit": "", "service": "", **lines}
    text = UNIT.format(name=name, program=program, arguments=arguments, **values)
    write(UNITS / f"{file or name}.service", text)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file, with the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def run(*command: t.Union[str, Path]) -> None:
    """Run a program of the system, which must succeed."""
    subprocess.run([str(part) for part in command], check=True)


if __name__ == "__main__":
    main()
