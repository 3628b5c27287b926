#!/bin/sh
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What st2actionrunner.service runs: starts or stops as many workers as its environment file says.

for number in $(seq "${WORKERS:-2}"); do
    systemctl "$1" "st2actionrunner@$number" || failed=1
done
exit "${failed:-0}"
