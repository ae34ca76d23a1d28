#!/bin/sh
# Starts the person's session. Debian's own way (/etc/X11/Xsession, startxfce4) sources a dozen scripts and starts an
# ssh-agent first; this sets what XFCE needs and nothing else, because the first login is what people wait for.
#
# Whatever the person's own files do, there is a desktop: their profile runs in a process of its own with a time limit,
# and where it, the home or the session itself is broken, a safe session starts that uses none of it and says why.
lib=/usr/local/lib/winux
profile_s=10
# A session that ends sooner did not come up.
session_s=10

PATH=/usr/local/bin:/usr/bin:/bin
runtime=/run/user/$(id -u)
work=$(mktemp -d "$runtime/session.XXXXXX" 2>/dev/null || mktemp -d /dev/shm/session.XXXXXX) || work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

# What is wrong with the home, in words for the person; nothing when it can be written.
trouble_of_home() {
    if ! cd "$HOME" 2>/dev/null; then
        echo "Your home folder cannot be entered."
        return
    fi
    probe="$HOME/.winux-probe.$$"
    # shellcheck disable=SC2016 # $1 is the inner shell's
    if ! said=$(sh -c 'head -c 262144 /dev/zero >"$1"' sh "$probe" 2>&1); then
        case $said in
            *"o space"* | *uota*) echo "Your home folder is full: delete something to make room." ;;
            *) echo "Your home folder cannot be written to." ;;
        esac
    fi
    rm -f "$probe"
}

# Runs the profiles and keeps what they set in $work/environment; what is wrong with them in words.
trouble_of_profile() {
    timeout --kill-after=1 "$profile_s" /bin/sh "$lib/read-profile" "$work/environment" </dev/null >"$work/profile.log" 2>&1
    code=$?
    if [ "$code" = 124 ] || [ "$code" = 137 ]; then
        echo "Your .profile did not end within $profile_s seconds."
    elif [ "$code" != 0 ] || ! [ -s "$work/environment" ]; then
        why=$(last_line "$work/profile.log")
        echo "Your .profile does not come to its end${why:+: $why}."
    fi
}

# The last thing that a log says, short and of plain characters.
last_line() {
    tail --bytes=2000 "$1" 2>/dev/null | tr --complement --delete '[:print:]\n' | grep . | tail --lines=1 | cut --characters=1-200
}

run_session() {
    began=$(date +%s)
    (
        # shellcheck source=/dev/null
        . "$work/environment"
        cd "$HOME" || exit 1
        exec "$lib/session"
    ) 2>"$work/session.log"
    code=$?
    lasted=$(($(date +%s) - began))
    if [ "$lasted" -lt "$session_s" ] && [ "$code" != 0 ]; then
        why=$(last_line "$work/session.log")
        echo "Your session ended at once${why:+: $why}." >"$work/trouble"
    fi
}

if [ -z "$work" ]; then
    exec "$lib/safe-session" "There is no room for the files of a session."
fi
trouble=$(trouble_of_home)
[ -n "$trouble" ] || trouble=$(trouble_of_profile)
if [ -z "$trouble" ]; then
    run_session
    trouble=$(cat "$work/trouble" 2>/dev/null)
    [ -n "$trouble" ] || exit 0
fi
rm -rf "$work"
exec "$lib/safe-session" "$trouble"
