// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.asm.Reg;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Builds a loadable kernel module: an ELF64 relocatable file with assembled code. Code and data are
 * written to {@link #text}, {@link #init} and {@link #data}; what one of them needs of another, or
 * of the kernel, it names, and gets with a relocation.
 */
final class ModuleBuilder {
    private static final int R_X86_64_64 = 1;
    private static final int SHT_PROGBITS = 1;
    private static final int SHT_SYMTAB = 2;
    private static final int SHT_STRTAB = 3;
    private static final int SHT_RELA = 4;
    private static final int ALLOC = 2;
    private static final int WRITE = 1;
    private static final int EXECUTE = 4;
    private static final int INFO_LINK = 0x40;

    /** struct modversion_info. */
    private static final int VERSION = 64;

    private static final long KERNEL_MAP = 0xFFFF_FFFF_8000_0000L;

    /** __PAGE_KERNEL without encryption. */
    private static final long PAGE_KERNEL = 0x8000_0000_0000_0163L;

    private static final int VM_MAP = 4;

    private static final String PAGE = "page";
    private static final String THIS = "__this_module";
    private static final String PARAMETER_OPERATIONS = "param_ops_ulong";

    /** A place that gets the address of a symbol. */
    private record Relocation(long at, String symbol, long addend) {}

    /** A section under construction. */
    private static final class Section {
        final String name;
        final int flags;
        final Asm asm = new Asm(64, 0);
        final List<Relocation> relocations = new ArrayList<>();

        Section(String name, int flags) {
            this.name = name;
            this.flags = flags;
        }
    }

    /** Where a symbol of the module is. */
    private record Place(Section section, long offset) {}

    private final KernelFile kernel;
    private final String name;
    private final Section text = new Section(".text", ALLOC | EXECUTE);
    private final Section init = new Section(".init.text", ALLOC | EXECUTE);
    private final Section data = new Section(".data", ALLOC | WRITE);
    private final Section parameters = new Section("__param", ALLOC);
    private final Section self = new Section(".gnu.linkonce.this_module", ALLOC | WRITE);
    private final Section info = new Section(".modinfo", ALLOC);
    private final Section versions = new Section("__versions", ALLOC);
    private final List<Section> sections =
            List.of(text, init, data, parameters, self, info, versions);

    private final Map<String, Place> symbols = new LinkedHashMap<>();
    private int texts;

    /**
     * @param name of the module, at most 55 characters
     */
    ModuleBuilder(KernelFile kernel, String name) {
        this.kernel = kernel;
        this.name = name;
        symbols.put(THIS, new Place(self, 0));
    }

    KernelFile kernel() {
        return kernel;
    }

    /** Code that stays. */
    Asm text() {
        return text.asm;
    }

    /** Code that is freed when the module has been initialized. */
    Asm init() {
        return init.asm;
    }

    /** Data that may be written. */
    Asm data() {
        return data.asm;
    }

    /**
     * Names the next byte of a section. {@code init_module} and {@code cleanup_module} are what the
     * kernel calls.
     */
    ModuleBuilder define(Asm where, String symbol) {
        for (Section s : sections) {
            if (s.asm == where && symbols.put(symbol, new Place(s, where.size())) != null) {
                throw new IllegalArgumentException(symbol + " is there twice");
            }
        }
        return this;
    }

    /** Loads the address of a symbol, of the module or the kernel, into a 64-bit register. */
    ModuleBuilder address(Asm where, Reg to, String symbol) {
        where.db(0x48 | to.number() >> 3, 0xB8 | to.number() & 7);
        return pointer(where, symbol, 0);
    }

    /** Eight bytes with the address of a symbol. */
    ModuleBuilder pointer(Asm where, String symbol, long addend) {
        for (Section s : sections) {
            if (s.asm == where) {
                s.relocations.add(new Relocation(where.size(), symbol, addend));
            }
        }
        where.dq(0);
        return this;
    }

    /** Calls a function; RAX is used up. */
    ModuleBuilder call(Asm where, String symbol) {
        address(where, Reg.RAX, symbol);
        where.call(Reg.RAX);
        return this;
    }

    /** Loads the address of a text that ends with a zero. */
    ModuleBuilder string(Asm where, Reg to, String content) {
        String symbol = "text." + texts++;
        define(data.asm, symbol);
        data.asm.ascii(content).db(0);
        return address(where, to, symbol);
    }

    /** Calls {@code _printk} with the arguments that are in RSI, RDX, RCX, R8 and R9. */
    ModuleBuilder print(Asm where, String format) {
        string(where, Reg.RDI, format + "\n");
        where.xor(Reg.EAX, Reg.EAX);
        return call(where, "_printk");
    }

    /** A variable of eight bytes, as data. */
    ModuleBuilder variable(String symbol) {
        data.asm.align(8);
        define(data.asm, symbol);
        data.asm.dq(0);
        return this;
    }

    /** A variable that is given to insmod: a number, 0 if it is not. */
    ModuleBuilder parameter(String symbol) {
        variable(symbol);
        String named = "parameter." + symbol;
        define(data.asm, named);
        data.asm.ascii(symbol).db(0);
        // struct kernel_param: name, mod, ops, perm, level (-1), flags, arg
        Asm p = parameters.asm;
        pointer(p, named, 0).pointer(p, THIS, 0).pointer(p, PARAMETER_OPERATIONS, 0);
        p.dw(0).db(0xFF, 0, 0, 0, 0, 0);
        return pointer(p, symbol, 0);
    }

    /** Makes the address in RDI, of the kernel's image, a physical one; RAX and RCX are used up. */
    ModuleBuilder physical(Asm where) {
        address(where, Reg.RCX, "phys_base");
        where.mov(Reg.RCX, Mem.base(Reg.RCX)).mov(Reg.RAX, KERNEL_MAP);
        where.sub(Reg.RDI, Reg.RAX).add(Reg.RDI, Reg.RCX);
        return this;
    }

    /**
     * RAX = where the byte at RDI, of the kernel's image, is to be found by a mapping that may be
     * written to. May be used once; {@link #unmap} ends it.
     */
    ModuleBuilder map(Asm where) {
        variable(PAGE);
        where.mov(Reg.RAX, Reg.RDI).and(Reg.EAX, 0xFFF).push(Reg.RAX);
        physical(where);
        where.shr(Reg.RDI, 12).imul(Reg.RDI, Reg.RDI, kernel.size("page"));
        address(where, Reg.RAX, "vmemmap_base");
        where.add(Reg.RDI, Mem.base(Reg.RAX));
        address(where, Reg.RAX, PAGE);
        where.mov(Mem.base(Reg.RAX), Reg.RDI).mov(Reg.RDI, Reg.RAX);
        where.mov(Reg.ESI, 1).mov(Reg.EDX, VM_MAP).mov(Reg.RCX, PAGE_KERNEL);
        call(where, "vmap");
        where.pop(Reg.RCX).add(Reg.RAX, Reg.RCX);
        return this;
    }

    /** Ends the mapping in which RDI is. */
    ModuleBuilder unmap(Asm where) {
        where.and(Reg.RDI, -4096);
        return call(where, "vunmap");
    }

    // ------------------------------------------------------------------------- the file

    /** The file. May be called once. */
    byte[] build() throws IOException {
        finish();
        List<String> names = new ArrayList<>(symbols.keySet());
        for (Section s : sections) {
            for (Relocation r : s.relocations) {
                if (!names.contains(r.symbol)) {
                    names.add(r.symbol);
                }
            }
        }
        version("module_layout");
        names.stream().filter(n -> !symbols.containsKey(n)).forEach(this::version);

        Strings sectionNames = new Strings();
        Strings strings = new Strings();
        Asm table = new Asm(64, 0);
        table.zero(24);
        for (String n : names) {
            Place p = symbols.get(n);
            // st_info: global, without a type; st_shndx 0: of the kernel
            table.dd(strings.add(n)).db(0x10, 0).dw(p == null ? 0 : index(p.section));
            table.dq(p == null ? 0 : p.offset, 0);
        }
        Asm headers = new Asm(64, 0);
        headers.zero(64);
        Asm body = new Asm(64, 0);
        body.zero(64);
        int symbolTable = sections.size() * 2 + 1;
        for (Section s : sections) {
            add(headers, body, sectionNames.add(s.name), SHT_PROGBITS, s.flags, s.asm, 0, 0, 0);
        }
        for (Section s : sections) {
            Asm r = new Asm(64, 0);
            for (Relocation x : s.relocations) {
                r.dq(x.at, (names.indexOf(x.symbol) + 1L) << 32 | R_X86_64_64, x.addend);
            }
            int n = sectionNames.add(".rela" + s.name);
            add(headers, body, n, SHT_RELA, INFO_LINK, r, symbolTable, index(s), 24);
        }
        int n = sectionNames.add(".symtab");
        add(headers, body, n, SHT_SYMTAB, 0, table, symbolTable + 1, 1, 24);
        add(headers, body, sectionNames.add(".strtab"), SHT_STRTAB, 0, strings.asm, 0, 0, 0);
        int last = sectionNames.add(".shstrtab");
        add(headers, body, last, SHT_STRTAB, 0, sectionNames.asm, 0, 0, 0);

        Asm header = new Asm(64, 0);
        header.db(0x7F).ascii("ELF").db(2, 1, 1, 0).dq(0);
        header.dw(1, 62).dd(1); // ET_REL, EM_X86_64
        header.dq(0, 0, body.size()).dd(0); // entry, program headers, section headers, flags
        header.dw(64, 0, 0, 64, symbolTable + 3, symbolTable + 2);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(header.toBytes());
        out.write(body.toBytes(), 64, body.size() - 64);
        out.write(headers.toBytes());
        return out.toByteArray();
    }

    private int index(Section s) {
        return sections.indexOf(s) + 1;
    }

    private static void add(
            Asm headers,
            Asm body,
            int name,
            int type,
            int flags,
            Asm content,
            int link,
            int information,
            int entry) {
        body.align(16);
        headers.dd(name, type).dq(flags, 0, body.size(), content.size());
        headers.dd(link, information).dq(16, entry);
        body.bytes(content.toBytes());
    }

    /** Names, each ended by a zero, behind an empty one. */
    private static final class Strings {
        private final Asm asm = new Asm(64, 0).db(0);

        private int add(String s) {
            int at = asm.size();
            asm.ascii(s).db(0);
            return at;
        }
    }

    private void finish() throws IOException {
        for (String line :
                new String[] {
                    "name=" + name, "license=GPL", "depends=", "vermagic=" + kernel.versionMagic()
                }) {
            info.asm.ascii(line).db(0);
        }
        Asm m = self.asm;
        m.zero(kernel.offset("module", "name")).ascii(name);
        member("init", "init_module");
        member("exit", "cleanup_module");
        m.zero(kernel.size("module") - m.size());
    }

    private void member(String member, String symbol) {
        if (symbols.containsKey(symbol)) {
            self.asm.zero(kernel.offset("module", member) - self.asm.size());
            pointer(self.asm, symbol, 0);
        }
    }

    private void version(String symbol) {
        // The checksum is an unsigned long there.
        versions.asm.dd(kernel.version(symbol), 0).ascii(symbol);
        versions.asm.zero(VERSION - 8 - symbol.length());
    }
}
