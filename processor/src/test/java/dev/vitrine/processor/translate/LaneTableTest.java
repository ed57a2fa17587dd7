// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static org.assertj.core.api.Assertions.assertThat;

import static java.lang.constant.ConstantDescs.CD_long;

import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.vector.IntegerLanes;
import dev.vitrine.processor.vector.Packs;
import dev.vitrine.processor.vector.Shuffles;

import org.junit.jupiter.api.Test;

import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.SplittableRandom;
import java.util.function.LongBinaryOperator;

/** The lanes that translated code computes against those of the interpreter. */
class LaneTableTest {
    private static final int ROUNDS = 20_000;

    private static final long[] ELEMENTS = {
        0, 1, 2, 0x7E, 0x7F, 0x80, 0x81, 0xFE, 0xFF, 0x100, 0x7FFE, 0x7FFF, 0x8000, 0x8001, 0xFF7F,
        0xFF80, 0xFFFF
    };

    /** A method that does it. */
    private static LongBinaryOperator compiled(LaneCode lane) throws ReflectiveOperationException {
        byte[] file =
                ClassFile.of()
                        .build(
                                ClassDesc.of("dev.vitrine.processor.translate.Lane"),
                                c ->
                                        c.withMethodBody(
                                                "apply",
                                                MethodTypeDesc.of(CD_long, CD_long, CD_long),
                                                ClassFile.ACC_STATIC | ClassFile.ACC_PUBLIC,
                                                b -> {
                                                    lane.write(
                                                            b, () -> b.lload(0), () -> b.lload(2));
                                                    b.lreturn();
                                                }));
        MethodHandles.Lookup lookup = MethodHandles.lookup().defineHiddenClass(file, true);
        return MethodHandleProxies.asInterfaceInstance(
                LongBinaryOperator.class,
                lookup.findStatic(
                        lookup.lookupClass(),
                        "apply",
                        MethodType.methodType(long.class, long.class, long.class)));
    }

    private static long operand(SplittableRandom random) {
        long x = random.nextLong();
        for (int k = 0; k < 64; k += 16) {
            if (random.nextInt(3) == 0) {
                long e = ELEMENTS[random.nextInt(ELEMENTS.length)];
                x = x & ~(0xFFFFL << k) | e << k;
            }
        }
        if (random.nextInt(4) == 0) {
            // Counts of shifts, and equal elements.
            x &= 0x0000_003F_0000_003FL;
        }
        return x;
    }

    private static void same(Op op, LaneCode lane, LongBinaryOperator reference)
            throws ReflectiveOperationException {
        LongBinaryOperator mine = compiled(lane);
        SplittableRandom random = new SplittableRandom(20261122L + op.ordinal());
        for (int n = 0; n < ROUNDS; n++) {
            long a = operand(random);
            long b =
                    random.nextInt(4) == 0
                            ? a ^ 0xFFL << (random.nextInt(8) << 3)
                            : operand(random);
            assertThat(mine.applyAsLong(a, b))
                    .as("%s of %x and %x", op, a, b)
                    .isEqualTo(reference.applyAsLong(a, b));
        }
    }

    @Test
    void lanes() throws ReflectiveOperationException {
        int count = 0;
        for (Op op : Op.values()) {
            LaneCode lane = LaneTable.lane(op);
            if (lane != null) {
                same(op, lane, (a, b) -> IntegerLanes.apply(op, a, b));
                count++;
            }
        }
        assertThat(count).isGreaterThan(70);
    }

    @Test
    void packs() throws ReflectiveOperationException {
        int count = 0;
        for (Op op : Op.values()) {
            LaneCode pack = LaneTable.pack(op);
            if (pack != null) {
                same(op, pack, (a, b) -> Packs.apply(op, a, b));
                count++;
            }
        }
        assertThat(count).isEqualTo(8);
    }

    @Test
    void extensions() throws ReflectiveOperationException {
        int count = 0;
        for (Op op : Op.values()) {
            LaneCode extension = LaneTable.extension(op);
            if (extension != null) {
                same(op, extension, (a, b) -> Shuffles.extend(op, a));
                count++;
            }
        }
        assertThat(count).isEqualTo(12);
    }
}
