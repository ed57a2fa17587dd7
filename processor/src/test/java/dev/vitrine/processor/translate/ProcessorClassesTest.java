// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.core.CalledAccess;
import dev.vitrine.processor.core.Cpu;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.List;

class ProcessorClassesTest {
    private static final int TOUCHED = ProgramMachine.DATA;
    private static final int UNTOUCHED = TOUCHED + ProgramMachine.PAGE;

    private final ProgramMachine machine = new ProgramMachine(false);
    private final ProgramMachine other = new ProgramMachine(false);
    private final Cpu cpu = machine.cpu;

    @AfterEach
    void close() {
        machine.close();
        other.close();
    }

    @Test
    void eachProcessorHasItsOwn() {
        cpu.mmu.store64(TOUCHED, 1);
        other.cpu.mmu.store64(TOUCHED, 2);
        CalledAccess access = ProcessorClasses.of(cpu);
        CalledAccess others = ProcessorClasses.of(other.cpu);
        assertThat(access.getClass()).isNotSameAs(others.getClass());
        assertThat(ProcessorClasses.of(cpu)).isSameAs(access).isSameAs(cpu.access);
        assertThat(access.load8(TOUCHED)).isEqualTo(1);
        assertThat(others.load8(TOUCHED)).isEqualTo(2);
        assertThat(access.store4(TOUCHED, 5)).isFalse();
        assertThat(cpu.mmu.load64(TOUCHED)).isEqualTo(5);
        assertThat(other.cpu.mmu.load64(TOUCHED)).isEqualTo(2);
        assertThat(ProcessorClasses.processor(ProcessorAccess.class)).isNull();
    }

    @Test
    void whatMissesIsNotDone() {
        CalledAccess access = ProcessorClasses.of(cpu);
        assertThat(access.store8(UNTOUCHED, 1)).isTrue();
        assertThat(cpu.missed).isTrue();
        cpu.missed = false;
        assertThat(access.probe(UNTOUCHED, 1, false)).isTrue();
        assertThat(access.load8(UNTOUCHED)).isZero();
        assertThat(cpu.missed).isTrue();
        assertThat(other.cpu.missed).isFalse();
        assertThat(cpu.mmu.load64(UNTOUCHED)).isZero();
        assertThat(access.probe(UNTOUCHED, 1, false)).isFalse();
    }

    @Test
    void pushesAndPopsMoveTheStackPointerUnlessTheyMiss() throws Throwable {
        MethodHandle push = method("push", boolean.class, long.class);
        MethodHandle pushRegister = method("push", boolean.class, int.class);
        MethodHandle pop = method("pop", boolean.class, int.class);
        cpu.mmu.store64(TOUCHED, 0);
        cpu.r[Cpu.RSP] = TOUCHED + 8;
        assertThat((boolean) push.invokeExact(7L)).isFalse();
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(TOUCHED);
        assertThat(cpu.mmu.load64(TOUCHED)).isEqualTo(7);
        assertThat((boolean) pop.invokeExact(Cpu.RBX)).isFalse();
        assertThat(cpu.r[Cpu.RBX]).isEqualTo(7);
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(TOUCHED + 8);
        // The stack pointer itself: as it was before, and what was popped.
        assertThat((boolean) pushRegister.invokeExact(Cpu.RSP)).isFalse();
        assertThat(cpu.mmu.load64(TOUCHED)).isEqualTo(TOUCHED + 8);
        cpu.mmu.store64(TOUCHED, 99);
        assertThat((boolean) pop.invokeExact(Cpu.RSP)).isFalse();
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(99);
        assertThat(cpu.missed).isFalse();
        cpu.r[Cpu.RSP] = UNTOUCHED + 8;
        assertThat((boolean) push.invokeExact(7L)).isTrue();
        assertThat((boolean) pushRegister.invokeExact(Cpu.RBX)).isTrue();
        assertThat((boolean) pop.invokeExact(Cpu.RBX)).isTrue();
        assertThat(cpu.r[Cpu.RBX]).isEqualTo(7);
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(UNTOUCHED + 8);
        assertThat(cpu.missed).isTrue();
    }

    @Test
    void severalArePushedAndPoppedInOrderOrNoneAtAll() throws Throwable {
        MethodHandle push = method("push", boolean.class, int.class, int.class);
        MethodHandle pop = method("pop", boolean.class, int.class, int.class);
        int registers = Cpu.RBX | Cpu.RBP << 4 | 15 << 8;
        cpu.r[Cpu.RBX] = 1;
        cpu.r[Cpu.RBP] = 2;
        cpu.r[15] = 3;
        cpu.mmu.store64(TOUCHED, 0);
        cpu.r[Cpu.RSP] = TOUCHED + 24;
        assertThat((boolean) push.invokeExact(registers, 3)).isFalse();
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(TOUCHED);
        assertThat(cpu.mmu.load64(TOUCHED)).isEqualTo(3);
        assertThat(cpu.mmu.load64(TOUCHED + 8)).isEqualTo(2);
        assertThat(cpu.mmu.load64(TOUCHED + 16)).isEqualTo(1);
        assertThat((boolean) pop.invokeExact(registers, 3)).isFalse();
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(TOUCHED + 24);
        assertThat(List.of(cpu.r[Cpu.RBX], cpu.r[Cpu.RBP], cpu.r[15])).containsExactly(3L, 2L, 1L);
        // Half of it would be on the page before, which was touched as well.
        cpu.mmu.store64(TOUCHED - 8, 77);
        cpu.r[Cpu.RSP] = TOUCHED + 8;
        assertThat((boolean) push.invokeExact(registers, 3)).isTrue();
        assertThat(cpu.mmu.load64(TOUCHED - 8)).isEqualTo(77);
        cpu.r[Cpu.RSP] = TOUCHED - 8;
        assertThat((boolean) pop.invokeExact(registers, 3)).isTrue();
        assertThat(List.of(cpu.r[Cpu.RBX], cpu.r[Cpu.RBP], cpu.r[15])).containsExactly(3L, 2L, 1L);
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(TOUCHED - 8);
    }

    @Test
    void returnsPopCanonicalAddressesOnly() throws Throwable {
        MethodHandle ret = method("ret", long.class);
        cpu.mmu.store64(TOUCHED, 0x7FFF_FFFF_FFFFL);
        cpu.r[Cpu.RSP] = TOUCHED;
        assertThat((long) ret.invokeExact()).isEqualTo(0x7FFF_FFFF_FFFFL);
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(TOUCHED + 8);
        cpu.mmu.store64(TOUCHED, 0x8000_0000_0000L);
        cpu.r[Cpu.RSP] = TOUCHED;
        assertThat((long) ret.invokeExact()).isEqualTo(ProcessorAccess.NOWHERE);
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(TOUCHED);
        cpu.r[Cpu.RSP] = UNTOUCHED;
        assertThat((long) ret.invokeExact()).isEqualTo(ProcessorAccess.NOWHERE);
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(UNTOUCHED);
    }

    @Test
    void accessesByNumbersOfRegistersAreThoseByAddress() throws Throwable {
        long pattern = 0x8877_6655_4433_2281L;
        for (int size = 1; size <= 8; size *= 2) {
            long part = pattern & -1L >>> 64 - 8 * size;
            for (String name : List.of("fetch", "fetchForUpdate")) {
                MethodHandle byNumber =
                        method(name + size, boolean.class, int.class, int.class, int.class);
                MethodHandle byAddress = method(name + size, boolean.class, long.class, int.class);
                cpu.mmu.store64(TOUCHED + 8, pattern);
                cpu.r[Cpu.RBX] = TOUCHED;
                assertThat((boolean) byNumber.invokeExact(Cpu.RCX, Cpu.RBX, 8)).isFalse();
                assertThat((boolean) byAddress.invokeExact((long) TOUCHED + 8, Cpu.RDX)).isFalse();
                assertThat(cpu.r[Cpu.RCX]).as(name + size).isEqualTo(part);
                assertThat(cpu.r[Cpu.RDX]).as(name + size).isEqualTo(part);
                cpu.r[Cpu.RBX] = UNTOUCHED + 8;
                assertThat((boolean) byNumber.invokeExact(Cpu.RCX, Cpu.RBX, -8)).isTrue();
                assertThat((boolean) byAddress.invokeExact((long) UNTOUCHED, Cpu.RCX)).isTrue();
                assertThat(cpu.r[Cpu.RCX]).isEqualTo(part);
            }
            MethodHandle of = method("put" + size, boolean.class, int.class, int.class, int.class);
            MethodHandle value =
                    method("put" + size, boolean.class, long.class, int.class, int.class);
            cpu.mmu.store64(TOUCHED, 0);
            cpu.mmu.store64(TOUCHED + 8, 0);
            cpu.r[Cpu.RBX] = TOUCHED + 8;
            cpu.r[Cpu.RCX] = pattern;
            assertThat((boolean) of.invokeExact(Cpu.RCX, Cpu.RBX, -8)).isFalse();
            assertThat((boolean) value.invokeExact(pattern, Cpu.RBX, 0)).isFalse();
            assertThat(cpu.mmu.load64(TOUCHED)).as("put" + size).isEqualTo(part);
            assertThat(cpu.mmu.load64(TOUCHED + 8)).as("put" + size).isEqualTo(part);
            cpu.r[Cpu.RBX] = UNTOUCHED;
            assertThat((boolean) of.invokeExact(Cpu.RCX, Cpu.RBX, 0)).isTrue();
            assertThat((boolean) value.invokeExact(pattern, Cpu.RBX, 0)).isTrue();
        }
    }

    private MethodHandle method(String name, Class<?> result, Class<?>... parameters)
            throws ReflectiveOperationException {
        MethodHandles.Lookup place = ProcessorClasses.of(cpu).place();
        return place.findStatic(
                place.lookupClass(), name, MethodType.methodType(result, parameters));
    }
}
