#!/bin/sh
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# syslog_run.sh FOLDER PROGRAM...: run a program in a mount namespace whose /dev/log is FOLDER/log.
set -e
folder=$1
shift
mkdir -p "$folder/dev"
mount --rbind /dev "$folder/dev"
mount -t tmpfs tmpfs /dev
for path in "$folder"/dev/*; do
  ln -s "$path" "/dev/${path##*/}"
done
ln -sf "$folder/log" /dev/log
exec "$@"
