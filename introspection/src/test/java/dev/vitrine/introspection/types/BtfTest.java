// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.types;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.introspection.Effort;
import dev.vitrine.introspection.linux.Member;
import dev.vitrine.introspection.types.BtfBuilder.Field;

import org.junit.jupiter.api.Test;

import java.util.Arrays;

class BtfTest {
    /** Part of a kernel, with all that makes finding a member difficult. */
    static byte[] sample() {
        BtfBuilder b = new BtfBuilder();
        int u32 = b.integer("unsigned int", 4);
        int u64 = b.integer("long unsigned int", 8);
        int character = b.integer("char", 1);
        int kuid = b.structure("", 4, Field.at(0, "val", u32));
        int kuidType = b.typedef("kuid_t", kuid);
        int constant = b.type(10, "", kuidType);
        int comm = b.array(character, 16);
        int table = b.array(b.array(u32, 3), 5);
        int inner =
                b.compound(
                        5,
                        "",
                        8,
                        Field.at(0, "as_long", u64),
                        Field.at(0, "as_pointer", b.pointer(u32)));
        b.structure("empty", 0);
        b.structure(
                "task_struct",
                128,
                Field.at(0, "pid", u32),
                Field.at(8, "", inner),
                Field.at(16, "uid", constant),
                Field.at(24, "comm", comm),
                Field.at(40, "table", table));
        b.structure(
                "bits",
                16,
                new Field("plain", u32, 0, 0),
                new Field("low", u32, 32, 3),
                new Field("high", u32, 35, 13),
                new Field("far", u64, 64, 33));
        b.enumeration("state", "READY", "RUNNING", "GONE");
        b.enumeration("other", "NOTHING");
        b.type(19, "wide", 8); // of 64 bits, without constants
        b.type(7, "task_struct", 0); // a forward declaration of the same name
        b.type(14, "variable", u32, 1);
        b.type(15, "data", 8, new int[0]);
        return b.build();
    }

    private static Btf of(byte[] data) {
        Btf b = Btf.of(data, 0, new Effort("it", 1 << 30));
        assertThat(b).isNotNull();
        return b;
    }

    @Test
    void membersAreFound() {
        Btf b = of(sample());
        assertThat(b.size("task_struct")).isEqualTo(128);
        assertThat(b.size("kuid_t")).isEqualTo(-1);
        assertThat(b.member("task_struct", "pid")).isEqualTo(new Member(0, 4, 1, 0, 0));
        assertThat(b.member("task_struct", "as_pointer")).isEqualTo(new Member(8, 8, 1, 0, 0));
        assertThat(b.member("task_struct", "uid.val")).isEqualTo(new Member(16, 4, 1, 0, 0));
        assertThat(b.member("task_struct", "comm")).isEqualTo(new Member(24, 1, 16, 0, 0));
        assertThat(b.member("task_struct", "table")).isEqualTo(new Member(40, 4, 15, 0, 0));
        assertThat(b.member("task_struct", "uid.nothing")).isNull();
        assertThat(b.member("task_struct", "pid.val")).isNull();
        assertThat(b.member("nothing", "pid")).isNull();
        assertThat(b.members("task_struct"))
                .containsExactly("pid", "as_long", "as_pointer", "uid", "comm", "table");
    }

    @Test
    void constantsAreFound() {
        Btf b = of(sample());
        assertThat(b.constant("state", "GONE")).isEqualTo(2);
        assertThat(b.constant("state", "READY")).isZero();
        assertThat(b.constant("state", "NOTHING")).isNull();
        assertThat(b.constant("task_struct", "pid")).isNull();
        assertThat(b.constant("wide", "pid")).isNull();
    }

    @Test
    void bitFieldsAreFound() {
        Btf b = of(sample());
        assertThat(b.member("bits", "plain")).isEqualTo(new Member(0, 4, 1, 0, 0));
        Member high = b.member("bits", "high");
        assertThat(high).isEqualTo(new Member(4, 4, 1, 3, 13));
        assertThat(high.value(0xFFFF_FFFFL)).isEqualTo(0x1FFF);
        assertThat(high.value(0b1_0101_000)).isEqualTo(0b1_0101);
        assertThat(b.member("bits", "far")).isEqualTo(new Member(8, 8, 1, 0, 33));
    }

    @Test
    void isFoundInMemory() {
        byte[] data = sample();
        byte[] image = new byte[3 * 4096 + data.length];
        image[8192] = (byte) 0x9F;
        image[8193] = (byte) 0xEB;
        System.arraycopy(data, 0, image, 3 * 4096 - 8, data.length);
        Effort effort = new Effort("it", 1 << 30);
        assertThat(Btf.find(image, 0, effort)).isEqualTo(3 * 4096 - 8);
        assertThat(Btf.find(image, 3 * 4096 - 4, effort)).isEqualTo(-1);
        assertThat(Btf.of(image, 3 * 4096 - 8, effort).size("bits")).isEqualTo(16);
    }

    /** A structure whose unnamed members are all the structure itself. */
    @Test
    void typesWithinThemselvesEnd() {
        BtfBuilder b = new BtfBuilder();
        Field[] fields = new Field[100];
        Arrays.fill(fields, Field.at(0, "", 1));
        b.structure("loop", 8, fields);
        b.typedef("a", 3);
        b.typedef("b", 2);
        Btf btf = of(b.build());
        assertThat(btf.member("loop", "x")).isNull();
        assertThat(btf.members("loop")).isEmpty();
    }
}
