// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.Arguments;
import dev.vitrine.introspection.trace.CallListener;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.RingRequest;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.TracedCall;
import dev.vitrine.introspection.trace.plugin.CallFiles.Handle;

import org.jspecify.annotations.Nullable;

import java.util.List;
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
     *     chmod, chown, truncate, sync, stat, mknod, utime, setxattr, removexattr, mount, umount
     * @param path of the file
     * @param new_path of a rename or link; what a symbolic link says
     * @param fd the descriptor that was used or opened
     * @param file_index in its place, the number of a file that is registered with a ring
     * @param flags how it was opened
     * @param mode that it is to have
     * @param owner user and group that it is to have
     * @param result what the call returned; of reads and writes a number of bytes
     * @param error name of the error
     * @param ring if it was asked for by io_uring: address of the ring's io_ring_ctx
     */
    public record FileEvent(
            String operation,
            String path,
            @Nullable String new_path,
            @Nullable Long fd,
            @Nullable Long file_index,
            @Nullable String flags,
            @Nullable String mode,
            @Nullable String owner,
            @Nullable Long result,
            @Nullable String error,
            @Nullable Address ring)
            implements Event {
        @Override
        public String kind() {
            return "file";
        }
    }

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
                Stream.of(FileCalls.BY_DESCRIPTOR, FileCalls.BY_PATH, FileCalls.COPIES)
                        .flatMap(map -> map.keySet().stream())
                        .collect(Collectors.toUnmodifiableSet());
        TaskMembers members = new TaskMembers(context.kernel(), context.paths());
        context.onCalls(
                names,
                new Listener(
                        context,
                        members,
                        new CallFiles(context.kernel(), context.paths(), members)));
    }

    /** The paths of a call, of when it began. */
    private record Names(String path, @Nullable String other) {}

    private static final class Listener implements CallListener {
        private final TraceContext context;
        private final TaskMembers members;
        private final CallFiles files;

        Listener(TraceContext context, TaskMembers members, CallFiles files) {
            this.context = context;
            this.members = members;
            this.files = files;
        }

        @Override
        public @Nullable Object entered(Moment m, TracedCall call) {
            Arguments a = call.args();
            List<String> copy = FileCalls.COPIES.get(call.name());
            if (copy != null) {
                return new Names(
                        files.path(m, call, a.index(copy.get(0))),
                        files.path(m, call, a.index(copy.get(1))));
            }
            if (FileCalls.BY_DESCRIPTOR.containsKey(call.name())) {
                return new Names(files.path(m, call, 0), null);
            }
            String[] form = form(call);
            return new Names(path(m, a, form[1]), form.length < 3 ? null : path(m, a, form[2]));
        }

        private static String[] form(TracedCall call) {
            String form = FileCalls.BY_PATH.get(call.name());
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
            List<String> copy = FileCalls.COPIES.get(call.name());
            if (copy != null) {
                copied(call, "read", names.path, copy.get(0));
                copied(call, "write", names.other, copy.get(1));
                return;
            }
            String operation = FileCalls.BY_DESCRIPTOR.get(call.name());
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
            boolean opens = operation.equals("open");
            String opened = opens && m != null ? files.openedPath(m, call) : null;
            emit(
                    call,
                    operation,
                    opened != null ? opened : path,
                    names.other,
                    byDescriptor ? CallFiles.named(call, 0) : opens ? CallFiles.opened(call) : null,
                    opens ? text(a, "flags", "how") : null,
                    text(a, "mode"),
                    owner(a));
        }

        private void copied(
                TracedCall call, String operation, @Nullable String path, String parameter) {
            emit(
                    call,
                    operation,
                    path == null ? "" : path,
                    null,
                    CallFiles.named(call, call.args().index(parameter)),
                    null,
                    null,
                    null);
        }

        private void emit(
                TracedCall call,
                String operation,
                String path,
                @Nullable String other,
                @Nullable Handle file,
                @Nullable String flags,
                @Nullable String mode,
                @Nullable String owner) {
            RingRequest r = call.request();
            context.emit(
                    call,
                    new FileEvent(
                            operation,
                            path,
                            other,
                            file == null ? null : file.fd(),
                            file == null ? null : file.index(),
                            flags,
                            mode,
                            owner,
                            call.result(),
                            call.error(),
                            r == null ? null : new Address(r.ring())));
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
