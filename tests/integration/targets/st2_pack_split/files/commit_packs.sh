#!/usr/bin/env bash
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Makes ROOT/many, a repository with both packs below packs; with a version, that becomes one of the pack weather.

set -eu

export HOME="$1" GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=Tester GIT_AUTHOR_EMAIL=tester@example.com
export GIT_COMMITTER_NAME=Tester GIT_COMMITTER_EMAIL=tester@example.com

mkdir -p "$1/many/packs"
cd "$1/many"
if [ $# = 1 ]; then
    git init --quiet
    for ref in weather units; do
        mkdir "packs/$ref"
        git -C "../repositories/stackstorm-$ref" archive v1.0.0 | tar -x -C "packs/$ref"
        git add --all
        git commit --quiet --message "Add $ref"
        git tag "$ref/v1.0.0"
    done
else
    sed -i "s/^version: .*/version: $2/" packs/weather/pack.yaml
    git commit --quiet --all --message "weather $2"
    git tag "weather/v$2"
fi
