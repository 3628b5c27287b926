# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the program of an Exchange ends with."""

from __future__ import annotations

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
