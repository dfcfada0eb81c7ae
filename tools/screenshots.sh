#!/usr/bin/env bash
# Screenshots of the screens in a real terminal (xterm under Xvfb), as README shows them.
#
#   tools/screenshots.sh [FOLDER]      writes FOLDER/NAME.png [default: assets/screenshots]
#   SIZE=80x24 CATALOG=my.parquet SPECTRIAGE=target/release/spectriage tools/screenshots.sh /tmp/shots
#
# Needs xvfb, xterm, xdotool, imagemagick, x11-apps, fonts-dejavu-core (apt names).
set -euo pipefail
cd "$(dirname "$0")/.."
out="$(mkdir -p "${1:-assets/screenshots}" && cd "${1:-assets/screenshots}" && pwd)"
program="$(realpath "${SPECTRIAGE:-${CARGO_TARGET_DIR:-target}/release/spectriage}")"
catalog="$(realpath "${CATALOG:-sample_data/sample.parquet}")"
size="${SIZE:-120x40}"
work="$(mktemp -d)"
display=":$((RANDOM % 400 + 100))"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

Xvfb "$display" -screen 0 2200x1500x24 >/dev/null 2>&1 &
export DISPLAY="$display" XDG_STATE_HOME="$work/state"
sleep 2
cp "$catalog" "$work/sample.parquet"
(cd "$work" && LC_ALL=C.UTF-8 exec xterm -fa "DejaVu Sans Mono" -fs "${FONT:-11}" -geometry "$size+0+0" -bg "#101418" -fg "#d8dee4" \
    +sb -b 4 -e "$program" sample.parquet ${OPTIONS:-}) >"$work/xterm.log" 2>&1 &
sleep 4
xdotool mousemove 2190 1490
# Without a window manager nobody else gives it the keyboard.
xdotool windowfocus --sync "$(xdotool search --onlyvisible --class xterm | tail -n 1)"

key() { for k in "$@"; do xdotool key --delay 40 "$k"; done; sleep 0.6; }
say() { xdotool type --delay 30 "$1"; sleep 0.4; }
shot() { sleep 0.8; xwd -root -silent | convert xwd:- -trim +repage "PNG24:$out/$1.png"; echo "$out/$1.png"; }

if [ -n "${STEPS:-}" ]; then
    # Own steps, for a look of one's own: key:j say:text sleep:3 shot:name
    for step in $STEPS; do
        case "$step" in
            key:*) key "${step#key:}" ;;
            say:*) say "${step#say:}" ;;
            sleep:*) sleep "${step#sleep:}" ;;
            shot:*) shot "${step#shot:}" ;;
        esac
    done
    exit
fi

shot welcome
key Escape
key j j j
shot catalog
key f
say "z < 0.2 AND sn > 2"
shot filter
key Return
key 2
shot settings
key s
sleep "${WAIT:-12}"
shot training
sleep "${TRAINING:-60}"
key 3
key j
shot anomalies
key bracketright
shot region
key 0
key x
key X
shot crosshair
key Escape
key v 3 e
shot label
key v question
shot help
key Escape
key w w
sleep 6
key 4
shot files
