#!/bin/sh
# Joins the control plane, then runs Asterisk and the script that keeps its configuration new.
set -eu
sh /opt/pabx/install.sh
until sh /opt/pabx/pull.sh --once; do sleep 2; done
sh /opt/pabx/pull.sh &
exec asterisk -f -C "$PABX_ETC/asterisk.conf"
