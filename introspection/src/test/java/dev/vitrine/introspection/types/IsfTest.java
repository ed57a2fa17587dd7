// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.types;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.linux.Member;
import dev.vitrine.introspection.linux.SymbolFile;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

class IsfTest {
    static final String SAMPLE =
            """
            {"metadata": {"format": "6.2.0", "linux": {"symbols": [{"kind": "dwarf"}]}},
             "base_types": {"unsigned int": {"size": 4, "signed": false, "kind": "int", "endian": "little"},
                            "pointer": {"size": 8, "signed": false, "kind": "int", "endian": "little"},
                            "char": {"size": 1, "signed": true, "kind": "char", "endian": "little"}},
             "enums": {"state": {"size": 4, "base": "unsigned int", "constants": {"A": 0, "B": 7}}},
             "user_types": {
               "kuid_t": {"size": 4, "kind": "struct", "fields": {
                 "val": {"type": {"kind": "base", "name": "unsigned int"}, "offset": 0}}},
               "unnamed_1": {"size": 8, "kind": "union", "fields": {
                 "as_pointer": {"type": {"kind": "pointer", "subtype": {"kind": "base", "name": "void"}}, "offset": 0}}},
               "task_struct": {"size": 128, "kind": "struct", "fields": {
                 "unnamed_field_8": {"type": {"kind": "union", "name": "unnamed_1"}, "offset": 8, "anonymous": true},
                 "uid": {"type": {"kind": "struct", "name": "kuid_t"}, "offset": 16},
                 "comm": {"type": {"kind": "array", "count": 16, "subtype": {"kind": "base", "name": "char"}}, "offset": 24},
                 "state": {"type": {"kind": "enum", "name": "state"}, "offset": 40},
                 "flag": {"type": {"kind": "bitfield", "bit_position": 3, "bit_length": 2,
                          "type": {"kind": "base", "name": "unsigned int"}}, "offset": 44}}}},
             "symbols": {
               "init_task": {"address": 18446744071595000000, "type": {"kind": "struct", "name": "task_struct"}},
               "linux_banner": {"address": 18446744071595000128, "constant_data": "TGludXggdmVyc2lvbiA2LjEKAA=="}}}
            """;

    @TempDir Path folder;

    private static Isf read(String text) throws IOException {
        return Isf.read("f.json", new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void membersAreFound() throws IOException {
        Isf isf = read(SAMPLE);
        assertThat(isf.size("task_struct")).isEqualTo(128);
        assertThat(isf.member("task_struct", "as_pointer")).isEqualTo(new Member(8, 8, 1, 0, 0));
        assertThat(isf.member("task_struct", "uid.val")).isEqualTo(new Member(16, 4, 1, 0, 0));
        assertThat(isf.member("task_struct", "comm")).isEqualTo(new Member(24, 1, 16, 0, 0));
        assertThat(isf.member("task_struct", "state")).isEqualTo(new Member(40, 4, 1, 0, 0));
        assertThat(isf.member("task_struct", "flag")).isEqualTo(new Member(44, 4, 1, 3, 2));
        assertThat(isf.member("task_struct", "pid")).isNull();
        assertThat(isf.constant("state", "B")).isEqualTo(7);
        assertThat(isf.constant("state", "C")).isNull();
        assertThat(isf.constant("none", "B")).isNull();
        assertThat(isf.symbols()).containsEntry("init_task", -2114551616L);
        assertThat(isf.banner()).isEqualTo("Linux version 6.1");
    }

    @Test
    void filesAreReadPackedAndNot() throws IOException {
        Path plain = Files.writeString(folder.resolve("a.json"), SAMPLE);
        Path packed = folder.resolve("a.json.xz");
        try (OutputStream out =
                new XZOutputStream(Files.newOutputStream(packed), new LZMA2Options(0))) {
            Files.copy(plain, out);
        }
        for (Path p : new Path[] {plain, packed}) {
            SymbolFile f = SymbolFile.load(p);
            assertThat(f.symbols()).containsKeys("init_task", "linux_banner");
            assertThat(f.banner()).isEqualTo("Linux version 6.1");
        }
        Path map =
                Files.writeString(
                        folder.resolve("System.map"),
                        "0000000000000000 D fixed_percpu_data\nffffffff81000000 T _text\n");
        assertThat(SymbolFile.load(map).symbols())
                .containsEntry("_text", 0xFFFF_FFFF_8100_0000L)
                .hasSize(2);
    }

    @Test
    void whatIsNoSymbolFileIsSaid() throws IOException {
        refused("", "is empty");
        refused("ffffffff81000000 T _text\nwhat is this\n", "line 2");
        refused("xyz T _text\n", "line 1");
        refused("{\"user_types\": {\"a\": {\"size\": ", "not JSON");
        refused("{\"a\": 1}", "no user_types");
        refused("{\"user_types\": 7, \"symbols\": [1, 2]}", "no user_types");
    }

    private void refused(String content, String why) throws IOException {
        Path p = Files.writeString(folder.resolve("bad"), content);
        assertThatThrownBy(() -> SymbolFile.load(p))
                .isInstanceOf(IntrospectionException.class)
                .hasMessageContaining(why);
    }
}
