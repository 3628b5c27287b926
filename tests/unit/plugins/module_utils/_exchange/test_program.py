# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the program of an Exchange ends with."""

from __future__ import annotations

import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange import program, update


@pytest.mark.parametrize("error", [KeyError("a"), RecursionError(), BrokenPipeError(32, "Broken pipe")])
def test_a_bug_is_no_run_that_has_published_the_rest(tmp_path, monkeypatch, capsys, error):
    def fail(*_arguments):
        raise error

    (tmp_path / "triggers").mkdir()
    settings = tmp_path / "exchange.yml"
    settings.write_text(f"{{url: 'https://a.example.com', root: {tmp_path}, hosted: [a]}}")
    monkeypatch.setattr(update, "update", fail)
    assert program.main(["--settings", str(settings), "update"], environment={}) == program.NOTHING_DONE
    assert capsys.readouterr().err


def test_an_update_leaves_what_was_pushed_to_a_build(tmp_path, monkeypatch):
    triggers = tmp_path / "triggers"
    triggers.mkdir()
    for name in ("pushed", "update"):
        (triggers / name).touch()
        os.utime(triggers / name, (1, 1))
    settings = tmp_path / "exchange.yml"
    settings.write_text(f"{{url: 'https://a.example.com', root: {tmp_path}, hosted: [a]}}")
    seen = []

    def stop(*_arguments):
        seen.extend(path.name for path in triggers.iterdir())
        raise OSError("stop")

    monkeypatch.setattr(update, "update", stop)
    program.main(["--settings", str(settings), "update"], environment={})
    assert seen == ["pushed"]
