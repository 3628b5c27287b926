#!/bin/sh
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Run when the image is made: download packages, and offer them in a source of this host, the only one, so that they can
# be installed without a network.
set -eu

offered=/srv/apt
mkdir -p "$offered"
cd "$offered"
apt-get update --quiet=2
# shellcheck disable=SC2046  # A word each.
apt-get install --quiet=2 --yes --no-install-recommends --download-only $(grep -v '^#' /opt/stand-in/exchange/packages.txt)
mv /var/cache/apt/archives/*.deb .
for package in *.deb; do
    dpkg-deb --field "$package"
    printf 'Filename: ./%s\nSize: %s\n' "$package" "$(stat --format=%s "$package")"
    printf 'SHA256: %s\n\n' "$(sha256sum "$package" | cut -d ' ' -f 1)"
done > Packages
rm -rf /etc/apt/sources.list.d/* /var/lib/apt/lists/*
echo "deb [trusted=yes] file:$offered ./" > /etc/apt/sources.list
apt-get update --quiet=2
