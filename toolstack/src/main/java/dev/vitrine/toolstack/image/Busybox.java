// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What a busybox program offers, read from the program itself: it may be for another processor. */
final class Busybox {
    /** The start of busybox's sorted table of names. */
    private static final byte[] TABLE = {0, '[', 0, '[', '[', 0};

    private static final Set<String> SYSTEM =
            Set.of(
                    "acpid",
                    "adjtimex",
                    "arp",
                    "blkdiscard",
                    "blockdev",
                    "brctl",
                    "chroot",
                    "crond",
                    "depmod",
                    "devmem",
                    "fdisk",
                    "findfs",
                    "freeramdisk",
                    "fsfreeze",
                    "fstrim",
                    "getty",
                    "halt",
                    "httpd",
                    "hwclock",
                    "ifconfig",
                    "ifdown",
                    "ifup",
                    "init",
                    "insmod",
                    "ip",
                    "klogd",
                    "loadfont",
                    "loadkmap",
                    "losetup",
                    "lsmod",
                    "mdev",
                    "mkdosfs",
                    "mke2fs",
                    "mkswap",
                    "modinfo",
                    "modprobe",
                    "nameif",
                    "partprobe",
                    "pivot_root",
                    "poweroff",
                    "reboot",
                    "rmmod",
                    "route",
                    "run-init",
                    "setkeycodes",
                    "start-stop-daemon",
                    "sulogin",
                    "swapoff",
                    "swapon",
                    "switch_root",
                    "sysctl",
                    "syslogd",
                    "tc",
                    "telnetd",
                    "tunctl",
                    "ubirename",
                    "udhcpc",
                    "udhcpd",
                    "vconfig",
                    "watchdog");

    /** Names that run something harmful or useless in an image. */
    private static final Set<String> LEFT_OUT =
            Set.of("busybox", "linuxrc", "dpkg", "dpkg-deb", "rpm");

    private Busybox() {}

    /**
     * The commands that a busybox program holds.
     *
     * @throws IOException the program has no table of names
     */
    static List<String> commands(byte[] program) throws IOException {
        int at = find(program);
        if (at < 0) {
            throw new IOException("busybox has no table of its commands");
        }
        List<String> commands = new ArrayList<>();
        String before = "";
        int start = at + 1;
        for (int i = start; i < program.length; i++) {
            if (program[i] != 0) {
                continue;
            }
            String name = new String(program, start, i - start, StandardCharsets.ISO_8859_1);
            // The table is sorted; it ends with an empty name, or whatever follows is out of order.
            if (name.compareTo(before) <= 0 || !name.matches("[A-Za-z0-9_.\\[-]+")) {
                break;
            }
            if (!LEFT_OUT.contains(name)) {
                commands.add(name);
            }
            before = name;
            start = i + 1;
        }
        return commands;
    }

    /** Where a command's link belongs. */
    static String folderOf(String command) {
        return SYSTEM.contains(command) ? "usr/sbin" : "usr/bin";
    }

    private static int find(byte[] program) {
        for (int i = 0; i + TABLE.length < program.length; i++) {
            int n = 0;
            while (n < TABLE.length && program[i + n] == TABLE[n]) {
                n++;
            }
            if (n == TABLE.length) {
                return i;
            }
        }
        return -1;
    }
}
