// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.platform;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.function.IntUnaryOperator;

/**
 * The ACPI tables of a PVH domain, as libxl gives them: RSDP, RSDT, XSDT, FADT (revision 1 for the
 * RSDT, revision 5 for the XSDT), FACS, a DSDT that holds processor objects, and a MADT with local
 * APICs. No I/O APIC, no PM timer, no 8042, no VGA, no CMOS clock.
 *
 * @param tables all tables but the RSDP, to be placed at the address given to {@link #build}
 * @param rsdp the root pointer, {@link #RSDP_SIZE} bytes, to be placed anywhere
 */
public record AcpiTables(byte[] tables, byte[] rsdp) {
    public static final int RSDP_SIZE = 36;

    /** From this APIC id on (0xFF is the broadcast) a processor needs an x2APIC entry. */
    static final int FIRST_X2APIC_ID = 255;

    private static final int HEADER = 36;
    private static final int FADT_1_SIZE = 116;
    private static final int FADT_5_SIZE = 268;
    private static final int PM1A_EVENT = 0xB000;
    private static final int PM1A_CONTROL = 0xB004;
    private static final int GPE0 = 0xAFE0;
    private static final int PROCESSOR_BLOCK = 0xB010;

    /**
     * Builds the tables.
     *
     * @param vcpus processors, 1 to 4096
     * @param apicId APIC id of a processor (Xen: twice the vCPU's number)
     * @param address guest-physical address of the tables, 64-byte aligned, below 4 GiB
     */
    public static AcpiTables build(int vcpus, IntUnaryOperator apicId, long address) {
        if (vcpus < 1 || vcpus > 4096) {
            throw new IllegalArgumentException(vcpus + " processors");
        }
        if ((address & 63) != 0 || address < 0 || address > 0xFFF00000L) {
            throw new IllegalArgumentException("ACPI tables at 0x" + Long.toHexString(address));
        }
        Builder b = new Builder(address);
        int facs = b.place(facs(), 64);
        int dsdt = b.place(dsdt(vcpus, apicId), 16);
        int fadt1 = b.place(fadt(1, facs, dsdt), 16);
        int fadt5 = b.place(fadt(5, facs, dsdt), 16);
        int madt = b.place(madt(vcpus, apicId), 16);
        int xsdt = b.place(roots("XSDT", 8, fadt5, madt), 16);
        int rsdt = b.place(roots("RSDT", 4, fadt1, madt), 16);
        return new AcpiTables(b.out.toByteArray(), rsdp(rsdt, xsdt));
    }

    private static final class Builder {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final long address;

        Builder(long address) {
            this.address = address;
        }

        int place(byte[] table, int alignment) {
            while (out.size() % alignment != 0) {
                out.write(0);
            }
            int a = (int) (address + out.size());
            out.writeBytes(table);
            return a;
        }
    }

    private static ByteBuffer table(String signature, int revision, int length) {
        ByteBuffer b = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        b.put(signature.getBytes(StandardCharsets.US_ASCII));
        b.putInt(length);
        b.put(8, (byte) revision);
        b.put(10, "Xen\0\0\0".getBytes(StandardCharsets.US_ASCII));
        b.put(16, "HVM\0\0\0\0\0".getBytes(StandardCharsets.US_ASCII));
        b.put(28, "HVML".getBytes(StandardCharsets.US_ASCII));
        return b;
    }

    private static byte[] finish(ByteBuffer b) {
        checksum(b, 9, b.capacity());
        return b.array();
    }

    private static void checksum(ByteBuffer b, int at, int length) {
        b.put(at, (byte) 0);
        int sum = 0;
        for (int i = 0; i < length; i++) {
            sum += b.get(i);
        }
        b.put(at, (byte) -sum);
    }

    private static byte[] rsdp(int rsdt, int xsdt) {
        ByteBuffer b = ByteBuffer.allocate(RSDP_SIZE).order(ByteOrder.LITTLE_ENDIAN);
        b.put("RSD PTR ".getBytes(StandardCharsets.US_ASCII));
        b.put(9, "Xen\0\0\0".getBytes(StandardCharsets.US_ASCII));
        b.put(15, (byte) 2);
        b.putInt(16, rsdt);
        b.putInt(20, RSDP_SIZE);
        b.putLong(24, xsdt & 0xFFFFFFFFL);
        checksum(b, 8, 20);
        checksum(b, 32, RSDP_SIZE);
        return b.array();
    }

    private static byte[] roots(String signature, int width, int... addresses) {
        ByteBuffer b = table(signature, 1, HEADER + width * addresses.length);
        for (int i = 0; i < addresses.length; i++) {
            if (width == 8) {
                b.putLong(HEADER + 8 * i, addresses[i] & 0xFFFFFFFFL);
            } else {
                b.putInt(HEADER + 4 * i, addresses[i]);
            }
        }
        return finish(b);
    }

    private static byte[] facs() {
        ByteBuffer b = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        b.put("FACS".getBytes(StandardCharsets.US_ASCII));
        b.putInt(4, 64);
        b.put(32, (byte) 1);
        return b.array();
    }

    private static byte[] fadt(int revision, int facs, int dsdt) {
        ByteBuffer b = table("FACP", revision, revision == 1 ? FADT_1_SIZE : FADT_5_SIZE);
        b.putInt(36, facs);
        b.putInt(40, dsdt);
        b.putShort(46, (short) 9); // SCI_INT
        b.putInt(56, PM1A_EVENT);
        b.putInt(64, PM1A_CONTROL);
        b.putInt(80, GPE0);
        b.put(88, (byte) 4); // PM1_EVT_LEN
        b.put(89, (byte) 2); // PM1_CNT_LEN
        b.put(92, (byte) 4); // GPE0_BLK_LEN
        b.putShort(96, (short) 0xFFF); // P_LVL2_LAT: no C2
        b.putShort(98, (short) 0xFFF); // P_LVL3_LAT: no C3
        // WBINVD, PROC_C1, FIX_RTC, TMR_VAL_EXT, USE_PLATFORM_CLOCK
        b.putInt(112, 1 | 1 << 2 | 1 << 6 | 1 << 8 | 1 << 15);
        if (revision > 1) {
            b.putShort(109, (short) (1 << 2 | 1 << 5)); // NO_VGA, NO_CMOS_RTC
            address(b, 116, 8, 0xCF9);
            b.put(128, (byte) 6); // RESET_VALUE
            b.putLong(132, facs & 0xFFFFFFFFL);
            b.putLong(140, dsdt & 0xFFFFFFFFL);
            address(b, 148, 32, PM1A_EVENT);
            address(b, 172, 16, PM1A_CONTROL);
        }
        return finish(b);
    }

    /** A generic address structure in I/O space. */
    private static void address(ByteBuffer b, int at, int bits, long value) {
        b.put(at, (byte) 1);
        b.put(at + 1, (byte) bits);
        b.putLong(at + 4, value);
    }

    private static byte[] madt(int vcpus, IntUnaryOperator apicId) {
        ByteArrayOutputStream entries = new ByteArrayOutputStream();
        for (int i = 0; i < vcpus; i++) {
            entries.writeBytes(madtEntry(i, apicId.applyAsInt(i)));
        }
        ByteBuffer b = table("APIC", 2, 44 + entries.size());
        b.putInt(36, (int) LocalApic.DEFAULT_BASE);
        b.putInt(40, 1); // PCAT_COMPAT
        b.put(44, entries.toByteArray());
        return finish(b);
    }

    private static byte[] madtEntry(int processor, int id) {
        if (id < FIRST_X2APIC_ID) {
            return new byte[] {0, 8, (byte) processor, (byte) id, 1, 0, 0, 0};
        }
        ByteBuffer b = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        b.put((byte) 9).put((byte) 16).putShort((short) 0).putInt(id).putInt(1).putInt(processor);
        return b.array();
    }

    private static byte[] dsdt(int vcpus, IntUnaryOperator apicId) {
        Aml aml = new Aml();
        aml.scope(
                "\\_SB",
                sb -> {
                    for (int i = 0; i < vcpus; i++) {
                        int n = i;
                        int id = apicId.applyAsInt(i);
                        String name =
                                i < 256 ? String.format("PR%02X", i) : String.format("P%03X", i);
                        if (id < FIRST_X2APIC_ID) {
                            sb.processor(name, i, PROCESSOR_BLOCK, 6, p -> describe(p, n, id));
                        } else {
                            sb.device(name, p -> describe(p, n, id));
                        }
                    }
                });
        byte[] code = aml.toByteArray();
        ByteBuffer b = table("DSDT", 2, HEADER + code.length);
        b.put(HEADER, code);
        return finish(b);
    }

    private static void describe(Aml p, int n, int id) {
        p.nameString("_HID", "ACPI0007")
                .nameInteger("_UID", n)
                .nameBuffer("_MAT", madtEntry(n, id))
                .nameInteger("_STA", 0xF);
    }
}
