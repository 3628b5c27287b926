#!/usr/bin/env bash
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Commits and pushes a version of the pack in ROOT/work, whose remote is ROOT/remote.git; the first time it makes both.

set -eu

export HOME="$1" GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=Tester GIT_AUTHOR_EMAIL=tester@example.com
export GIT_COMMITTER_NAME=Tester GIT_COMMITTER_EMAIL=tester@example.com

if [ ! -d "$1/work" ]; then
    git clone --quiet --bare "$1/repositories/stackstorm-units" "$1/remote.git"
    git clone --quiet "$1/remote.git" "$1/work"
fi
cd "$1/work"
sed -i "s/^version: .*/version: $2/" pack.yaml
git commit --quiet --all --message "Version $2"
git push --quiet origin HEAD
