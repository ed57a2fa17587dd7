// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Paths;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.plugin.InodeReader.Inode;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What is in files that are written, and in those that are deleted. It is taken from the page
 * cache: there is what write, mmap, splice and io_uring have written alike, whatever the program's
 * calls were. What has gone past it (O_DIRECT), or is not in memory, is told as missing.
 */
public final class ExtractPlugin implements TracePlugin {
    /**
     * The content of a file.
     *
     * @param operation close: the last descriptor of an opening for writing is gone; delete: the
     *     last name is; replace: the last name is, because another file has been given it
     * @param path of the file; (deleted) is behind it if the file has no name any more
     * @param inode its number
     * @param device number of the file system's device, as major:minor
     * @param filesystem such as tmpfs
     * @param size of the file, in bytes
     * @param complete whether all of the content is known
     * @param missing first and last byte of what is not known, and why; zeros stand for it
     * @param sha256 of the content, with those zeros; left out if nothing of it is known
     * @param file its name in the folder of --extract-to
     * @param unkept why it is not there
     */
    public record Extract(
            String operation,
            String path,
            long inode,
            String device,
            String filesystem,
            long size,
            boolean complete,
            @Nullable List<String> missing,
            @Nullable String sha256,
            @Nullable String file,
            @Nullable String unkept)
            implements Event {
        @Override
        public String kind() {
            return "extract";
        }
    }

    private static final String FOLDER = "extract-to";
    private static final String SIZE = "extract-size";
    private static final String TOTAL = "extract-total";
    private static final long DEFAULT_SIZE = 64L << 20;
    private static final long DEFAULT_TOTAL = 1L << 30;

    private static final int WRITE_MODE = 2;

    /** Regular files in these are not contents but ways to talk to the kernel. */
    private static final Set<String> PSEUDO =
            Set.of(
                    "binfmt_misc",
                    "bpf",
                    "cgroup",
                    "cgroup2",
                    "configfs",
                    "debugfs",
                    "efivarfs",
                    "fusectl",
                    "mqueue",
                    "nsfs",
                    "proc",
                    "pstore",
                    "resctrl",
                    "rpc_pipefs",
                    "securityfs",
                    "selinuxfs",
                    "smackfs",
                    "sysfs",
                    "tracefs");

    private @Nullable ContentFolder folder;
    private long size = DEFAULT_SIZE;

    @Override
    public String name() {
        return "extract";
    }

    @Override
    public String summary() {
        return "content of written and deleted files, with SHA-256; see --extract-to";
    }

    @Override
    public List<Class<? extends Event>> events() {
        return List.of(Extract.class);
    }

    @Override
    public Set<String> settings() {
        return Set.of(FOLDER, SIZE, TOTAL);
    }

    @Override
    public void set(Map<String, String> values) {
        size = number(values, SIZE, DEFAULT_SIZE);
        String to = values.get(FOLDER);
        if (to != null) {
            folder = new ContentFolder(Path.of(to), number(values, TOTAL, DEFAULT_TOTAL));
        } else if (values.containsKey(TOTAL)) {
            throw new IntrospectionException(
                    "--" + TOTAL + " needs --" + FOLDER + ": without it no files are written.");
        }
    }

    private static long number(Map<String, String> values, String name, long otherwise) {
        String s = values.get(name);
        return s == null ? otherwise : Long.parseLong(s);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        Files files = new Files(context, folder, size);
        context.onFunction("__fput", files::closed);
        context.onFunction("d_delete", m -> files.unlinked(m, "delete", m.argument(0)));
        context.onFunction("d_move", m -> files.unlinked(m, "replace", m.argument(1)));
    }

    @Override
    public @Nullable String end() {
        return folder == null ? null : folder.failure();
    }

    private static final class Files {
        private final TraceContext context;
        private final Paths paths;
        private final DentryPaths dentries;
        private final InodeReader inodes;
        private final FileContents contents;
        private final long fileMode;
        private final long fileInode;
        private final long dentryInode;

        Files(TraceContext context, @Nullable ContentFolder folder, long size) {
            LinuxKernel k = context.kernel();
            this.context = context;
            paths = context.paths();
            dentries = new DentryPaths(k, paths);
            inodes = new InodeReader(k);
            contents = new FileContents(k, folder, size);
            fileMode = k.offset("file", "f_mode");
            fileInode = k.offset("file", "f_inode");
            dentryInode = k.offset("dentry", "d_inode");
        }

        /** The last descriptor and mapping of a struct file is gone. */
        void closed(Moment m) {
            long file = m.argument(0);
            long inode = m.pointer(file + fileInode);
            if ((m.number(file + fileMode, 4) & WRITE_MODE) != 0 && inode != 0) {
                Inode i = inodes.read(m, inode);
                if (holdsContent(i)) {
                    tell(m, "close", paths.of(m, file), i);
                }
            }
        }

        /** A name is about to be gone; its inode knows already how many others it has. */
        void unlinked(Moment m, String operation, long dentry) {
            long inode = m.pointer(dentry + dentryInode);
            if (inode == 0) {
                return;
            }
            Inode i = inodes.read(m, inode);
            if (holdsContent(i) && i.links() == 0) {
                tell(m, operation, dentries.path(m, dentry), i);
            }
        }

        private static boolean holdsContent(Inode i) {
            return i.isRegular() && !PSEUDO.contains(i.filesystem());
        }

        private void tell(Moment m, String operation, String path, Inode i) {
            FileContents.Content c = contents.take(m, i);
            context.emit(
                    m,
                    new Extract(
                            operation,
                            path,
                            i.number(),
                            i.device(),
                            i.filesystem(),
                            i.size(),
                            c.missing().isEmpty(),
                            c.missing().isEmpty() ? null : c.missing(),
                            c.sha256(),
                            c.file(),
                            c.unkept()));
        }
    }
}
