#!/bin/sh
# Copyright 2026 The Vitrine authors
# SPDX-License-Identifier: Apache-2.0
#
# Process 1 of a Vitrine image. The kernel's command line steers it:
#
#   vitrine.console=tty|pipe   tty: an interactive shell (default); pipe: the console's input is a
#                              script, without echo, prompts or any translation of bytes
#   vitrine.token=WORD         prove to the host that a message is from here: ESC ] vitrine;WORD;... BEL
#   vitrine.rows=N vitrine.cols=N vitrine.term=NAME   the host's terminal
#
# If there is a file /run-exec, it is run instead of the shell and its exit status told to the host.
# Whatever ends, the guest powers off.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root USER=root LANG=C.UTF-8

mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t devtmpfs -o nosuid,mode=0755 devtmpfs /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o nosuid,nodev tmpfs /dev/shm
mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs /run
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd

set -f
console=tty token= rows= cols= term=linux name=vitrine
read -r cmdline </proc/cmdline
for word in $cmdline; do
    case $word in
        vitrine.console=*) console=${word#*=} ;;
        vitrine.token=*) token=${word#*=} ;;
        vitrine.rows=*) rows=${word#*=} ;;
        vitrine.cols=*) cols=${word#*=} ;;
        vitrine.term=*) term=${word#*=} ;;
        vitrine.hostname=*) name=${word#*=} ;;
    esac
done
set +f
export TERM=$term
echo "$name" >/proc/sys/kernel/hostname

# The console that the kernel prefers is the last one it names.
read -r consoles </sys/class/tty/console/active
tty=/dev/${consoles##* }

message() {
    [ -z "$token" ] || printf '\033]vitrine;%s;%s\007' "$token" "$1" >"$tty"
}

finish() {
    # Nothing of the kernel's may come between the message's bytes, or behind the program's output.
    echo 0 >/proc/sys/kernel/printk
    [ -z "$1" ] || message "exit;$1"
    poweroff -f
}

cd /root
if [ "$console" = pipe ]; then
    stty -F "$tty" -echo -isig -ixon -iexten -icrnl -opost erase undef kill undef
    mkfifo /run/stdin
    message ready
    # Not cat: busybox's splices, and a splice that waits for the console locks the pipe for all.
    dd if="$tty" of=/run/stdin bs=4096 2>/dev/null &
    if [ -e /run-exec ]; then
        setsid /run-exec </run/stdin >"$tty" 2>&1
        finish $?
    fi
    setsid sh -s </run/stdin >"$tty" 2>&1
    finish
fi

[ -z "$rows" ] || stty -F "$tty" rows "$rows"
[ -z "$cols" ] || stty -F "$tty" cols "$cols"
if [ -e /run-exec ]; then
    message ready
    setsid -c /run-exec <"$tty" >"$tty" 2>&1
    finish $?
fi
shell=/bin/sh
[ ! -x /bin/bash ] || shell=/bin/bash
read -r _ _ version _ </proc/version
echo "Linux $version" >"$tty"
message ready
setsid -c "$shell" -l <"$tty" >"$tty" 2>&1
finish
