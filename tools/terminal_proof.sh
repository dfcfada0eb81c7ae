#!/usr/bin/env bash
# Proof that sky images show in real terminals: each is started under Xvfb, shows a test card in the pane beside the spectrum, and the
# screenshot is searched for the card's four colors.
#
#   tools/terminal_proof.sh [FOLDER]        writes FOLDER/NAME.png [default: a folder that it tells]
#   ONLY="xterm ssh-tmux-xterm" SPECTRIAGE=target/release/spectriage tools/terminal_proof.sh /tmp/proof
#   NEW=/path/to/a/chroot                   a newer system with kitty 0.28 or later, where that of this one is older
#                                           (debootstrap --include=kitty,openssh-client,tmux,... trixie NEW)
#
# Needs xvfb, xterm, kitty, konsole, tmux, screen, openssh-server, openssh-client, xdotool, imagemagick, x11-apps, x11-utils,
# fonts-dejavu-core, libgl1-mesa-dri (apt names); what is not there is left out, and said so.
set -uo pipefail
cd "$(dirname "$0")/.."
work="$(mktemp -d)"
# Here a chroot finds them too, where it has /tmp.
cp "${SPECTRIAGE:-${CARGO_TARGET_DIR:-target}/release/spectriage}" "$work/spectriage" || exit 1
cp "${CATALOG:-sample_data/sample.parquet}" "$work/sample.parquet" || exit 1
program="$work/spectriage" catalog="$work/sample.parquet"
out="$(mkdir -p "${1:-$work/shots}" && cd "${1:-$work/shots}" && pwd)"
new="${NEW:-}"
display=":$((RANDOM % 400 + 100))"
started=()
# Both are made to outlive their terminal.
clean() { tmux -L "proof$$" kill-server 2>/dev/null; screen -S "proof$$" -X quit >/dev/null 2>&1; }
stop() { for id in "${started[@]}"; do kill "$id" 2>/dev/null; done; started=(); }
trap 'stop; clean; kill "${xvfb:-}" "${sshd:-}" 2>/dev/null; rm -rf "$work/home" "$work/cards"' EXIT

Xvfb "$display" -screen 0 1600x1000x24 >/dev/null 2>&1 &
xvfb=$!
export DISPLAY="$display" LIBGL_ALWAYS_SOFTWARE=1 LC_ALL=C.UTF-8
unset TMUX TERM_PROGRAM COLORTERM KITTY_WINDOW_ID KONSOLE_VERSION SSH_CONNECTION SSH_TTY NO_COLOR
for _ in $(seq 50); do xdpyinfo >/dev/null 2>&1 && break; sleep 0.1; done

# The card, for every object that may be under the cursor.
mkdir -p "$work/cards" "$work/home"
convert -size 128x128 xc:red xc:lime +append \( -size 128x128 xc:blue xc:white +append \) -append -quality 95 "$work/card.jpg"
(cd "$work" && XDG_STATE_HOME="$work/home" "$program" export "$catalog" "$work/ids.txt" --limit 8 --quiet >/dev/null) || exit 1
while read -r id; do cp "$work/card.jpg" "$work/cards/$id.jpg"; done <"$work/ids.txt"
cat >"$work/run" <<END
#!/bin/sh
cd '$work' && XDG_STATE_HOME='$work/home' exec '$program' '$catalog' --cutout-dir '$work/cards' "\$@"
END
chmod +x "$work/run"
# Not the first start: no hint over the panes.
mkdir -p "$work/home/spectriage" && echo '{}' >"$work/home/spectriage/session-0000000000000000.json"

# sshd on the loopback, with keys of its own.
if command -v sshd >/dev/null || [ -x /usr/sbin/sshd ]; then
    port=$((RANDOM % 20000 + 20000))
    ssh-keygen -q -t ed25519 -N '' -f "$work/host" && ssh-keygen -q -t ed25519 -N '' -f "$work/key"
    cp "$work/key.pub" "$work/authorized" && chmod 600 "$work/authorized" && chmod 755 "$work"
    mkdir -p /run/sshd 2>/dev/null
    /usr/sbin/sshd -D -e -p "$port" -h "$work/host" -o ListenAddress=127.0.0.1 -o AuthorizedKeysFile="$work/authorized" -o StrictModes=no \
        -o UsePAM=no -o PidFile=none -o PermitRootLogin=yes >"$work/sshd.log" 2>&1 &
    sshd=$!
fi
ssh="ssh -tt -q -p ${port:-0} -i $work/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null $(id -un)@127.0.0.1"
# In a login of its own there is no locale.
remote="LC_ALL=C.UTF-8 $work/run"
printf "set -g status off\n" >"$work/tmux.conf"
tmux="tmux -u -L proof$$ -f $work/tmux.conf new-session"

passed=0; failed=0; left=0
wanted() { [ -z "${ONLY:-}" ] || [[ " $ONLY " == *" $1 "* ]]; }
skip() { left=$((left + 1)); echo "left out  $1: $2"; }

# Width, height, left and top of what has a color in a screenshot.
box() { convert "$1" -fuzz 15% -fill black +opaque "$2" -fill white -opaque "$2" -trim -format '%w %h %X %Y' info: 2>/dev/null | tr -d '+'; }
color() { convert "$1" -crop "1x1+$2+$3" +repage -depth 8 txt:- | grep -oE '#[0-9A-F]{6}' | head -1; }

# The card is there whole, in its pane: red left of green, red above blue, all of one size, white in the fourth place.
card() {
    local red green blue
    read -ra red <<<"$(box "$1" red)"; read -ra green <<<"$(box "$1" lime)"; read -ra blue <<<"$(box "$1" blue)"
    [ "${#red[@]}" = 4 ] && [ "${#green[@]}" = 4 ] && [ "${#blue[@]}" = 4 ] || return 1
    found="${red[0]}x${red[1]} at ${red[2]},${red[3]}"
    ((red[0] >= 40 && red[1] >= 40)) || return 1
    # The pane is the upper one at the right: what is sent before the cursor has moved there lies over others.
    ((red[2] > 700 && red[3] < 100)) || return 1
    near() { (($1 - $2 < 12 && $2 - $1 < 12)); }
    near "${red[0]}" "${green[0]}" && near "${red[1]}" "${blue[1]}" || return 1
    near "$((red[2] + red[0]))" "${green[2]}" && near "$((red[3] + red[1]))" "${blue[3]}" || return 1
    local white; white="$(color "$1" $((green[2] + green[0] / 2)) $((blue[3] + blue[1] / 2)))"
    [[ "$white" =~ ^#[EF].[EF].[EF].$ ]]
}

# NAME EXPECT COMMAND...: `yes` the card is seen, `no` it is not (the control).
show() {
    local name="$1" expect="$2"; shift 2
    local shot="$out/$name.png"; found="nothing"
    ("$@" >"$work/$name.log" 2>&1) & started+=($!)
    local ok=no
    for _ in $(seq "${TRIES:-24}"); do
        sleep 0.5
        xwd -root -silent 2>/dev/null | convert xwd:- "PNG24:$shot" 2>/dev/null
        if card "$shot"; then ok=yes; break; fi
        # The first hint covers the middle of the screen.
        xdotool mousemove 1590 990 key --clearmodifiers Escape 2>/dev/null
    done
    sleep 0.5
    xwd -root -silent | convert xwd:- -trim +repage "PNG24:$shot"
    if [ "$ok" = "$expect" ]; then passed=$((passed + 1)); echo "ok        $name: card $ok, $found"
    else failed=$((failed + 1)); echo "FAILED    $name: card $ok, $found (see $shot, $work/$name.log)"; fi
    local id="${started[-1]}"
    for child in $(pgrep -P "$id"); do kill "$child" 2>/dev/null; done
    kill "$id" 2>/dev/null; wait "$id" 2>/dev/null; started=()
    clean
    sleep 0.5
}

xterm="xterm -fa Monospace -fs 10 -geometry 120x40+0+0 -bg #101418 -fg #b0b8c0 +sb -b 2"
kitty_options="--config NONE -o remember_window_size=no -o initial_window_width=1080 -o initial_window_height=720 -o font_size=10 -o linux_display_server=x11 -o update_check_interval=0 -o confirm_os_window_close=0"
kitty_version() { "$@" kitty --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+' | head -1; }
is_new() { local v="$1"; [ -n "$v" ] && { [ "${v%%.*}" -gt 0 ] || [ "${v##*.}" -ge 28 ]; }; }

if command -v xterm >/dev/null; then
    # shellcheck disable=SC2086
    {
    wanted xterm && show xterm yes $xterm -ti vt340 -e "$work/run"
    wanted xterm-plain && show xterm-plain yes $xterm -e "$work/run"
    wanted control && TRIES=8 show control no $xterm -ti vt340 -e "$work/run" --graphics none
    if [ -n "${sshd:-}" ]; then
        wanted ssh-xterm && show ssh-xterm yes $xterm -ti vt340 -e $ssh "$remote"
        wanted ssh-tmux-xterm && show ssh-tmux-xterm yes $xterm -ti vt340 -e $ssh "$tmux '$remote'"
    else
        skip ssh "there is no sshd"
    fi
    wanted tmux-xterm && show tmux-xterm yes $xterm -ti vt340 -e $tmux "$remote"
    command -v screen >/dev/null && wanted screen-xterm && show screen-xterm yes $xterm -tn xterm-256color -e screen -T screen-256color -S "proof$$" -U "$work/run"
    }
else
    skip xterm "there is none"
fi

# kitty's own protocol needs 0.28; an older one gets half-blocks.
enter=()
version="$(kitty_version env)"
if ! is_new "$version" && [ -n "$new" ] && is_new "$(kitty_version chroot "$new")"; then
    enter=(chroot "$new")
    version="$(kitty_version chroot "$new")"
fi
if [ -n "$version" ]; then
    echo "kitty $version: $(is_new "$version" && echo 'its own protocol' || echo 'half-blocks')"
    # shellcheck disable=SC2086
    {
    wanted kitty && show kitty yes "${enter[@]}" kitty $kitty_options "$work/run"
    if [ -n "${sshd:-}" ]; then
        wanted ssh-kitty && show ssh-kitty yes "${enter[@]}" kitty $kitty_options $ssh "$remote"
        wanted ssh-tmux-kitty && show ssh-tmux-kitty yes "${enter[@]}" kitty $kitty_options $ssh "$tmux '$remote'"
    fi
    }
else
    skip kitty "there is none"
fi
if command -v konsole >/dev/null; then
    mkdir -p "$work/xdg" && chmod 700 "$work/xdg"
    wanted konsole && XDG_RUNTIME_DIR="$work/xdg" QT_QPA_PLATFORM=xcb HOME="$work/home" show konsole yes \
        konsole --nofork --hide-menubar --hide-tabbar -p TerminalColumns=120 -p TerminalRows=40 -e "$work/run"
else
    skip konsole "there is none"
fi

# Endings: while images are sent, the terminal is closed or the connection killed; nobody stays behind.
gone() { for _ in $(seq 30); do pgrep -f "^$program " >/dev/null || return 0; sleep 0.5; done; return 1; }
# NAME WHAT COMMAND...: starts it, walks through the list, kills WHAT (a pattern of its command line, or `terminal`) with -9.
end() {
    local name="$1" what="$2"; shift 2
    "$@" >"$work/$name.log" 2>&1 & local id=$!
    sleep 4
    xdotool windowfocus "$(xdotool search --onlyvisible --class xterm | tail -n 1)" 2>/dev/null
    for _ in $(seq 30); do xdotool key --delay 5 j; done
    local running=no; pgrep -f "^$program " >/dev/null && running=yes
    if [ "$what" = terminal ]; then kill -9 "$id"; else pkill -9 -f "$what"; fi
    if [ "$running" = yes ] && gone; then passed=$((passed + 1)); echo "ok        $name: nobody stays behind"
    else failed=$((failed + 1)); echo "FAILED    $name: it ran: $running; left: $(pgrep -f "^$program " | tr '\n' ' ')"; fi
    kill -9 "$id" 2>/dev/null; wait "$id" 2>/dev/null
}
if command -v xterm >/dev/null; then
    # shellcheck disable=SC2086
    {
    wanted end-closed && end end-closed terminal $xterm -ti vt340 -e "$work/run"
    [ -n "${sshd:-}" ] && wanted end-ssh-killed && end end-ssh-killed "^ssh .*-i $work/key" $xterm -ti vt340 -e $ssh "$remote"
    }
fi

echo "$passed passed, $failed failed, $left left out; screenshots in $out"
[ "$failed" = 0 ]
