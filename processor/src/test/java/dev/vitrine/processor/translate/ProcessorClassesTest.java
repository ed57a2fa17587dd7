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
        MethodHandles.Lookup place = ProcessorClasses.of(cpu).place();
        MethodHandle push =
                place.findStatic(
                        place.lookupClass(),
                        "push",
                        MethodType.methodType(boolean.class, long.class));
        MethodHandle pop =
                place.findStatic(place.lookupClass(), "pop", MethodType.methodType(long.class));
        cpu.mmu.store64(TOUCHED, 0);
        cpu.r[Cpu.RSP] = TOUCHED + 8;
        assertThat((boolean) push.invokeExact(7L)).isFalse();
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(TOUCHED);
        assertThat(cpu.mmu.load64(TOUCHED)).isEqualTo(7);
        assertThat((long) pop.invokeExact()).isEqualTo(7);
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(TOUCHED + 8);
        assertThat(cpu.missed).isFalse();
        cpu.r[Cpu.RSP] = UNTOUCHED + 8;
        assertThat((boolean) push.invokeExact(7L)).isTrue();
        assertThat((long) pop.invokeExact()).isZero();
        assertThat(cpu.r[Cpu.RSP]).isEqualTo(UNTOUCHED + 8);
        assertThat(cpu.missed).isTrue();
    }
}
