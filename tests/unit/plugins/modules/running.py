# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules run in this process, as Ansible runs them, in check mode."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys
import syslog
from pathlib import Path

import pytest
from infrastructure.packs import PackTree
from infrastructure.st2_host import ScratchHost

MODULES = sorted(path.stem for path in (Path(__file__).resolve().parents[4] / "plugins/modules").glob("st2_*.py"))


class Hosts:
    """Runs modules in this process, on a scratch host with the pack demo."""

    def __init__(self, root):
        self.root = root
        self.host = ScratchHost(root / "host")
        PackTree("demo", "1.0.0").write(self.host.packs / "demo")

    def run(self, module_name, params):
        """What a module answers in check mode."""
        from ansible.module_utils.common import warnings
        from ansible.module_utils.testing import patch_module_args

        # A module has a process of its own.
        warnings._global_warnings.clear()
        warnings._global_deprecations.clear()
        internal = {"_ansible_check_mode": True, "_ansible_remote_tmp": str(self.root)}
        internal.update(_ansible_keep_remote_files=True, _ansible_module_name=module_name)
        said = io.StringIO()
        with patch_module_args({**params, **internal}), contextlib.redirect_stdout(said), pytest.raises(SystemExit):
            module(module_name).main()
        warnings._global_warnings.clear()
        return json.loads(said.getvalue())

    def refusal(self, module_name, params):
        """What a module says of options that it refuses, before anything has happened."""
        answer = self.run(module_name, params)
        assert answer.get("failed"), (module_name, params, answer)
        assert "bug in stackstorm.st2" not in answer["msg"]
        return answer["msg"]


def module(name):
    return importlib.import_module(f"ansible_collections.stackstorm.st2.plugins.modules.{name}")


def spec_of(name):
    """The ArgumentSpec that a module gives to the runner."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module(name), "run_module", lambda spec, _work: found.append(spec))
        module(name).main()
    return found[0]


def nested(options, path=()):
    for name, option in options.items():
        yield (*path, name), option
        yield from nested(option.get("options") or {}, (*path, name))


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    from ansible.module_utils import _internal, basic

    umask = os.umask(0o022)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", list(sys.path))
        patch.setattr(basic, "has_journal", False)
        patch.setattr(_internal, "is_controller", False)
        patch.setattr(syslog, "syslog", lambda *_arguments: None)
        yield Hosts(tmp_path_factory.mktemp("hosts"))
    os.umask(umask)
