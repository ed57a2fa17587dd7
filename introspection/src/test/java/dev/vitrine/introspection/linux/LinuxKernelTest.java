// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.introspection.Fakes;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.PhysicalMemory;
import dev.vitrine.introspection.PhysicalRange;
import dev.vitrine.introspection.Target;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

class LinuxKernelTest {
    private static final long TEXT = 0xFFFF_FFFF_8100_0000L;

    @TempDir Path folder;

    private static LinuxKernel attach(SyntheticKernel k) {
        return LinuxKernel.attach(k.target(), List.of());
    }

    /** KASLR moves the image by multiples of 2 MiB, linearly and physically. */
    @ParameterizedTest
    @CsvSource({
        "81000000, 1000000, 4",
        "81000000, 1000000, 5",
        "8a200000, 3fe00000, 4",
        "bd600000, 17c800000, 5",
        "80000000, 7fff00000000, 4"
    })
    void theKernelIsFoundWhereverItIs(String text, String physical, int levels) {
        long at = 0xFFFF_FFFF_0000_0000L | Long.parseLong(text, 16);
        LinuxKernel k = attach(new SyntheticKernel(at, Long.parseLong(physical, 16), levels, true));
        assertThat(k.kernelSymbols().count()).isEqualTo(SyntheticKernel.SYMBOLS + 5);
        assertThat(k.resolve("entry_SYSCALL_64")).isEqualTo(at + 0x10_0040);
        assertThat(k.banner()).isEqualTo("Linux version 6.1.0-test");
        assertThat(k.types().size("module")).isEqualTo(0x100);
        assertThat(k.kernelSymbols().at(at + 0x10_0041).name()).isEqualTo("entry_SYSCALL_64");
    }

    @Test
    void exceptionsLeadToTheKernelToo() {
        LinuxKernel k = attach(new SyntheticKernel(TEXT, 0x100_0000, 4, true).enteredByFault());
        assertThat(k.resolve("linux_banner")).isEqualTo(TEXT + 0x20_0000);
    }

    @Test
    void pageTableIsolationHidesNothing() {
        LinuxKernel k = attach(new SyntheticKernel(TEXT, 0x100_0000, 4, true).isolated());
        assertThat(k.banner()).isEqualTo("Linux version 6.1.0-test");
        // init_top_pgt
        assertThat(k.space().root()).isEqualTo(0x160_0000);
    }

    @Test
    void memoryIsReadAndWrittenByAddressAndSymbol() {
        SyntheticKernel synthetic = new SyntheticKernel(TEXT, 0x100_0000, 4, true);
        LinuxKernel k = attach(synthetic);
        assertThat(k.text(k.resolve("linux_banner"), 5)).isEqualTo("Linux");
        long data = k.resolve("modules") + 4092;
        k.write(data, new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
        assertThat(k.number(data, 8)).isEqualTo(0x0807_0605_0403_0201L);
        assertThatThrownBy(() -> k.read(TEXT + 0x3000_0000, 1))
                .isInstanceOf(IntrospectionException.class)
                .hasMessageContaining("0xffffffffb1000000", "not mapped");
    }

    @Test
    void modulesAreListed() {
        SyntheticKernel s = new SyntheticKernel(TEXT, 0x100_0000, 4, true);
        long a = s.module(0, "alpha");
        long b = s.module(1, "beta");
        s.putLong(s.modules, SyntheticKernel.list(b));
        s.putLong(SyntheticKernel.list(b), SyntheticKernel.list(a));
        s.putLong(SyntheticKernel.list(a), s.modules);
        assertThat(attach(s).modules())
                .extracting(KernelModule::name, KernelModule::size)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("beta", 0x3000L),
                        org.assertj.core.groups.Tuple.tuple("alpha", 0x3000L));
    }

    /** A hostile guest's list leads in a circle that its head is not in, or nowhere. */
    @Test
    void listsWithoutAnEndAreGivenUp() {
        SyntheticKernel s = new SyntheticKernel(TEXT, 0x100_0000, 4, true);
        long a = s.module(0, "alpha");
        s.putLong(s.modules, SyntheticKernel.list(a));
        s.putLong(SyntheticKernel.list(a), SyntheticKernel.list(a));
        LinuxKernel k = attach(s);
        assertThatThrownBy(k::modules)
                .isInstanceOf(IntrospectionException.class)
                .hasMessageContaining("no end");
        s.putLong(s.modules, 0);
        assertThatThrownBy(k::modules).isInstanceOf(IntrospectionException.class);
        s.putLong(s.modules, 0x1234_5678_9ABC_DEF0L);
        assertThatThrownBy(k::modules).isInstanceOf(IntrospectionException.class);
    }

    /** One module that makes no sense does not hide the others, if that is asked for. */
    @Test
    void whatIsDamagedIsToldAndTheRestIsListed() {
        SyntheticKernel s = new SyntheticKernel(TEXT, 0x100_0000, 4, true);
        long a = s.module(0, "alpha");
        long b = s.module(1, "beta");
        // Its list is the last of what is mapped; its name would be behind.
        long broken = s.end() - 24;
        s.putLong(s.modules, SyntheticKernel.list(a));
        s.putLong(SyntheticKernel.list(a), SyntheticKernel.list(broken));
        s.putLong(SyntheticKernel.list(broken), SyntheticKernel.list(b));
        s.putLong(SyntheticKernel.list(b), s.modules);
        LinuxKernel k = attach(s);
        assertThatThrownBy(k::modules).isInstanceOf(IntrospectionException.class);
        List<String> damage = new ArrayList<>();
        assertThat(k.despiteDamage(e -> damage.add(e.getMessage()), k::modules))
                .extracting(KernelModule::name)
                .containsExactly("alpha", "beta");
        assertThat(damage)
                .hasSize(1)
                .first()
                .asString()
                .startsWith("The module at 0x" + Long.toHexString(broken) + " cannot be read");
        damage.clear();
        s.putLong(SyntheticKernel.list(a), 0x1234_5678_9ABC_DEF0L);
        assertThat(k.despiteDamage(e -> damage.add(e.getMessage()), k::modules))
                .extracting(KernelModule::name)
                .containsExactly("alpha");
        assertThat(damage).hasSize(2).last().asString().startsWith("The list of modules");
        assertThatThrownBy(k::modules).isInstanceOf(IntrospectionException.class);
    }

    /** It takes a while to read the kernel's image; the guest does not wait for it. */
    @Test
    void theProcessThatLedToTheKernelMayEnd() {
        SyntheticKernel s = new SyntheticKernel(TEXT, 0x100_0000, 4, true);
        long a = s.module(0, "alpha");
        s.putLong(s.modules, SyntheticKernel.list(a));
        s.putLong(SyntheticKernel.list(a), s.modules);
        PhysicalMemory memory =
                new PhysicalMemory() {
                    @Override
                    public List<PhysicalRange> ranges() {
                        return s.memory.ranges();
                    }

                    @Override
                    public boolean read(long address, byte[] target, int offset, int length) {
                        if (length > 4096) {
                            s.endProcess();
                        }
                        return s.memory.read(address, target, offset, length);
                    }

                    @Override
                    public boolean write(long address, byte[] source, int offset, int length) {
                        throw new IllegalStateException();
                    }
                };
        LinuxKernel k = LinuxKernel.attach(s.target(memory), List.of());
        assertThat(k.modules()).extracting(KernelModule::name).containsExactly("alpha");
    }

    @Test
    void whatIsMissingIsSaid() {
        LinuxKernel k = attach(new SyntheticKernel(TEXT, 0x100_0000, 4, false));
        assertThat(k.resolve("modules")).isEqualTo(TEXT + 0x40_0000);
        assertThatThrownBy(k::modules)
                .isInstanceOf(IntrospectionException.class)
                .hasMessageContaining("has no BTF", "--symbols");
        LinuxKernel typed = attach(new SyntheticKernel(TEXT, 0x100_0000, 4, true));
        assertThatThrownBy(() -> typed.resolve("nothing"))
                .hasMessageContaining("no symbol nothing");
        assertThatThrownBy(() -> typed.member("module", "nothing"))
                .hasMessageContaining("struct module has no member nothing");
    }

    @Test
    void aGuestWithoutLinuxIsSaid() {
        SyntheticKernel s = new SyntheticKernel(TEXT, 0x100_0000, 4, true);
        for (Target t :
                List.of(
                        Target.of(s.memory, List.of()),
                        Target.of(s.memory, List.of(Fakes.registers(0, 4, 0, 0))),
                        Target.of(s.memory, List.of(Fakes.registers(1L << 50, 5, -1, -1))))) {
            assertThatThrownBy(() -> LinuxKernel.attach(t, List.of()))
                    .isInstanceOf(IntrospectionException.class)
                    .hasMessageMatching("No (Linux )?kernel was found in image: .*[.]");
        }
    }

    /** What is missing comes from a file, moved by as much as KASLR moved the kernel. */
    @Test
    void aSymbolFileHelps() throws IOException {
        long moved = 0xFFFF_FFFF_9360_0000L;
        Path isf =
                Files.writeString(
                        folder.resolve("isf.json"),
                        """
                        {"user_types": {"task_struct": {"size": 9000, "fields": {}}},
                         "symbols": {"entry_SYSCALL_64": {"address": 18446744071580811328},
                                     "only_here": {"address": 18446744071580811392},
                                     "linux_banner": {"address": 0, "constant_data": "BANNER"}}}
                        """
                                .replace(
                                        "18446744071580811328",
                                        Long.toUnsignedString(TEXT + 0x10_0040))
                                .replace(
                                        "18446744071580811392",
                                        Long.toUnsignedString(TEXT + 0x10_0080)));
        String text = Files.readString(isf);
        SyntheticKernel s = new SyntheticKernel(moved, 0x100_0000, 4, false);
        Files.writeString(isf, text.replace("BANNER", base64("Linux version 6.1.0-test")));
        LinuxKernel k = LinuxKernel.attach(s.target(), List.of(SymbolFile.load(isf)));
        assertThat(k.types().size("task_struct")).isEqualTo(9000);
        assertThat(k.resolve("only_here")).isEqualTo(moved + 0x10_0080);
        Files.writeString(isf, text.replace("BANNER", base64("Linux version 5.10")));
        SymbolFile other = SymbolFile.load(isf);
        assertThatThrownBy(() -> LinuxKernel.attach(s.target(), List.of(other)))
                .hasMessageContaining("another kernel");
    }

    /** A kernel without kallsyms, whose types are in ranges before the last ones that are read. */
    @Test
    void aSystemMapNamesWhatTypesAreThereFor() throws IOException {
        long moved = 0xFFFF_FFFF_9360_0000L;
        Path map =
                Files.writeString(
                        folder.resolve("System.map"),
                        String.format(
                                "%x T entry_SYSCALL_64\n%x d modules\n",
                                TEXT + 0x10_0040, TEXT + 0x40_0000));
        SyntheticKernel s = new SyntheticKernel(moved, 0x100_0000, 4, true).withoutKallsyms();
        assertThatThrownBy(() -> attach(s)).hasMessageContaining("no kallsyms");
        long a = s.module(0, "alpha");
        s.putLong(s.modules, SyntheticKernel.list(a));
        s.putLong(SyntheticKernel.list(a), s.modules);
        LinuxKernel k = LinuxKernel.attach(s.target(), List.of(SymbolFile.load(map)));
        assertThat(k.modules()).extracting(KernelModule::name).containsExactly("alpha");
    }

    /** What Debian's packages of kernels have in place of a System.map. */
    @Test
    void aPlaceholderIsNoSystemMap() throws IOException {
        Path map =
                Files.writeString(
                        folder.resolve("System.map"),
                        "ffffffffffffffff B The real System.map is in the linux-image-amd64-dbg"
                                + " package\n");
        assertThatThrownBy(() -> SymbolFile.load(map))
                .isInstanceOf(IntrospectionException.class)
                .hasMessageContaining("placeholder");
    }

    private static String base64(String s) {
        return java.util.Base64.getEncoder().encodeToString(s.getBytes(StandardCharsets.US_ASCII));
    }
}
