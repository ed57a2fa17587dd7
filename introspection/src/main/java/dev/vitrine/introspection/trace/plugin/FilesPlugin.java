// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.trace.Arguments;
import dev.vitrine.introspection.trace.CallListener;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.TracedCall;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What programs do to files, with whole paths. Paths are those that programs name, from the root of
 * their mount namespace on; what has been opened has the path of the file itself, behind all
 * symbolic links.
 */
public final class FilesPlugin implements TracePlugin {
    /**
     * Something is done to a file, or has failed.
     *
     * @param operation what: open, read, write, close, rename, link, symlink, unlink, mkdir, rmdir,
     *     chmod, chown, truncate, mknod, utime, setxattr, removexattr, mount, umount
     * @param path of the file
     * @param new_path of a rename or link; what a symbolic link says
     * @param fd the descriptor that was used or opened
     * @param flags how it was opened
     * @param mode that it is to have
     * @param owner user and group that it is to have
     * @param result what the call returned; of reads and writes a number of bytes
     * @param error name of the error
     */
    public record FileEvent(
            String operation,
            String path,
            @Nullable String new_path,
            @Nullable Long fd,
            @Nullable String flags,
            @Nullable String mode,
            @Nullable String owner,
            @Nullable Long result,
            @Nullable String error)
            implements Event {
        @Override
        public String kind() {
            return "file";
        }
    }

    /** Calls whose first parameter is a descriptor. */
    private static final Map<String, String> BY_DESCRIPTOR =
            Map.ofEntries(
                    Map.entry("read", "read"),
                    Map.entry("readv", "read"),
                    Map.entry("pread64", "read"),
                    Map.entry("preadv", "read"),
                    Map.entry("preadv2", "read"),
                    Map.entry("getdents", "read"),
                    Map.entry("getdents64", "read"),
                    Map.entry("write", "write"),
                    Map.entry("writev", "write"),
                    Map.entry("pwrite64", "write"),
                    Map.entry("pwritev", "write"),
                    Map.entry("pwritev2", "write"),
                    Map.entry("close", "close"),
                    Map.entry("fchmod", "chmod"),
                    Map.entry("fchown", "chown"),
                    Map.entry("fchown32", "chown"),
                    Map.entry("ftruncate", "truncate"),
                    Map.entry("ftruncate64", "truncate"),
                    Map.entry("fallocate", "truncate"),
                    Map.entry("fsetxattr", "setxattr"),
                    Map.entry("fremovexattr", "removexattr"));

    /** Calls with paths: the operation, the parameters of the path, of the other path. */
    private static final Map<String, String> BY_PATH =
            Map.ofEntries(
                    Map.entry("open", "open filename"),
                    Map.entry("openat", "open dfd,filename"),
                    Map.entry("openat2", "open dfd,filename"),
                    Map.entry("creat", "open pathname"),
                    Map.entry("rename", "rename oldname newname"),
                    Map.entry("renameat", "rename olddfd,oldname newdfd,newname"),
                    Map.entry("renameat2", "rename olddfd,oldname newdfd,newname"),
                    Map.entry("link", "link oldname newname"),
                    Map.entry("linkat", "link olddfd,oldname newdfd,newname"),
                    Map.entry("symlink", "symlink newname =oldname"),
                    Map.entry("symlinkat", "symlink newdfd,newname =oldname"),
                    Map.entry("unlink", "unlink pathname"),
                    Map.entry("unlinkat", "unlink dfd,pathname"),
                    Map.entry("mkdir", "mkdir pathname"),
                    Map.entry("mkdirat", "mkdir dfd,pathname"),
                    Map.entry("rmdir", "rmdir pathname"),
                    Map.entry("chmod", "chmod filename"),
                    Map.entry("fchmodat", "chmod dfd,filename"),
                    Map.entry("fchmodat2", "chmod dfd,filename"),
                    Map.entry("chown", "chown filename"),
                    Map.entry("lchown", "chown filename"),
                    Map.entry("chown32", "chown filename"),
                    Map.entry("lchown32", "chown filename"),
                    Map.entry("fchownat", "chown dfd,filename"),
                    Map.entry("truncate", "truncate path"),
                    Map.entry("truncate64", "truncate path"),
                    Map.entry("mknod", "mknod filename"),
                    Map.entry("mknodat", "mknod dfd,filename"),
                    Map.entry("utime", "utime filename"),
                    Map.entry("utimes", "utime filename"),
                    Map.entry("utimensat", "utime dfd,filename"),
                    Map.entry("utimensat_time64", "utime dfd,filename"),
                    Map.entry("setxattr", "setxattr pathname"),
                    Map.entry("lsetxattr", "setxattr pathname"),
                    Map.entry("removexattr", "removexattr pathname"),
                    Map.entry("lremovexattr", "removexattr pathname"),
                    Map.entry("mount", "mount dir_name =dev_name"),
                    Map.entry("umount", "umount name"),
                    Map.entry("umount2", "umount name"));

    /** Calls that read from one descriptor, and write to another: the indexes of both. */
    private static final Map<String, int[]> COPIES =
            Map.of(
                    "sendfile", new int[] {1, 0},
                    "sendfile64", new int[] {1, 0},
                    "copy_file_range", new int[] {0, 2},
                    "splice", new int[] {0, 2});

    private static final long AT_FDCWD = -100;
    private static final long AT_REMOVEDIR = 0x200;

    @Override
    public String name() {
        return "files";
    }

    @Override
    public String summary() {
        return "open, read, write, rename, unlink, chmod and others, with paths";
    }

    @Override
    public List<Class<? extends Event>> events() {
        return List.of(FileEvent.class);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        Set<String> names =
                Stream.of(BY_DESCRIPTOR, BY_PATH, COPIES)
                        .flatMap(map -> map.keySet().stream())
                        .collect(Collectors.toUnmodifiableSet());
        context.onCalls(
                names, new Listener(context, new TaskMembers(context.kernel(), context.paths())));
    }

    /** The paths of a call, of when it began. */
    private record Names(String path, @Nullable String other) {}

    private static final class Listener implements CallListener {
        private final TraceContext context;
        private final TaskMembers members;

        Listener(TraceContext context, TaskMembers members) {
            this.context = context;
            this.members = members;
        }

        @Override
        public @Nullable Object entered(Moment m, TracedCall call) {
            Arguments a = call.args();
            int[] copy = COPIES.get(call.name());
            if (copy != null) {
                return new Names(
                        members.path(m, (int) a.value(copy[0])),
                        members.path(m, (int) a.value(copy[1])));
            }
            if (BY_DESCRIPTOR.containsKey(call.name())) {
                return new Names(members.path(m, (int) a.value(0)), null);
            }
            String[] form = form(call);
            return new Names(path(m, a, form[1]), form.length < 3 ? null : path(m, a, form[2]));
        }

        private static String[] form(TracedCall call) {
            String form = BY_PATH.get(call.name());
            return form == null ? new String[] {call.name(), "="} : form.split(" ");
        }

        /**
         * A whole path.
         *
         * @param parameters one with a path, or two, of a folder and of a path; = for what is no
         *     path
         */
        private String path(Moment m, Arguments a, String parameters) {
            if (parameters.startsWith("=")) {
                String s = a.string(parameters.substring(1));
                return s == null ? "" : s;
            }
            int comma = parameters.indexOf(',');
            String name = a.string(parameters.substring(comma + 1));
            long folder = comma < 0 ? AT_FDCWD : a.value(parameters.substring(0, comma));
            if (name == null) {
                // The page is not in memory yet; it is when the call returns.
                return "";
            }
            if (name.startsWith("/")) {
                String root = members.root(m);
                return root.equals("/") || root.isEmpty() ? name : root + name;
            }
            String base = folder == AT_FDCWD ? members.directory(m) : members.path(m, (int) folder);
            return name.isEmpty() ? base : base.endsWith("/") ? base + name : base + "/" + name;
        }

        @Override
        public void returned(@Nullable Moment m, TracedCall call, @Nullable Object note) {
            Names names = note instanceof Names n ? n : new Names("", null);
            int[] copy = COPIES.get(call.name());
            if (copy != null) {
                copied(call, "read", names.path, call.args().value(copy[0]));
                copied(call, "write", names.other, call.args().value(copy[1]));
                return;
            }
            String operation = BY_DESCRIPTOR.get(call.name());
            boolean byDescriptor = operation != null;
            if (operation == null) {
                operation = form(call)[0];
            }
            Arguments a = call.args();
            String path = names.path;
            if (path.isEmpty() && !byDescriptor && m != null) {
                path = path(m, a, form(call)[1]);
            }
            if (operation.equals("unlink") && (a.value("flag") & AT_REMOVEDIR) != 0) {
                operation = "rmdir";
            }
            Long result = call.result();
            boolean opened = operation.equals("open") && call.succeeded();
            if (opened && m != null && result != null) {
                path = opened(m, result.intValue(), path);
            }
            context.emit(
                    call,
                    new FileEvent(
                            operation,
                            path,
                            names.other,
                            byDescriptor ? Long.valueOf(a.value(0)) : opened ? result : null,
                            operation.equals("open") ? text(a, "flags", "how") : null,
                            text(a, "mode"),
                            owner(a),
                            result,
                            call.error()));
        }

        private void copied(TracedCall call, String operation, @Nullable String path, long fd) {
            Long result = call.result();
            context.emit(
                    call,
                    new FileEvent(
                            operation,
                            path == null ? "" : path,
                            null,
                            fd,
                            null,
                            null,
                            null,
                            result,
                            call.error()));
        }

        private String opened(Moment m, int fd, String named) {
            try {
                String p = members.path(m, fd);
                return p.isEmpty() ? named : p;
            } catch (IntrospectionException e) {
                return named;
            }
        }

        private static @Nullable String text(Arguments a, String... names) {
            for (String n : names) {
                int i = a.index(n);
                if (i >= 0 && a.present(i)) {
                    return a.text(i);
                }
            }
            return null;
        }

        private static @Nullable String owner(Arguments a) {
            int user = a.index("user");
            return user < 0 ? null : a.text(user) + ":" + a.text(a.index("group"));
        }
    }
}
