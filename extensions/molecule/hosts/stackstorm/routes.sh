#!/bin/sh
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# "routes.sh proxy": from now on this host reaches proxy.example.test and no other server, so what it gets has come from
# there. "routes.sh exchange": the same with exchange.example.test.
# "routes.sh none": no server at all. Names are still resolved, and who has come from outside gets an answer.
# "routes.sh all": as it was.
set -eu

saved=/run/molecule-routes
case $1 in
proxy|exchange|none)
    [ ! -e "$saved" ] || exit 0
    # The name service and who comes from outside are at the gateway.
    gateway=$(ip route show default | sed 's/.* via \([^ ]*\).*/\1/')
    device=$(ip route show default | sed 's/.* dev \([^ ]*\).*/\1/')
    only=$(getent ahostsv4 "$1.example.test" | sed -n '1s/ .*//p') || :
    ip route save > "$saved.new"
    ip route replace "$gateway" dev "$device"
    [ "$1" = none ] || ip route replace "$only" dev "$device"
    for network in $(ip route show scope link dev "$device" | sed -n 's/^\([^ ]*\/[0-9]*\) .*/\1/p'); do
        ip route delete "$network" dev "$device"
    done
    ip route delete default
    ip route add unreachable default
    mv "$saved.new" "$saved"
    ;;
all)
    [ -e "$saved" ] || exit 0
    ip route flush table main
    ip route restore < "$saved"
    rm "$saved"
    ;;
esac
