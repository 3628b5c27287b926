# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The config file of the st2 client, C(~/.st2/config), where an account keeps its URLs and credentials."""

from __future__ import annotations

import configparser
import os
import typing as t
from dataclasses import dataclass, field

from .._errors import OptionError

# st2client/config_parser.py ST2_CONFIG_PATH
_DEFAULT_PATH = "~/.st2/config"


@dataclass(frozen=True)
class ClientConfig:
    """What stands in the file.

    :arg path: Of the file, absolute.
    """

    path: str
    values: t.Mapping[t.Tuple[str, str], str] = field(default_factory=dict, repr=False)

    def get(self, section: str, option: str) -> str:
        """One value; empty when it is not set."""
        return self.values.get((section, option), "")


def read_client_config(environment: t.Mapping[str, str]) -> ClientConfig:
    """The config file of the account that this process runs as; an empty one when there is none.

    E(ST2_CONFIG_FILE) and E(ST2_CLI_SKIP_CONFIG) mean what they mean to the st2 client (st2client/base.py).

    :raises OptionError: when it cannot be read; what stands in it is not shown.
    """
    path = environment.get("ST2_CONFIG_FILE") or _DEFAULT_PATH
    home = environment.get("HOME")
    if path.startswith("~/") and home:
        path = os.path.join(home, path[2:])
    path = os.path.abspath(os.path.expanduser(path))
    if environment.get("ST2_CLI_SKIP_CONFIG", "0") not in ("", "0"):
        return ClientConfig(path)
    parser = configparser.RawConfigParser()
    try:
        with open(path, encoding="utf-8") as stream:
            parser.read_file(stream)
    except (FileNotFoundError, NotADirectoryError):
        if environment.get("ST2_CONFIG_FILE"):
            raise OptionError(
                f"{path}, which ST2_CONFIG_FILE names as the config of the st2 client, does not exist."
            ) from None
        return ClientConfig(path)
    except OSError as error:
        raise OptionError(f"{path}, the config of the st2 client, cannot be read: {error.strerror}.") from error
    except (configparser.Error, ValueError):
        # Their text has the line, which may be the one with the password.
        raise OptionError(
            f"{path} is not a config of the st2 client, which has sections such as [credentials]."
        ) from None
    return ClientConfig(
        path,
        {(section, option): value for section in parser.sections() for option, value in parser.items(section) if value},
    )
