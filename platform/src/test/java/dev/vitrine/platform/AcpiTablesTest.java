// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Walks the tables as an operating system does. */
class AcpiTablesTest {
    private static final long AT = 0xFC001000L;

    private static ByteBuffer at(AcpiTables t, long address) {
        int offset = (int) (address - AT);
        return ByteBuffer.wrap(t.tables(), offset, t.tables().length - offset)
                .slice()
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    private static ByteBuffer table(AcpiTables t, long address, String signature) {
        ByteBuffer b = at(t, address);
        byte[] s = new byte[4];
        b.get(0, s);
        assertThat(new String(s, StandardCharsets.US_ASCII)).isEqualTo(signature);
        int length = b.getInt(4);
        assertThat(sum(b, length)).isZero();
        return b.slice(0, length).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static int sum(ByteBuffer b, int length) {
        int sum = 0;
        for (int i = 0; i < length; i++) {
            sum += b.get(i);
        }
        return sum & 0xFF;
    }

    private static AcpiTables build(int vcpus) {
        return AcpiTables.build(vcpus, n -> n * 2, AT);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 64, 127, 128, 300})
    void everyTableIsReachedAndSumsToZero(int vcpus) {
        AcpiTables t = build(vcpus);
        ByteBuffer rsdp = ByteBuffer.wrap(t.rsdp()).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(new String(t.rsdp(), 0, 8, StandardCharsets.US_ASCII)).isEqualTo("RSD PTR ");
        assertThat(sum(rsdp, 20)).isZero();
        assertThat(sum(rsdp, 36)).isZero();
        assertThat(rsdp.get(15)).isEqualTo((byte) 2);

        ByteBuffer xsdt = table(t, rsdp.getLong(24), "XSDT");
        ByteBuffer rsdt = table(t, rsdp.getInt(16) & 0xFFFFFFFFL, "RSDT");
        ByteBuffer fadt = table(t, xsdt.getLong(36), "FACP");
        assertThat(fadt.get(8)).isEqualTo((byte) 5);
        assertThat(fadt.getShort(109)).as("NO_VGA, NO_CMOS_RTC").isEqualTo((short) 0x24);
        assertThat(fadt.getInt(76)).as("no PM timer").isZero();
        ByteBuffer old = table(t, rsdt.getInt(36) & 0xFFFFFFFFL, "FACP");
        assertThat(old.get(8)).isEqualTo((byte) 1);
        table(t, fadt.getLong(140), "DSDT");
        ByteBuffer facs = at(t, fadt.getLong(132));
        assertThat(facs.getInt(0)).isEqualTo(0x53434146);
        assertThat((AT + 0L + fadt.getLong(132)) % 64).isZero();
        checkMadt(table(t, xsdt.getLong(44), "APIC"), vcpus);
        assertThat(t.tables().length).isLessThan(16 * 4096);
    }

    private static void checkMadt(ByteBuffer madt, int vcpus) {
        assertThat(madt.getInt(36)).isEqualTo(0xFEE00000);
        List<Integer> ids = new ArrayList<>();
        int p = 44;
        while (p < madt.capacity()) {
            int type = madt.get(p);
            int length = madt.get(p + 1);
            if (type == 0) {
                assertThat(length).isEqualTo(8);
                assertThat(madt.get(p + 2) & 0xFF).isEqualTo(ids.size());
                assertThat(madt.getInt(p + 4)).isEqualTo(1);
                ids.add(madt.get(p + 3) & 0xFF);
            } else {
                assertThat(type).isEqualTo(9);
                assertThat(length).isEqualTo(16);
                assertThat(madt.getInt(p + 12)).isEqualTo(ids.size());
                ids.add(madt.getInt(p + 4));
                assertThat(ids.getLast()).isGreaterThanOrEqualTo(255);
            }
            p += length;
        }
        assertThat(p).isEqualTo(madt.capacity());
        assertThat(ids).hasSize(vcpus);
        for (int i = 0; i < vcpus; i++) {
            assertThat(ids.get(i)).isEqualTo(2 * i);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 128, 300})
    void dsdtHasOneObjectForEachProcessor(int vcpus) {
        AcpiTables t = build(vcpus);
        ByteBuffer xsdt =
                table(
                        t,
                        ByteBuffer.wrap(t.rsdp()).order(ByteOrder.LITTLE_ENDIAN).getLong(24),
                        "XSDT");
        ByteBuffer fadt = table(t, xsdt.getLong(36), "FACP");
        ByteBuffer dsdt = table(t, fadt.getLong(140), "DSDT");
        dsdt.position(36);
        assertThat(dsdt.get()).as("ScopeOp").isEqualTo((byte) 0x10);
        int end = packageEnd(dsdt);
        assertThat(end).isEqualTo(dsdt.capacity());
        assertThat(dsdt.get()).isEqualTo((byte) '\\');
        dsdt.getInt();
        int n = 0;
        while (dsdt.position() < end) {
            assertThat(dsdt.get()).isEqualTo((byte) 0x5B);
            int op = dsdt.get() & 0xFF;
            assertThat(op).isIn(0x82, 0x83);
            int objectEnd = packageEnd(dsdt);
            dsdt.getInt();
            if (op == 0x83) {
                assertThat(dsdt.get() & 0xFF).isEqualTo(n);
            }
            dsdt.position(objectEnd);
            n++;
        }
        assertThat(n).isEqualTo(vcpus);
    }

    private static int packageEnd(ByteBuffer b) {
        int start = b.position();
        int lead = b.get() & 0xFF;
        int extra = lead >>> 6;
        int length = extra == 0 ? lead : lead & 0xF;
        for (int i = 0; i < extra; i++) {
            length |= (b.get() & 0xFF) << (4 + 8 * i);
        }
        return start + length;
    }

    @Test
    void refusesSenselessArguments() {
        assertThatThrownBy(() -> build(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> AcpiTables.build(1, n -> n, 0xFC001001L))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
