// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.trace.ValueWriter;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/** Where the members of a structure are in memory, in one ABI. */
final class Layout {
    private static final int FILE_TYPE = 0xF000;
    private static final int CHARACTER_DEVICE = 0x2000;
    private static final int BLOCK_DEVICE = 0x6000;

    /** When a member is left out of a line of text. */
    enum Brief {
        SHOWN,
        LEFT_OUT,
        DEVICE,
        FILE,
        /** Left out without a mark. */
        RESULT,
        /** Left out without a mark where another member has none of some bits. */
        IF
    }

    /** Bits of a member, of which one must be there. */
    record Condition(int offset, int size, long mask) {
        /** Of the member that has the condition. */
        static Condition own(long mask) {
            return new Condition(-1, 0, mask);
        }

        Condition at(int place, int bytes) {
            return offset < 0 ? new Condition(place, bytes, mask) : this;
        }

        boolean holds(byte[] b, int base) {
            int at = base + offset;
            return at + size <= b.length && (LittleEndian.number(b, at, size) & mask) != 0;
        }
    }

    /**
     * A member: a number, several of them, a structure, characters or signals.
     *
     * @param count of numbers in an array, 0 if it is none; or of characters
     */
    record Member(
            String name,
            int offset,
            Brief brief,
            @Nullable Scalar scalar,
            @Nullable Layout nested,
            int count,
            boolean signals,
            @Nullable Condition condition) {}

    private final Abi abi;
    private final List<Member> members = new ArrayList<>();
    private int size;
    private int alignment = 1;
    private int modeOffset = -1;

    Layout(Abi abi) {
        this.abi = abi;
    }

    private int place(int bytes, int align) {
        int at = size + align - 1 & -align;
        size = at + bytes;
        alignment = Math.max(alignment, align);
        return at;
    }

    /** Bits of a member that is there already. */
    Condition condition(String member, long mask) {
        for (Member m : members) {
            if (m.name.equals(member)) {
                return new Condition(m.offset, bytes(m), mask);
            }
        }
        throw new IllegalStateException("no member " + member);
    }

    /** A number, told only where a condition holds if one is given. */
    void add(String name, Brief brief, Scalar s, boolean packed, @Nullable Condition condition) {
        int bytes = s.size(abi);
        int align = packed ? 1 : bytes == 8 ? abi.alignment() : bytes;
        int at = place(bytes, align);
        if (name.equals("st_mode")) {
            modeOffset = at;
        }
        if (!name.equals("pad")) {
            Condition c = condition == null ? null : condition.at(at, bytes);
            members.add(new Member(name, at, brief, s, null, 0, false, c));
        }
    }

    void addArray(String name, Brief brief, Scalar s, int count) {
        int bytes = s.size(abi);
        int at = place(count * bytes, bytes == 8 ? abi.alignment() : bytes);
        members.add(new Member(name, at, brief, s, null, count, false, null));
    }

    void add(String name, Brief brief, Layout nested) {
        int at = place(nested.size(), nested.alignment);
        members.add(new Member(name, at, brief, null, nested, 0, false, null));
    }

    void addCharacters(String name, Brief brief, int length) {
        members.add(new Member(name, place(length, 1), brief, null, null, length, false, null));
    }

    /** A sigset_t of the kernel: 64 bits. */
    void addSignals(String name, Brief brief) {
        int at = place(8, abi == Abi.X64 ? 8 : 4);
        members.add(new Member(name, at, brief, null, null, 0, true, null));
    }

    /** Bytes of the structure. */
    int size() {
        return size + alignment - 1 & -alignment;
    }

    /** Offset of a member; -1 if there is none. */
    int offset(String name) {
        for (Member m : members) {
            if (m.name.equals(name)) {
                return m.offset;
            }
        }
        return -1;
    }

    private boolean leftOut(Member m, byte[] b, int base) {
        int type = modeOffset < 0 ? 0 : LittleEndian.u16(b, base + modeOffset) & FILE_TYPE;
        boolean device = type == CHARACTER_DEVICE || type == BLOCK_DEVICE;
        return switch (m.brief) {
            case SHOWN -> false;
            case LEFT_OUT, RESULT -> true;
            case DEVICE -> !device;
            case FILE -> device;
            case IF -> m.condition == null || !m.condition.holds(b, base);
        };
    }

    /** Writes a structure as an object. What is behind the end of the bytes is left out. */
    void write(ValueWriter w, byte[] b, int base, CallView call) {
        w.beginObject();
        boolean more = false;
        for (Member m : members) {
            if (w.brief() && leftOut(m, b, base)) {
                more |= m.brief != Brief.RESULT && m.brief != Brief.IF;
                continue;
            }
            if (base + m.offset + bytes(m) > b.length) {
                break;
            }
            write(w, m, b, base, call);
        }
        if (more) {
            w.more();
        }
        w.endObject();
    }

    /** Writes the members of a structure into an object that has been begun. */
    void members(ValueWriter w, byte[] b, int base, CallView call) {
        for (Member m : members) {
            write(w, m, b, base, call);
        }
    }

    private int bytes(Member m) {
        return m.scalar != null
                ? m.scalar.size(abi) * Math.max(1, m.count)
                : m.nested != null ? m.nested.size() : m.signals ? 8 : m.count;
    }

    /** Writes a member of a structure with its name; nothing if there is none of that name. */
    void member(ValueWriter w, String name, byte[] b, CallView call) {
        for (Member m : members) {
            if (m.name.equals(name)) {
                write(w, m, b, 0, call);
            }
        }
    }

    private void write(ValueWriter w, Member m, byte[] b, int base, CallView call) {
        int at = base + m.offset;
        w.name(m.name);
        if (m.scalar != null && m.count == 0) {
            number(w, m.scalar, b, at, call);
        } else if (m.scalar != null) {
            w.beginArray();
            for (int i = 0; i < m.count; i++) {
                number(w, m.scalar, b, at + i * m.scalar.size(abi), call);
            }
            w.endArray();
        } else if (m.nested != null) {
            m.nested.write(w, b, at, call);
        } else if (m.signals) {
            Signals.write(w, LittleEndian.i64(b, at));
        } else {
            Contents.text(w, b, at, m.count);
        }
    }

    private void number(ValueWriter w, Scalar s, byte[] b, int at, CallView call) {
        int bytes = s.size(abi);
        s.write(w, s.cut(LittleEndian.number(b, at, bytes), bytes), call);
    }
}
