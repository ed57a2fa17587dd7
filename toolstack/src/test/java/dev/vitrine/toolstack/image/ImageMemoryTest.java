// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.loader.KernelImage;
import dev.vitrine.toolstack.loader.LoadedKernel;
import dev.vitrine.toolstack.loader.TestKernels;

import org.junit.jupiter.api.Test;

class ImageMemoryTest {
    private static final long MIB = 1L << 20;
    private static final long GIB = 1L << 30;

    /** The first number was seen to boot, or with 2 MiB less it was seen not to. */
    @Test
    void isNearToWhatWasMeasured() {
        assertThat(ImageMemory.least(46 * MIB, 2 * MIB, 1)).isBetween(72L, 78L); // debian
        assertThat(ImageMemory.least(46 * MIB, 2 * MIB, 4)).isBetween(74L, 80L);
        assertThat(ImageMemory.least(58 * MIB, 2 * MIB, 1)).isBetween(86L, 92L); // debian:rt
        // With a file of 200 MiB: 660 were too few.
        assertThat(ImageMemory.least(46 * MIB, 202 * MIB, 1)).isBetween(662L, 680L);
    }

    @Test
    void refusesWhatIsTooSmall() {
        LoadedKernel kernel = KernelImage.load("vmlinux", TestKernels.pvh());
        long least = ImageMemory.least(kernel.end() - kernel.start(), GIB, 1);
        ImageMemory.check("debian", kernel, GIB, least * MIB, 1);
        assertThatThrownBy(() -> ImageMemory.check("debian", kernel, GIB, least * MIB - 4096, 1))
                .isInstanceOf(BadInputException.class)
                .hasMessage(
                        "debian: the domain's memory of "
                                + (least - 1)
                                + " MiB is too small for the kernel and a ramdisk of 1024 MiB, which"
                                + " Linux unpacks; give it at least "
                                + least
                                + " MiB.");
        // No memory is enough for this: a domain's boot memory ends before.
        ImageMemory.check("debian", kernel, 5 * GIB, 512 * MIB, 1);
    }
}
