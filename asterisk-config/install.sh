#!/bin/sh
# Writes the configuration of one Asterisk server. Usage: set what is below, then sh install.sh.
# Safe to repeat: it writes the same files again, and leaves the pulled revisions alone.
set -eu
umask 077

die() {
  echo "install.sh: $*" >&2
  exit 1
}

# check NAME PATTERN: the whole value has to match, so that nothing in it means anything to sed or Asterisk.
check() {
  eval "value=\${$1-}"
  [ -n "$value" ] || die "$1 is not set"
  # Counted, because a second line could be anything.
  [ "$(printf '%s\n' "$value" | wc -l)" -eq 1 ] || die "$1 has more than one line"
  printf '%s\n' "$value" | grep -Eqx -- "$2" || die "$1 is not valid: $value"
}

port() {
  check "$1" '[1-9][0-9]{0,4}'
  [ "$value" -le 65535 ] || die "$1 is not valid: $value"
}

path='(/[A-Za-z0-9._-]+)+'
# Addresses only: a name would need a name server before the first call.
ipv4='[0-9]{1,3}(\.[0-9]{1,3}){3}'
ipv6='[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*'
check PABX_ETC "$path"
check PABX_STATE_DIR "$path"
check PABX_SERVER_NAME '[a-z0-9]{1,16}'
check PABX_SIP_BIND "($ipv4|\[$ipv6\]):[1-9][0-9]{0,4}"
check PABX_MEDIA_ADDRESS "$ipv4|$ipv6"
port PABX_HTTP_PORT
port PABX_AMI_PORT
port PABX_RTP_START
port PABX_RTP_END
# Sound goes over even ports.
PABX_RTP_START=$((PABX_RTP_START + PABX_RTP_START % 2))
[ "$PABX_RTP_START" -lt "$PABX_RTP_END" ] || die 'PABX_RTP_START must be below PABX_RTP_END'

# Several servers may share a machine, and with it the address that Asterisk makes its identity of by default.
# 02 marks an address that nobody was assigned.
# shellcheck disable=SC2034 # read by name, below
PABX_ENTITY_ID=02$(printf '%s' "$PABX_SERVER_NAME" | sha256sum | sed -E 's/^(..)(..)(..)(..)(..).*/:\1:\2:\3:\4:\5/')

static=$(dirname -- "$0")/static
mkdir -p "$PABX_ETC/revisions"
for folder in lib spool run log; do mkdir -p "$PABX_STATE_DIR/$folder"; done

for name in PABX_ETC PABX_STATE_DIR PABX_SERVER_NAME PABX_ENTITY_ID PABX_SIP_BIND PABX_MEDIA_ADDRESS \
  PABX_HTTP_PORT PABX_AMI_PORT PABX_RTP_START PABX_RTP_END; do
  eval "value=\$$name"
  printf 's|@%s@|%s|g\n' "$name" "$value"
done >"$PABX_ETC/.install.sed"
for source in "$static"/*.conf; do
  target=$PABX_ETC/${source##*/}
  sed -f "$PABX_ETC/.install.sed" "$source" >"$target.new"
  mv -f "$target.new" "$target"
done
rm -f "$PABX_ETC/.install.sed"

# Asterisk refuses a file of which an included one is missing; before the first pull they are there and empty.
if [ ! -e "$PABX_ETC/current" ]; then
  mkdir -p "$PABX_ETC/revisions/none"
  for name in ari-users dialplan-calls dialplan-subscribers manager-users pjsip-lines pjsip-trunks; do
    : >"$PABX_ETC/revisions/none/$name.conf"
  done
  ln -sfn revisions/none "$PABX_ETC/current"
fi
