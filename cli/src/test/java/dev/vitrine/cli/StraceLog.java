// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Calls by thread, as {@code strace -f -o} writes them, and in a form that both can be brought to.
 */
final class StraceLog {
    private static final Pattern LINE = Pattern.compile("(\\d+) +(.*)");
    private static final String UNFINISHED = "<unfinished ...>";
    private static final Pattern RESUMED = Pattern.compile("<\\.\\.\\. \\S+ resumed>(.*)");
    private static final Pattern CLONE =
            Pattern.compile("clone\\((\\S+), (\\S+), \\S+, (\\S+), \\S+\\)( = .*)");

    private StraceLog() {}

    /** Calls in their order, by number of the thread. */
    static Map<String, List<String>> read(String log) {
        Map<String, List<String>> all = new LinkedHashMap<>();
        Map<String, String> begun = new HashMap<>();
        for (String line : log.lines().toList()) {
            Matcher m = LINE.matcher(line);
            if (!m.matches()) {
                throw new AssertionError("no line of strace: " + line);
            }
            String thread = m.group(1);
            String call = m.group(2);
            if (call.startsWith("---") || call.startsWith("+++") || call.startsWith("[")) {
                continue; // signals, ends, and in which mode a process is
            }
            if (call.endsWith(UNFINISHED)) {
                begun.put(
                        thread,
                        call.substring(0, call.length() - UNFINISHED.length()).stripTrailing());
                continue;
            }
            Matcher r = RESUMED.matcher(call);
            if (r.matches()) {
                String first = begun.remove(thread);
                String rest = r.group(1).stripLeading();
                call = first + (first != null && first.endsWith(",") ? " " : "") + rest;
            }
            all.computeIfAbsent(thread, t -> new ArrayList<>()).add(call);
        }
        begun.forEach((t, c) -> all.computeIfAbsent(t, x -> new ArrayList<>()).add(c + UNFINISHED));
        return all;
    }

    /**
     * A call without what the two tell differently on purpose. strace explains errors and results
     * in words, tells random bytes in hexadecimal and clone's arguments in another order, knows
     * netlink and the baud rates of terminals, and shows the mask that sigreturn brings back.
     */
    static String plain(String call) {
        String s = call.replaceFirst("\\) += ", ") = ").replaceFirst("^(x32|i386) ", "");
        s = s.replaceFirst("( = (-1|\\?) E[A-Z0-9_]+) \\(.*\\)$", "$1");
        s =
                s.replaceFirst("\\) = (\\d+) \\(.*\\)$", ") = $1")
                        .replaceAll(" /\\* [-0-9T:+]+ \\*/", "");
        String name = s.substring(0, Math.max(0, s.indexOf('(')));
        Matcher clone = CLONE.matcher(s);
        if (clone.matches() && !s.contains("child_stack")) {
            return String.format(
                    "clone(child_stack=%s, flags=%s, child_tidptr=%s)%s",
                    clone.group(2), clone.group(1), clone.group(3), clone.group(4));
        }
        return switch (name) {
            case "rt_sigreturn" -> s.replaceFirst("\\(.*\\)", "()");
            case "getrandom" -> s.replaceFirst("\\(.*, (\\d+, [A-Z_0]+\\) = )", "($1");
            case "syslog" -> "syslog()";
            case "poll" ->
                    s.replaceFirst("=> .*?\\], ", ", ").replaceAll("=-1, events=\\w+", "=-1");
            case "ioprio_get" -> s.replaceFirst(" = .*", "");
            case "fcntl" -> s.contains("F_GETFL)") ? s.replaceFirst(" = .*", "") : s;
            case "recvmsg", "sendmsg" -> s.contains("AF_NETLINK") ? name : s;
            case "shmctl", "semctl", "msgctl" -> sorted(s);
            case "ioctl" ->
                    s.matches(".*SIOC(SIF(ADDR|HW|NETMASK)|GIF(CONF|HW)|ADD|DEL|ETH).*")
                                    || s.contains("SIOC") && !s.contains(" = 0")
                            ? s.replaceFirst("(SIOC\\w+), .*\\) = ", "$1) = ")
                            : s.replaceFirst("SNDCTL_TMR_\\w+ or ", "")
                                    .replaceFirst("c_oflag=\\S+ c_cflag=\\S+ ", "")
                                    .replace("flag=,", "flag=0,");
            default -> s;
        };
    }

    /** The members of structures, of which strace has some in another order. */
    private static String sorted(String call) {
        String plain = call.replaceAll("[{}]", "").replace(", ...", "").replace(")", ", )");
        String[] words = plain.replaceAll("\\w+_perm=", "").split(", ");
        Arrays.sort(words);
        return String.join(", ", words).replace("key=IPC_PRIVATE", "key=0");
    }

    /**
     * Whether a call is the same. A process that is killed in a call comes out of it all the same,
     * which strace does not see.
     */
    static boolean same(String theirs, String ours) {
        int end = theirs.contains(UNFINISHED) ? theirs.indexOf(UNFINISHED) : theirs.indexOf(" = ?");
        return end < 0
                ? theirs.equals(ours)
                : ours.startsWith(theirs.substring(0, end).stripTrailing());
    }
}
