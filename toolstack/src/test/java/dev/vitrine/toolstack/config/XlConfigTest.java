// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.toolstack.BadInputException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class XlConfigTest {
    private static DomainConfig parse(String text) {
        return XlConfig.parse("guest.cfg", text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void readsADomain() {
        DomainConfig config =
                parse(
                        """
                        # A guest
                        name = "first"   # its name
                        type = 'pvh'; vcpus = 2
                        kernel = "boot/vmlinuz"
                        ramdisk = '/boot/initrd'
                        memory = 0x100
                        maxmem = 01000
                        root = "/dev/xvda"
                        extra = "ro quiet"
                        on_crash = "preserve"
                        """);
        assertThat(config.name()).isEqualTo("first");
        assertThat(config.type()).isEqualTo(DomainType.PVH);
        assertThat(config.kernel()).isEqualTo(Path.of("boot/vmlinuz"));
        assertThat(config.ramdisk()).isEqualTo(Path.of("/boot/initrd"));
        assertThat(config.cmdline()).isEqualTo("root=/dev/xvda ro quiet");
        assertThat(config.memoryMiB()).isEqualTo(256);
        assertThat(config.maxMemoryMiB()).isEqualTo(512);
        assertThat(config.vcpus()).isEqualTo(2);
        assertThat(config.maxVcpus()).isEqualTo(2);
        assertThat(config.onCrash()).isEqualTo(ShutdownAction.PRESERVE);
        assertThat(config.onReboot()).isEqualTo(ShutdownAction.RESTART);
        assertThat(config.warnings()).extracting(ConfigWarning::line).containsExactly(7);
    }

    @Test
    void aByteOrderMarkIsNoText() {
        assertThat(parse("\ufeffname = 'x'").name()).isEqualTo("x");
        assertThat(parse("\ufeff# text\nname = 'x'\ntype = 'pv'").typeLine()).isEqualTo(3);
        assertThatThrownBy(() -> parse("name\ufeff = 'x'")).hasMessageContaining("\\xef");
    }

    @Test
    void hasDefaults() {
        DomainConfig config = parse("name='x'");
        assertThat(config.type()).isEqualTo(DomainType.PVH);
        assertThat(config.memoryMiB()).isEqualTo(512);
        assertThat(config.vcpus()).isEqualTo(1);
        assertThat(config.kernel()).isNull();
        assertThat(config.cmdline()).isEmpty();
        assertThat(config.onCrash()).isEqualTo(ShutdownAction.DESTROY);
        assertThat(config.warnings()).isEmpty();
    }

    @Test
    void composesTheCommandLineAsXlDoes() {
        assertThat(parse("name='x'\nroot='/dev/a'").cmdline()).isEqualTo("root=/dev/a");
        assertThat(parse("name='x'\nextra='quiet'").cmdline()).isEqualTo("quiet");
        DomainConfig both = parse("name='x'\ncmdline='a b'\nextra='c'");
        assertThat(both.cmdline()).isEqualTo("a b");
        assertThat(both.warnings()).hasSize(1);
    }

    @Test
    void warnsOfWhatIsNotSupportedYet() {
        DomainConfig config =
                parse("name='x'\ndisk = [\n 'a,raw,xvda,w',\n  'b', # two\n]\nvif = ['']\n");
        assertThat(config.warnings().stream().map(ConfigWarning::toString).toList())
                .containsExactly(
                        "guest.cfg:2: the option 'disk' is not supported yet and has no effect",
                        "guest.cfg:6: the option 'vif' is not supported yet and has no effect");
    }

    @Test
    void addsToStringsAndLists() {
        assertThat(parse("name='x'\nname+='y'").name()).isEqualTo("xy");
        CfgFile file = CfgFile.parse("f", "disk=['a']\ndisk += ['b','c',]");
        assertThat(file.find("disk")).isNotNull();
        assertThat(((CfgValue.Items) file.find("disk").value()).items())
                .containsExactly(
                        new CfgValue.Atom("a", 1),
                        new CfgValue.Atom("b", 2),
                        new CfgValue.Atom("c", 2));
    }

    @Test
    void theLastAssignmentCounts() {
        assertThat(parse("name='x'\nname='y'").name()).isEqualTo("y");
    }

    @Test
    void knowsEscapes() {
        assertThat(parse("name='a\\tb\\\\c\\'d\\x41\\101\\\"'").name()).isEqualTo("a\tb\\c'dAA\"");
        assertThat(parse("name=\"it's\"").name()).isEqualTo("it's");
        assertThat(parse("name=\"grün\"").name()).isEqualTo("grün");
    }

    @Test
    void takesFilesWithoutFinalNewlineAndWithCarriageReturns() {
        assertThat(parse("name='x'\r\nvcpus=3\r\n# end").vcpus()).isEqualTo(3);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "name='x|guest.cfg:1: the string that starts with 'x is not closed.",
                "name='x'\\nmemory=|guest.cfg:2: expected a string, a number or a list, found the end of the file.",
                "name='x'\\n\\nMemory=1|guest.cfg:3: 'M' has no meaning here",
                "name='x' 'y'|guest.cfg:1: expected the end of the line or ';', found the string \"y\".",
                "name='x'\\ndisk=['a' 'b']|guest.cfg:2: expected ',' or ']'",
                "name='x'\\ndisk=['a',\\n'b'|guest.cfg:3: expected ',' or ']' in the list that starts in line 2, found the end of the file.",
                "name='x'\\nmemory=-5|guest.cfg:2: '-' has no meaning here",
                "name='x'\\nname+=['y']|guest.cfg:2: '+=' cannot join a list and a single value",
                "name='\\q'|guest.cfg:1: '\\q' is not an escape that xl knows.",
                "=5|guest.cfg:1: expected the name of an option, found '='.",
                "memory|guest.cfg:1: expected '=' or '+=' after 'memory', found the end of the file.",
                "name='x'\\nmemroy=5|guest.cfg:2: xl has no option 'memroy'; is 'memory' meant?",
                "name='x'\\nxyzzy_plugh=5|guest.cfg:2: xl has no option 'xyzzy_plugh'.",
                "memory=5|guest.cfg: the domain has no name; add name = \"…\".",
                "name='x'\\nmemory=0|guest.cfg:2: memory is 0; it can be 1 to 8388608.",
                "name='x'\\nmemory='-7'|guest.cfg:2: memory is -7; it can be 1 to 8388608.",
                "name='x'\\nmemory=99999999999999999999|guest.cfg:2: memory is 99999999999999999999; it can be 1 to 8388608.",
                "name='x'\\nmemory='many'|guest.cfg:2: memory is 'many', which is not a number.",
                "name='x'\\nmemory=089|guest.cfg:2: memory is '089', which is not a number.",
                "name='x'\\nmemory=[1]|guest.cfg:2: memory is a list; it is a single value.",
                "name='x'\\nvcpus=129|guest.cfg:2: vcpus is 129; it can be 1 to 128.",
                "name='x'\\nvcpus=2\\nmaxvcpus=1|guest.cfg:3: maxvcpus is smaller than vcpus.",
                "name='x'\\ntype='qemu'|guest.cfg:2: type is 'qemu'; it can be pvh, pv or hvm.",
                "name='x'\\non_crash='explode'|guest.cfg:2: on_crash is 'explode', which is no action that xl knows.",
                "name='x'\\nkernel=''|guest.cfg:2: kernel is empty; it is the name of a file.",
            })
    void saysWhatIsWrongAndWhere(String text, String message) {
        assertThatThrownBy(() -> parse(text.replace("\\n", "\n")))
                .isInstanceOf(BadInputException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void deepListsAreNoProblem() {
        String deep = "name='x'\ndisk=" + "[".repeat(100_000);
        assertThatThrownBy(() -> parse(deep)).hasMessageContaining("nested more than 16 deep");
    }

    @Test
    void refusesFilesThatCannotBeRead(@TempDir Path folder) throws IOException {
        assertThatThrownBy(() -> XlConfig.load(folder.resolve("no.cfg")))
                .isInstanceOf(BadInputException.class)
                .hasMessage(folder.resolve("no.cfg") + ": there is no such file.");
        assertThatThrownBy(() -> XlConfig.load(folder))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("folder");
        Path large = Files.write(folder.resolve("large"), new byte[2 << 20]);
        assertThatThrownBy(() -> XlConfig.load(large)).hasMessageContaining("too large");
    }

    @Test
    void knowsTheOptionsOfXlsManual() {
        assertThat(XlOptions.names())
                .contains("name", "vif", "nestedhvm", "pvshim", "max_grant_frames", "altp2m")
                .hasSizeGreaterThan(150);
        assertThat(List.of("type", "kernel", "on_crash"))
                .allMatch(name -> XlOptions.find(name) == XlOptions.Support.SUPPORTED);
    }
}
