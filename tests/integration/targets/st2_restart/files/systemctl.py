# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A stand-in for systemd that knows st2api alone: it says since when that runs, and writes down what it is told.

import pathlib
import sys
import time

here = pathlib.Path(__file__).parent
command, arguments = sys.argv[1], sys.argv[2:]
if command == "show":
    names = [name for name in arguments if name == "st2api.service"]
    started = here.joinpath("started").read_text().strip()
    properties = "Id=%s\nActiveState=active\nNeedDaemonReload=no\nExecMainStartTimestampMonotonic=%s\n"
    print("\n".join(properties % (name, started) for name in names))
else:
    with here.joinpath("told").open("a") as told:
        print(command, *arguments, file=told)
    if here.joinpath("broken").exists():
        sys.exit("Job for st2api.service failed.")
    here.joinpath("started").write_text(str(int(time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6)))
