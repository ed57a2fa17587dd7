// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import java.util.List;
import java.util.Map;

/** The system calls and operations of io_uring that do something to files, and what. */
final class FileCalls {
    /** Calls whose first parameter is a descriptor. */
    static final Map<String, String> BY_DESCRIPTOR =
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
                    Map.entry("fremovexattr", "removexattr"),
                    Map.entry("fsync", "sync"),
                    Map.entry("fdatasync", "sync"),
                    Map.entry("sync_file_range", "sync"),
                    Map.entry("fstat", "stat"),
                    Map.entry("fstat64", "stat"),
                    Map.entry("IORING_OP_READ", "read"),
                    Map.entry("IORING_OP_READV", "read"),
                    Map.entry("IORING_OP_READ_FIXED", "read"),
                    Map.entry("IORING_OP_READV_FIXED", "read"),
                    Map.entry("IORING_OP_READ_MULTISHOT", "read"),
                    Map.entry("IORING_OP_WRITE", "write"),
                    Map.entry("IORING_OP_WRITEV", "write"),
                    Map.entry("IORING_OP_WRITE_FIXED", "write"),
                    Map.entry("IORING_OP_WRITEV_FIXED", "write"),
                    Map.entry("IORING_OP_CLOSE", "close"),
                    Map.entry("IORING_OP_FSYNC", "sync"),
                    Map.entry("IORING_OP_SYNC_FILE_RANGE", "sync"),
                    Map.entry("IORING_OP_FALLOCATE", "truncate"),
                    Map.entry("IORING_OP_FTRUNCATE", "truncate"),
                    Map.entry("IORING_OP_FSETXATTR", "setxattr"));

    /** Calls with paths: the operation, the parameters of the path, of the other path. */
    static final Map<String, String> BY_PATH =
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
                    Map.entry("umount2", "umount name"),
                    Map.entry("stat", "stat filename"),
                    Map.entry("stat64", "stat filename"),
                    Map.entry("lstat", "stat filename"),
                    Map.entry("lstat64", "stat filename"),
                    Map.entry("newfstatat", "stat dfd,filename"),
                    Map.entry("fstatat64", "stat dfd,filename"),
                    Map.entry("statx", "stat dfd,filename"),
                    Map.entry("IORING_OP_OPENAT", "open dfd,filename"),
                    Map.entry("IORING_OP_OPENAT2", "open dfd,filename"),
                    Map.entry("IORING_OP_STATX", "stat dfd,filename"),
                    Map.entry("IORING_OP_RENAMEAT", "rename olddfd,oldname newdfd,newname"),
                    Map.entry("IORING_OP_UNLINKAT", "unlink dfd,pathname"),
                    Map.entry("IORING_OP_MKDIRAT", "mkdir dfd,pathname"),
                    Map.entry("IORING_OP_SYMLINKAT", "symlink newdfd,newname =oldname"),
                    Map.entry("IORING_OP_LINKAT", "link olddfd,oldname newdfd,newname"),
                    Map.entry("IORING_OP_SETXATTR", "setxattr pathname"));

    /** Calls that read from one descriptor, and write to another: the parameters of both. */
    static final Map<String, List<String>> COPIES =
            Map.of(
                    "sendfile", List.of("in_fd", "out_fd"),
                    "sendfile64", List.of("in_fd", "out_fd"),
                    "copy_file_range", List.of("fd_in", "fd_out"),
                    "splice", List.of("fd_in", "fd_out"),
                    "IORING_OP_SPLICE", List.of("fd_in", "fd_out"));

    private FileCalls() {}
}
