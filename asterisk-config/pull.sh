#!/bin/sh
# Keeps one Asterisk server at the revision that the control plane has for it. See README.md.
# Usage: pull.sh [--once], with PABX_URL, PABX_TOKEN_FILE and PABX_ETC set (PABX_ASTERISK_RX may be).
set -u
umask 077
export LC_ALL=C

# What a revision consists of, in this order: no other name is ever written.
FILES='ari-users.conf dialplan-calls.conf dialplan-subscribers.conf manager-users.conf pjsip-lines.conf pjsip-trunks.conf'
LONGEST_DELAY_S=10
POLL_S=25

say() { echo "pull.sh: $*" >&2; }

die() { say "$*"; exit 1; }

# --- One child at a time, which TERM ends together with this script -----------------------------------------------
running='' ended=''
# Its standard input is file descriptor 3: a shell takes the usual one away from what runs in the background, and a
# shell in the foreground would hear of TERM only when its child has ended.
exec 3</dev/null
run() {
  running=yes
  "$@" <&3 &
  wait $!
  run_code=$?
  running='' ended=$!
  return $run_code
}

end() {
  # The number of a child that has ended may be another process's by now.
  [ -z "$running" ] || [ "$!" = "$ended" ] || kill -TERM "$!" 2>/dev/null
  exit 143
}

# Up to twice as long each time, at most LONGEST_DELAY_S, and not at the same moment as all the other servers.
delay=1
wait_longer() {
  random=$(od -An -N2 -tu2 /dev/urandom)
  run sleep $((1 + random % delay))
  delay=$((delay * 2))
  [ "$delay" -le "$LONGEST_DELAY_S" ] || delay=$LONGEST_DELAY_S
}

# --- The control plane --------------------------------------------------------------------------------------------
# request METHOD PATH ANSWER_FILE [curl option...]: sets $status, 000 when nobody answered. The token goes through a
# pipe: a command line is there for everybody to read.
request() {
  method=$1 path=$2 answer=$3
  shift 3
  IFS= read -r token <"$PABX_TOKEN_FILE" || [ -n "${token-}" ] || die 'PABX_TOKEN_FILE cannot be read or is empty'
  case $token in '' | *[!A-Za-z0-9._~+/=-]*) die 'PABX_TOKEN_FILE holds no token' ;; esac
  run curl --config - --request "$method" --output "$answer" --dump-header "$work/headers" "$@" \
    --silent --show-error --write-out '%{http_code}' --proto '=http,https' --connect-timeout 5 \
    --max-time $((POLL_S + 15)) --max-filesize 268435456 "$PABX_URL$path" \
    >"$work/status" 2>"$work/curl" 3<<HEADER || echo 000 >"$work/status" # an answer that broke off is none
header = "Authorization: Bearer $token"
HEADER
  status=$(cat "$work/status")
}

# What to say about a request that did not do what it should.
unanswered() {
  if [ "$status" = 000 ]; then
    echo "no answer from $PABX_URL: $(head -c 300 "$work/curl")"
  elif [ "$status" = 401 ]; then
    echo 'the control plane refuses the token in PABX_TOKEN_FILE (401)'
  else
    echo "the control plane answered $status to $method $path"
  fi
}

# Says it once, not at each attempt. Returns 1, as whoever is in trouble does.
last_trouble=''
trouble() {
  [ "$1" = "$last_trouble" ] || say "$1"
  last_trouble=$1
  return 1
}

# What is to be told, until it has been told. An empty text means: this revision runs.
told_hash='' told_text=''
tell() {
  # Before the first pull there is nothing that it could know.
  is_hash "$1" || return 0
  told_hash=$1 told_text=$2
  tell_again
}

# complain HASH TEXT: what goes on being wrong is told once. Returns 1.
complaint=''
complain() {
  [ "$complaint" = "$1 $2" ] || tell "$1" "$2"
  complaint="$1 $2"
  trouble "$2"
}

tell_again() {
  [ -n "$told_hash" ] || return 0
  printf '%s' "$told_text" | head -c 4096 >"$work/acknowledgement"
  request PUT "/provisioning/v1/revisions/$told_hash/acknowledgement" "$work/answer" \
    --header 'Content-Type: text/plain; charset=utf-8' --data-binary "@$work/acknowledgement"
  case $status in
    # What it does not know any more, it need not hear of.
    2?? | 404 | 409) told_hash='' ;;
    *) trouble "$(unanswered)" ;;
  esac
}

# --- A revision on disk -------------------------------------------------------------------------------------------
hash_of() {
  folder=$(readlink "$PABX_ETC/$1")
  echo "${folder##*/}"
}

is_hash() {
  case $1 in *[!0-9a-f]*) return 1 ;; esac
  [ ${#1} -eq 64 ]
}

# link NAME FOLDER: in one step, so that Asterisk never finds half a revision.
link() {
  ln -s "revisions/$2" "$PABX_ETC/.$1.$$" && mv -fT "$PABX_ETC/.$1.$$" "$PABX_ETC/$1"
}

# Brings the revision of $work/manifest to revisions/$1. Returns 1 when it could not be had, 2 when it is not what it
# claims to be; $problem says why.
download() {
  problem="the manifest does not match its hash $1"
  [ "$(sha256sum <"$work/manifest" | cut -c1-64)" = "$1" ] || return 2
  problem='the manifest does not list exactly the files of a revision'
  names=$(sed -n 's/^[0-9a-f]\{64\}  \([a-z-]*\.conf\)$/\1/p' "$work/manifest")
  [ "$names" = "$(printf '%s\n' $FILES)" ] || return 2
  [ "$(wc -l <"$work/manifest")" -eq "$(printf '%s\n' $FILES | wc -l)" ] || return 2
  rm -rf "$work/new"
  mkdir "$work/new" || die "cannot write in $PABX_ETC"
  # Most of a revision is usually as it was.
  for name in $(cd "$PABX_ETC/current" && sha256sum $FILES 2>/dev/null | grep -Fxf "$work/manifest" | cut -c67-); do
    cp "$PABX_ETC/current/$name" "$work/new/$name" || die "cannot write in $PABX_ETC"
  done
  for name in $FILES; do
    [ ! -e "$work/new/$name" ] || continue
    # Not every curl makes a file of an empty answer.
    : >"$work/new/$name"
    request GET "/provisioning/v1/revisions/$1/$name" "$work/new/$name"
    problem=$(unanswered)
    [ "$status" = 200 ] || return 1
  done
  (cd "$work/new" && sha256sum -c "$work/manifest") >"$work/sums" 2>/dev/null || {
    problem="$(sed -n 's/: FAILED.*//p' "$work/sums" | paste -sd ' ' -) does not match its hash in the manifest"
    return 2
  }
  [ "$1" = "$(hash_of current)" ] && return 0
  rm -rf "$PABX_ETC/revisions/$1"
  mv "$work/new" "$PABX_ETC/revisions/$1" || die "cannot write in $PABX_ETC"
}

# The last three, and whatever is in use.
prune() {
  used="$(hash_of current) $(hash_of last-good)"
  # shellcheck disable=SC2010 # of these names only those that are hashes count
  for old in $(ls -1t "$PABX_ETC/revisions" | grep -Ex '[0-9a-f]{64}' | tail -n +4); do
    case $used in
      *"$old"*) ;;
      *) rm -rf "${PABX_ETC:?}/revisions/$old" ;;
    esac
  done
}

# --- Asterisk -----------------------------------------------------------------------------------------------------
# cli COMMAND: what Asterisk says is in $work/cli. Returns 2 when there is no Asterisk to ask.
cli() {
  # Words of a command, meant to be split.
  run $PABX_ASTERISK_RX "$1" >"$work/cli" 2>"$work/cli.err" &&
    ! grep -q '^Unable to connect' "$work/cli" "$work/cli.err" && return 0
  problem="Asterisk does not answer: $(cat "$work/cli" "$work/cli.err" | head -c 300)"
  return 2
}

# reload MODULE: only its words tell whether it did; the exit code is 0 in any case.
reload() {
  attempts=0
  while :; do
    cli "module reload $1" || return 2
    grep -q 'reloaded successfully' "$work/cli" && return 0
    attempts=$((attempts + 1))
    problem="module reload $1: $(head -c 500 "$work/cli")"
    [ "$attempts" -lt 30 ] || return 1
    # Nothing at all is what it says after a minute's work: then the next answer tells.
    [ ! -s "$work/cli" ] || grep -Eq 'already in progress|queued|cannot reload' "$work/cli" || return 1
    run sleep 1
  done
}

# has WHAT LIST_COMMAND 'HEADING_END…' FILE...: every section of the files whose heading ends so is in what Asterisk
# lists, and none that only the last good revision had. A reload calls itself successful when it left an object out.
has() {
  what=$1 list=$2 ends=$3
  shift 3
  cli "$list" || return 2
  before=''
  [ ! -e "$PABX_ETC/last-good" ] || before="part=before $(printf 'last-good/%s ' "$@")"
  # shellcheck disable=SC2046 # words, meant to be split
  problem=$(cd "$PABX_ETC" && awk '
    part == "loaded" { gsub("/", " "); for (i = 1; i <= NF; i++) loaded[$i]; next }
    /^\[/ && index(ends, " " substr($0, index($0, "]")) " ") {
      name = substr($0, 2, index($0, "]") - 2)
      if (part == "wanted") wanted[name]; else before[name]
    }
    END {
      for (name in wanted) if (!(name in loaded)) missing = missing " " name
      for (name in before) if (name in loaded && !(name in wanted)) left = left " " name
      if (missing) print "Asterisk did not take: " what substr(missing, 1, 500)
      else if (left) print "Asterisk did not let go of: " what substr(left, 1, 500)
    }' what="$what" ends=" $ends " part=loaded "$work/cli" part=wanted $(printf 'current/%s ' "$@") $before)
  [ -z "$problem" ]
}

# Counted, because a line that Asterisk does not understand is only missing in the end.
has_dialplan() {
  cli 'dialplan show' || return 2
  priorities=$(sed -n 's/^-= .*(\([0-9]*\) priorit.*=-.*$/\1/p' "$work/cli" | tail -n 1)
  wanted=$(cat "$PABX_ETC"/current/dialplan-*.conf | grep -Ec '^(exten| same) ')
  problem="Asterisk took ${priorities:-no} lines of the dialplan, not $wanted"
  [ "${priorities:-0}" -ge "$wanted" ]
}

# Where it cannot make the new object it keeps the old one, and says so in its log alone. From `mark_log` on counts
# what it says there about rendered files; without a log to read nothing does.
mark_log() {
  log=$(sed -n 's/^astlogdir *=> *//p' "$PABX_ETC/asterisk.conf" 2>/dev/null)/messages
  log_size=0
  [ ! -r "$log" ] || log_size=$(wc -c <"$log")
}

log_is_clean() {
  [ -r "$log" ] || return 0
  problem=$(tail -c "+$((log_size + 1))" "$log" |
    sed -n 's/.* \(WARNING\|ERROR\)\[[0-9]*\][^ ]* \([a-z_]*config[a-z_]*\.c: .*current\/.*\)/\2/p' | sort -u | head -c 500)
  [ -z "$problem" ]
}

activate_kind() {
  mark_log
  load_kind "$1" && log_is_clean
}

load_kind() {
  case $1 in
    dialplan) reload pbx_config.so && has_dialplan ;;
    pjsip)
      reload res_pjsip.so &&
        has endpoint 'pjsip list endpoints' '](pabx-line) ](pabx-trunk)' pjsip-lines.conf pjsip-trunks.conf &&
        has aor 'pjsip list aors' '](pabx-line-aor) ](pabx-trunk-aor)' pjsip-lines.conf pjsip-trunks.conf &&
        has auth 'pjsip list auths' '](pabx-line-auth)' pjsip-lines.conf &&
        has identify 'pjsip list identifies' '](pabx-trunk-identify)' pjsip-trunks.conf
      ;;
    ari) reload res_ari.so && has 'ARI user' 'ari show users' ']' ari-users.conf ;;
    manager) reload manager && has 'AMI user' 'manager show users' ']' manager-users.conf ;;
  esac
}

# The kinds of files in which the current and the last good revision differ, the dialplan first: a new line's phone
# needs its context.
changed_kinds() {
  for kind in dialplan pjsip ari manager; do
    for file in "$PABX_ETC/current/$kind"-*; do
      cmp -s "$file" "$PABX_ETC/last-good/${file##*/}" && continue
      echo "$kind"
      break
    done
  done
}

# Makes Asterisk run `current`, or puts the last good one back. Returns 2 when there is no Asterisk: then `current` is
# what it will start with.
refused=''
activate() {
  kinds=$(changed_kinds)
  for kind in $kinds; do
    activate_kind "$kind" && continue
    [ $? -eq 1 ] || return 2
    roll_back
    return 1
  done
  link last-good "$(hash_of current)"
  complaint=''
  prune
  say "running $(hash_of current)${kinds:+ (reloaded: $(echo $kinds))}"
  tell "$(hash_of current)" '' || :
}

roll_back() {
  refused=$(hash_of current)
  cause=$problem
  good=none
  [ ! -e "$PABX_ETC/last-good" ] || good=$(hash_of last-good)
  link current "$good"
  for kind in $kinds; do
    activate_kind "$kind" || cause="$cause; and after going back: $problem"
  done
  say "cannot run $refused, back to $good: $cause"
  tell "$refused" "$cause" || :
}

# --- The work -----------------------------------------------------------------------------------------------------
# Asks once, and waits for $1 seconds when there is nothing new. Returns 1 when it could not be done.
poll() {
  known=$(hash_of current)
  [ -z "$refused" ] || known=$refused
  asked=$(date +%s)
  request GET "/provisioning/v1/revision?wait=$1" "$work/manifest" --header "If-None-Match: \"$known\""
  case $status in
    304)
      # One that does not wait must not be asked a thousand times a second.
      [ "$1" -eq 0 ] || [ "$(date +%s)" -gt "$asked" ] || run sleep 1
      return 0
      ;;
    200) ;;
    *) trouble "$(unanswered)" || return ;;
  esac
  hash=$(sed -n 's/^[Ee][Tt][Aa][Gg]: *"\([0-9a-f]*\)"[[:space:]]*$/\1/p' "$work/headers" | tail -n 1)
  is_hash "$hash" || trouble 'the control plane named no revision (ETag)' || return
  download "$hash"
  case $? in
    0) refused='' ;;
    1) trouble "$problem" || return ;;
    *) complain "$hash" "$problem" || return ;;
  esac
  touch "$PABX_ETC/revisions/$hash"
  if [ "$hash" != "$(hash_of current)" ]; then
    link current "$hash"
  elif settled; then
    # It was told of another one meanwhile.
    tell "$hash" '' || :
  fi
}

# Before the first pull there is nothing that Asterisk could fail to run.
settled() {
  case $(hash_of current) in
    none) [ ! -e "$PABX_ETC/last-good" ] ;;
    "$(hash_of last-good)") ;;
    *) return 1 ;;
  esac
}

once() {
  poll 0 || exit 1
  settled || activate
  case $? in
    1) exit 1 ;;
    2) say "$(hash_of current) is in place; $problem" ;;
  esac
  exit 0
}

for_ever() {
  if settled; then tell "$(hash_of current)" ''; fi
  while :; do
    # While Asterisk is away nothing is waited for, so that it gets the latest when it is back.
    seconds=$POLL_S
    if ! settled && { activate; [ $? -eq 2 ]; }; then
      complain "$(hash_of current)" "$problem"
      wait_longer
      seconds=0
    fi
    if tell_again && poll "$seconds"; then
      [ "$seconds" -eq 0 ] || delay=1 last_trouble=''
    else
      wait_longer
    fi
  done
}

mode=for_ever
case "$#:${1-}" in 0:) ;; 1:--once) mode=once ;; *) die 'usage: pull.sh [--once]' ;; esac
: "${PABX_URL:?is not set}" "${PABX_TOKEN_FILE:?is not set}" "${PABX_ETC:?is not set}"
PABX_URL=${PABX_URL%/}
case $PABX_URL in
  *@*) die 'PABX_URL must not name a user' ;;
  https://* | http://127.0.0.1 | http://127.0.0.1[:/]* | http://localhost | http://localhost[:/]*) ;;
  *) die 'PABX_URL must start with https://, because the token travels with each request' ;;
esac
[ -e "$PABX_ETC/current" ] || die "$PABX_ETC has no current revision: run install.sh first"
: "${PABX_ASTERISK_RX:=asterisk -C $PABX_ETC/asterisk.conf -rx}"
work=$PABX_ETC/revisions/.work.$$
for left in "$PABX_ETC"/revisions/.work.*; do
  kill -0 "${left##*.}" 2>/dev/null || rm -rf "$left"
done
mkdir -p "$work" || die "cannot write in $PABX_ETC"
trap 'rm -rf "$work"' EXIT
trap end TERM INT HUP
$mode
