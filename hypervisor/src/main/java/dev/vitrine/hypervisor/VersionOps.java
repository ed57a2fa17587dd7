// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HypercallNumber;
import dev.vitrine.xenabi.XenVersion;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.UUID;

/** The xen_version hypercall. What only a privileged domain may know reads "&lt;denied&gt;". */
final class VersionOps {
    private static final String EXTRA = ".0-vitrine";
    private static final String CAPABILITIES =
            "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64";
    private static final String CHANGESET = "unavailable";
    private static final String DENIED = "<denied>";

    /** Start of Xen's part of a 64-bit address space. */
    private static final long VIRT_START = 0xFFFF800000000000L;

    private static final int FEATURES =
            1 << XenVersion.FEAT_WRITABLE_PAGE_TABLES
                    | 1 << XenVersion.FEAT_AUTO_TRANSLATED_PHYSMAP
                    | 1 << XenVersion.FEAT_HVM_CALLBACK_VECTOR
                    | 1 << XenVersion.FEAT_HVM_SAFE_PVCLOCK
                    | 1 << XenVersion.FEAT_MEMORY_OP_VNODE_SUPPORTED
                    | 1 << XenVersion.FEAT_NOT_DIRECT_MAPPED
                    | 1 << XenVersion.FEAT_RUNSTATE_PHYS_AREA
                    | 1 << XenVersion.FEAT_VCPU_TIME_PHYS_AREA;

    private final Hypercalls h;

    VersionOps(Hypercalls h) {
        this.h = h;
    }

    long call(int operation, long p) {
        return switch (operation) {
            case XenVersion.VERSION -> VcpuPlatform.XEN_MAJOR << 16 | VcpuPlatform.XEN_MINOR;
            case XenVersion.EXTRAVERSION -> text(p, EXTRA, XenVersion.SIZE_EXTRAVERSION);
            case XenVersion.COMPILE_INFO -> compileInfo(p);
            case XenVersion.CAPABILITIES -> text(p, CAPABILITIES, XenVersion.SIZE_CAPABILITIES);
            case XenVersion.CHANGESET -> text(p, CHANGESET, XenVersion.SIZE_CHANGESET);
            case XenVersion.COMMANDLINE -> text(p, DENIED, XenVersion.SIZE_COMMANDLINE);
            case XenVersion.PLATFORM_PARAMETERS -> {
                h.put64(0, h.wide ? VIRT_START : 0);
                yield h.out(p, 0, h.wordSize()) ? 0 : -Errno.EFAULT;
            }
            case XenVersion.GET_FEATURES -> {
                if (!h.in(p, XenVersion.SIZE_FEATURES)) {
                    yield -Errno.EFAULT;
                }
                if (h.i32(0) != 0) {
                    yield -Errno.EINVAL;
                }
                h.put32(4, FEATURES);
                yield h.out(p, 4, 4) ? 0 : -Errno.EFAULT;
            }
            case XenVersion.PAGESIZE -> p == 0 ? 4096 : -Errno.EINVAL;
            case XenVersion.GUEST_HANDLE -> {
                UUID u = h.domain.config().uuid();
                h.put64(0, Long.reverseBytes(u.getMostSignificantBits()));
                h.put64(8, Long.reverseBytes(u.getLeastSignificantBits()));
                yield h.out(p, 0, XenVersion.SIZE_GUEST_HANDLE) ? 0 : -Errno.EFAULT;
            }
            case XenVersion.BUILD_ID -> -Errno.EPERM;
            case XenVersion.EXTRAVERSION2 -> variable(p, EXTRA);
            case XenVersion.CAPABILITIES2 -> variable(p, CAPABILITIES);
            case XenVersion.CHANGESET2 -> variable(p, CHANGESET);
            case XenVersion.COMMANDLINE2 -> -Errno.EPERM;
            default -> h.missing(HypercallNumber.XEN_VERSION, operation);
        };
    }

    private long text(long p, String s, int size) {
        Arrays.fill(h.list, 0, size, (byte) 0);
        put(0, s, size);
        return h.write(p, h.list, size) ? 0 : -Errno.EFAULT;
    }

    private void put(int at, String s, int size) {
        byte[] b = s.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(b, 0, h.list, at, Math.min(b.length, size - 1));
    }

    private long compileInfo(long p) {
        Arrays.fill(h.list, 0, XenVersion.SIZE_COMPILE_INFO, (byte) 0);
        put(0, "javac " + Runtime.version().feature(), 64);
        put(64, "vitrine", 16);
        put(80, "vitrine", 32);
        put(112, "Thu Jan  1 00:00:00 UTC 2026", 32);
        return h.write(p, h.list, XenVersion.SIZE_COMPILE_INFO) ? 0 : -Errno.EFAULT;
    }

    /** struct xen_varbuf: length in, bytes out; a null pointer asks for the length. */
    private long variable(long p, String s) {
        byte[] b = s.getBytes(StandardCharsets.US_ASCII);
        if (p == 0) {
            return b.length;
        }
        if (!h.in(p, 4)) {
            return -Errno.EFAULT;
        }
        long room = h.u32(0);
        if (room == 0) {
            return -Errno.EINVAL;
        }
        if (room < b.length) {
            return -105; // ENOBUFS
        }
        return h.write(p + 4, b, b.length) ? b.length : -Errno.EFAULT;
    }
}
