#!/bin/sh
# Stands for `asterisk -rx`: answers in Asterisk's own words, as the files in FAKE_DIR tell it to.
# Usage: fake-asterisk.sh FAKE_DIR ETC COMMAND
echo "$3" >>"$1/cli.log"
if [ -e "$1/down" ]; then
  echo 'Unable to connect to remote asterisk (does /run/asterisk.ctl exist?)' >&2
  exit 1
fi
if [ -e "$1/busy" ] && rm "$1/busy"; then
  echo 'A module reload request is already in progress; please be patient'
  exit 0
fi
case $3 in
  'module reload '*)
    if grep -qs REFUSE "$2"/current/*.conf; then
      echo "The module '${3##* }' reported a reload failure"
    else
      echo "Module '${3##* }' reloaded successfully."
    fi
    ;;
  'dialplan show') echo "-= 9 extensions ($(cat "$2"/current/dialplan-*.conf | grep -Ec '^(exten| same)') priorities) in 9 contexts. =-" ;;
  # An object that Asterisk cannot make is left out without a word.
  *) sed -n "/^\[$(cat "$1/lost" 2>/dev/null)\]/d; s/^\[\([^]]*\)\].*/ Object:  \1\/1  Unavailable/p" "$2"/current/*.conf ;;
esac
