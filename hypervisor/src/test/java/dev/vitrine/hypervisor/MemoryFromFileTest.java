// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.memory.BadGuestAddress;
import dev.vitrine.memory.FrameTable;
import dev.vitrine.memory.GuestPhysical;
import dev.vitrine.memory.MachineMemory;
import dev.vitrine.memory.PhysicalMap;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Files that are read to where a guest has them: as if they had been written from an array. */
class MemoryFromFileTest {
    private static final int FRAMES = 64;
    private static final int SIZE = 40 * 4096 + 17;

    @TempDir private Path dir;

    private final MachineMemory memory = MachineMemory.reserve(1 << 20);
    private final PhysicalMap map = new PhysicalMap(memory);
    private final GuestPhysical guest = new GuestPhysical(map);
    private final byte[] content = new byte[SIZE];
    private FileChannel file;

    @BeforeEach
    void open() throws IOException {
        new Random(20261128).nextBytes(content);
        Path path = dir.resolve("file");
        Files.write(path, content);
        file = FileChannel.open(path);
    }

    @AfterEach
    void close() throws IOException {
        file.close();
        memory.close();
    }

    /** Two pieces of RAM in a row, the second one before the first in machine memory. */
    private void mapPieces() {
        long mfn = memory.allocateRange(FRAMES);
        map.mapRange(FRAMES / 2, FRAMES / 2, mfn);
        map.mapRange(0, FRAMES / 2, mfn + FRAMES / 2);
    }

    private void isWritten(long address, int position, int length) throws IOException {
        byte[] before = guest.read(0, FRAMES * 4096);
        assertThat(guest.write(address, file, position, length)).isEqualTo(length);
        System.arraycopy(content, position, before, (int) address, length);
        assertThat(Arrays.equals(guest.read(0, FRAMES * 4096), before)).isTrue();
    }

    @Test
    void piecesAndSingleFramesAreFilledInOrder() throws IOException {
        mapPieces();
        isWritten(30 * 4096 + 5, 3, 8 * 4096);
        isWritten(4095, 0, 2);
        isWritten(0, 1, SIZE - 1);
        // Frames that have changed places.
        long one = map.exchange(33, map.lookup(20));
        map.exchange(20, one);
        isWritten(10 * 4096 + 4000, 100, 30 * 4096);
        isWritten(20 * 4096, 7, 4096);
        assertThat(guest.write(0, file, 0, 0)).isZero();
    }

    @Test
    void aFileThatEndsSaysHowMuchItHad() throws IOException {
        mapPieces();
        assertThat(guest.write(8, file, SIZE - 5000, 3 * 4096)).isEqualTo(5000);
        assertThat(guest.read(8, 5000)).isEqualTo(Arrays.copyOfRange(content, SIZE - 5000, SIZE));
        assertThat(guest.write(8, file, SIZE, 1)).isZero();
        assertThat(guest.write(8, file, SIZE + 1L, 1)).isZero();
    }

    @Test
    void whereThereIsNoRamNothingIsWritten() throws IOException {
        mapPieces();
        map.unmap(40);
        assertThatThrownBy(() -> guest.write(40 * 4096, file, 0, 4096))
                .isInstanceOf(BadGuestAddress.class);
        assertThatThrownBy(() -> guest.write(FRAMES * 4096L, file, 0, 1))
                .isInstanceOf(BadGuestAddress.class);
        assertThatThrownBy(() -> guest.write(39 * 4096, file, 0, 4097))
                .isInstanceOf(BadGuestAddress.class);
        assertThat(guest.read(39 * 4096, 4096)).containsOnly(0);
        assertThat(guest.read(41 * 4096, 4096)).containsOnly(0);
    }

    @Test
    void whoMustKnowOfWritesIsTold() throws IOException {
        mapPieces();
        List<Long> code = new ArrayList<>();
        guest.setCodeListener(code::add);
        isWritten(0, 0, 4 * 4096);
        assertThat(code).isEmpty();
        long mfn = guest.machine(2 * 4096) >>> 12;
        memory.frames().set(mfn, FrameTable.CODE);
        isWritten(4096, 0, 4096);
        assertThat(code).isEmpty();
        isWritten(4096, 0, 4097);
        assertThat(code).containsExactly(mfn);
        memory.frames().setDirtyLog(true);
        isWritten(50 * 4096 - 1, 0, 2);
        List<Long> dirty = new ArrayList<>();
        memory.frames().takeDirty(dirty::add);
        assertThat(dirty)
                .containsExactlyInAnyOrder(
                        guest.machine(49 * 4096) >>> 12, guest.machine(50 * 4096) >>> 12);
    }
}
