// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import dev.vitrine.hypervisor.RingPage;
import dev.vitrine.xenabi.VmEvent;

import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A ring in a file of one page, which the tool maps. Here it is read and written by system calls,
 * which see the same page of the host's cache: a file that the tool makes shorter is an error then,
 * where a mapping of it would be a fault somewhere in the JVM.
 */
final class FileRingPage implements RingPage {
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final Path path;
    private final RandomAccessFile file;
    private final Runnable onDamage;
    private final byte[] word = new byte[4];

    /**
     * Makes an empty ring in a new file with mode 0600.
     *
     * @param onDamage called when the file cannot be read or written any more
     */
    FileRingPage(Path folder, Runnable onDamage) throws IOException {
        this.path = Files.createTempFile(folder, ".vitrine-ring-", "");
        this.onDamage = onDamage;
        RandomAccessFile opened = null;
        try {
            opened = new RandomAccessFile(path.toFile(), "rw");
            opened.write(new byte[SIZE]);
        } catch (IOException e) {
            if (opened != null) {
                opened.close();
            }
            Files.deleteIfExists(path);
            throw e;
        }
        this.file = opened;
        setIndex(VmEvent.RING_REQ_EVENT, 1);
        setIndex(VmEvent.RING_RSP_EVENT, 1);
    }

    Path path() {
        return path;
    }

    @Override
    public int index(int offset) {
        read(offset, word);
        return (int) INT.get(word, 0);
    }

    @Override
    public void setIndex(int offset, int value) {
        INT.set(word, 0, value);
        write(offset, word);
    }

    /** Zeros if there is nothing to be read. */
    @Override
    public void read(int offset, byte[] target) {
        try {
            file.seek(offset);
            file.readFully(target);
        } catch (EOFException e) {
            java.util.Arrays.fill(target, (byte) 0);
            onDamage.run();
        } catch (IOException e) {
            onDamage.run();
        }
    }

    @Override
    public void write(int offset, byte[] source) {
        try {
            if (file.length() < SIZE) {
                throw new EOFException("the ring's file has been made shorter");
            }
            file.seek(offset);
            file.write(source);
        } catch (IOException e) {
            onDamage.run();
        }
    }

    @Override
    public void close() {
        try {
            file.close();
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // Nobody uses it any more.
        }
    }
}
