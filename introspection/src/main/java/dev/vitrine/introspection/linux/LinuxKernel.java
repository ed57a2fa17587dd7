// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.AddressSpace;
import dev.vitrine.introspection.Core;
import dev.vitrine.introspection.Effort;
import dev.vitrine.introspection.Hold;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.MappedRange;
import dev.vitrine.introspection.Target;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A Linux kernel in a guest, x86-64, from 4.14 on. Its symbols (kallsyms) and types (BTF) are found
 * in the guest's memory; symbol files are only needed for kernels without them.
 *
 * <pre>{@code
 * try (Target target = Target.open(Path.of("guest.core"))) {
 *     LinuxKernel kernel = LinuxKernel.attach(target, List.of());
 *     long tasks = kernel.resolve("init_task");
 *     for (LinuxProcess p : kernel.processes()) {
 *         System.out.println(p.pid() + " " + p.comm());
 *     }
 * }
 * }</pre>
 *
 * <p>Lists are made while the vCPUs stand still, so that they are of one moment. Not thread-safe.
 */
public final class LinuxKernel implements KernelMemory {
    private static final int MAX_BANNER = 512;

    private final Target target;
    private final AddressSpace space;
    private final List<MappedRange> image;
    private final KernelSymbols symbols;
    private final @Nullable KernelTypes types;
    private final Map<String, Member> members = new HashMap<>();
    private final byte[] word = new byte[8];
    private final Effort effort = new Effort("what was asked for", 1L << 26);
    private int depth;

    /** Is told what of a list cannot be read; null if that is to be thrown. */
    private @Nullable Consumer<IntrospectionException> damage;

    private LinuxKernel(
            Target target,
            AddressSpace space,
            List<MappedRange> image,
            KernelSymbols symbols,
            @Nullable KernelTypes types) {
        this.target = target;
        this.image = image;
        this.symbols = symbols;
        this.types = types;
        this.space = kernelSpace(space, image, symbols);
    }

    /**
     * Processes come and go, and may have gone since their tables were looked at; init_mm's tables
     * stay.
     */
    private static AddressSpace kernelSpace(
            AddressSpace found, List<MappedRange> image, KernelSymbols symbols) {
        for (String name : new String[] {"init_top_pgt", "init_level4_pgt"}) {
            long at = symbols.address(name);
            for (MappedRange r : image) {
                if (at != 0 && r.contains(at)) {
                    long physical = r.physical() + (at - r.start());
                    AddressSpace s = found.withRoot(physical);
                    if (s.translate(at) == physical) {
                        return s;
                    }
                }
            }
        }
        return found;
    }

    /**
     * Finds the kernel in a guest.
     *
     * @param files symbol files for what the kernel does not tell itself; may be empty
     * @throws IntrospectionException there is no kernel, or one without symbols
     */
    public static LinuxKernel attach(Target target, List<SymbolFile> files) {
        KernelFinder.Found found = new KernelFinder(target).find();
        KernelSymbols symbols = KernelSymbols.of(target.name(), found, files);
        KernelTypes types = found.btf();
        for (SymbolFile f : files) {
            types = types == null ? f.types() : types;
        }
        LinuxKernel k = new LinuxKernel(target, found.space(), found.image(), symbols, types);
        for (SymbolFile f : files) {
            String banner = f.banner().isEmpty() ? "" : k.banner();
            if (!banner.startsWith(f.banner().split("\n")[0])) {
                throw new IntrospectionException(
                        "The symbol file is for another kernel than the guest's, which is '"
                                + banner.replaceAll("\\p{Cntrl}", "?")
                                + "'.");
            }
        }
        return k;
    }

    /** The guest. */
    public Target target() {
        return target;
    }

    /** The kernel's address space. */
    public AddressSpace space() {
        return space;
    }

    /** The kernel's image, as it is mapped, without modules. */
    public List<MappedRange> image() {
        return image;
    }

    /** Text of {@code linux_banner}: version, compiler and build; empty if it is not known. */
    public String banner() {
        long at = symbols.address("linux_banner");
        return at == 0 ? "" : text(at, MAX_BANNER).strip();
    }

    /** Does something while all vCPUs stand still, and sees memory as it is then. Calls nest. */
    public <T> T still(Supplier<T> look) {
        try (Hold held = target.hold()) {
            if (depth++ == 0) {
                space.flush();
                effort.reset();
            }
            return look.get();
        } finally {
            depth--;
        }
    }

    /**
     * Makes lists of a guest that is damaged, or wants to hide something: what cannot be read is
     * told, and left out, and the rest is in the list. Without it nothing is.
     *
     * @param damaged gets a sentence for each thing that is left out
     * @throws IntrospectionException there is no list at all, or it has no end
     */
    public <T> T despiteDamage(Consumer<IntrospectionException> damaged, Supplier<T> look) {
        Consumer<IntrospectionException> before = damage;
        damage = damaged;
        try {
            return look.get();
        } finally {
            damage = before;
        }
    }

    /**
     * Reads something of which there are more, and which may be damaged.
     *
     * @param what what it is, as the beginning of a sentence
     */
    void part(String what, long address, Runnable look) {
        try {
            look.run();
        } catch (IntrospectionException e) {
            Consumer<IntrospectionException> to = damage;
            if (to == null || effort.isSpent()) {
                throw e;
            }
            to.accept(
                    new IntrospectionException(
                            String.format(
                                    "%s at 0x%x cannot be read: %s", what, address, e.getMessage()),
                            e));
        }
    }

    // ----------------------------------------------------------------- symbols and types

    /**
     * Address of a symbol, of the kernel or a module.
     *
     * @throws IntrospectionException there is no such symbol
     */
    public long resolve(String name) {
        long at = symbols.address(name);
        if (at == 0) {
            at = moduleSymbol(name);
        }
        if (at == 0) {
            throw new IntrospectionException("The guest's kernel has no symbol " + name + ".");
        }
        return at;
    }

    private long moduleSymbol(String name) {
        if (types == null) {
            return 0;
        }
        AtomicReference<@Nullable IntrospectionException> damaged = new AtomicReference<>();
        List<Symbol> list =
                despiteDamage(
                        e -> damaged.compareAndSet(null, e),
                        () -> still(() -> new ModuleList(this).symbols()));
        for (Symbol s : list) {
            if (s.name().equals(name)) {
                return s.address();
            }
        }
        IntrospectionException e = damaged.get();
        if (e != null) {
            throw e;
        }
        return 0;
    }

    /** Whether the kernel, without its modules, has a symbol. */
    public boolean hasSymbol(String name) {
        return symbols.address(name) != 0;
    }

    /** Whether the kernel may execute what is at an address, of its own or of a module. */
    public boolean isCode(long address) {
        List<MappedRange> page = space.mapped(address & -4096L, 4096);
        return !page.isEmpty() && page.getFirst().executable();
    }

    /** All symbols: those of the kernel, and of its modules, in the order of /proc/kallsyms. */
    public List<Symbol> symbols() {
        List<Symbol> list = symbols.all();
        if (types != null) {
            list.addAll(still(() -> new ModuleList(this).symbols()));
        }
        return list;
    }

    /** The kernel's own symbols, without those of modules. */
    public KernelSymbols kernelSymbols() {
        return symbols;
    }

    /**
     * The kernel's types.
     *
     * @throws IntrospectionException they are not known
     */
    public KernelTypes types() {
        if (types == null) {
            throw new IntrospectionException(
                    "The guest's kernel has no BTF, so that its structures are not known; give a symbol"
                            + " file (ISF) with --symbols.");
        }
        return types;
    }

    /**
     * A member of a structure.
     *
     * @throws IntrospectionException this kernel has none of that name
     */
    public Member member(String structure, String path) {
        String key = structure + '.' + path;
        Member m = members.get(key);
        if (m == null) {
            m = types().member(structure, path);
            if (m == null) {
                throw new IntrospectionException(
                        "In this kernel struct "
                                + structure
                                + " has no member "
                                + path
                                + ", as "
                                + types().origin()
                                + " tells.");
            }
            members.put(key, m);
        }
        return m;
    }

    /**
     * Where, in the memory of a processor, which GS points to, the task_struct of the thread is
     * that it executes.
     *
     * @throws IntrospectionException it is not known
     */
    public long currentTask() {
        return hasSymbol("current_task")
                ? resolve("current_task")
                : resolve("pcpu_hot") + offset("pcpu_hot", "current_task");
    }

    /**
     * Where a member is, in bytes from the start of the structure.
     *
     * @throws IntrospectionException this kernel has none of that name
     */
    public long offset(String structure, String path) {
        return member(structure, path).offset();
    }

    /** Where a member is; -1 if this kernel has none of that name. */
    public long optionalOffset(String structure, String path) {
        return types().member(structure, path) == null ? -1 : offset(structure, path);
    }

    /** A structure at an address. */
    public KernelObject object(String structure, long address) {
        return new KernelObject(this, structure, address);
    }

    // ---------------------------------------------------------------------------- memory

    /**
     * Reads the kernel's memory.
     *
     * @throws IntrospectionException not all of it is mapped to RAM
     */
    public byte[] read(long address, int length) {
        spend(1 + length / 64);
        byte[] b = new byte[length];
        if (!space.read(address, b, 0, length)) {
            throw unmapped(address, length);
        }
        return b;
    }

    /** Only what is looked at in one go can be without an end. */
    void spend(long steps) {
        if (depth > 0) {
            effort.spend(steps);
        }
    }

    @Override
    public long number(long address, int size) {
        spend(1);
        if (!space.read(address, word, 0, size)) {
            throw unmapped(address, size);
        }
        return LittleEndian.number(word, 0, size);
    }

    @Override
    public String text(long address, int limit) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] b = new byte[64];
        int done = 0;
        while (done < limit) {
            // No further than the end of a page: what is behind the text may not be mapped.
            int n = (int) Math.min(Math.min(b.length, limit - done), 4096 - (address & 4095));
            spend(1);
            if (!space.read(address, b, 0, n)) {
                throw unmapped(address, n);
            }
            int end = 0;
            while (end < n && b[end] != 0) {
                end++;
            }
            // Texts are kept, and take memory.
            spend(end / 4);
            all.write(b, 0, end);
            if (end < n) {
                break;
            }
            address += n;
            done += n;
        }
        return all.toString(StandardCharsets.UTF_8);
    }

    /**
     * Writes the kernel's memory, all or nothing, whatever its page tables allow.
     *
     * @throws IntrospectionException not all of it is mapped, or this target cannot be written
     */
    public void write(long address, byte[] content) {
        if (!space.write(address, content, 0, content.length)) {
            throw unmapped(address, content.length);
        }
    }

    private static IntrospectionException unmapped(long address, long length) {
        return new IntrospectionException(
                String.format(
                        "The %d bytes at 0x%x are not mapped to memory in the guest.",
                        length, address));
    }

    // ----------------------------------------------------------------------------- lists

    /** All processes (thread groups), in the order in which they were started. */
    public List<LinuxProcess> processes() {
        return still(() -> new ProcessList(this).all());
    }

    /**
     * A process.
     *
     * @throws IntrospectionException there is none of that number
     */
    public LinuxProcess process(int pid) {
        return still(() -> new ProcessList(this).find(pid));
    }

    /**
     * Numbers of a process's threads in the first PID namespace, that of the first thread first.
     *
     * @throws IntrospectionException there is no such process
     */
    public List<Integer> threads(int pid) {
        return still(() -> new ProcessList(this).threads(pid));
    }

    /** What a process has mapped; empty for a thread of the kernel. */
    public List<Mapping> maps(int pid) {
        return still(() -> new MappingList(this, new ProcessList(this).task(pid)).all());
    }

    /** A process's own address space; null for a thread of the kernel. */
    public @Nullable AddressSpace space(LinuxProcess p) {
        return p.directory() == 0 ? null : space.withRoot(p.directory());
    }

    /** What files a process has open. */
    public List<OpenFile> files(int pid) {
        return still(() -> new FileList(this, new ProcessList(this).task(pid)).all());
    }

    /** Modules, the one loaded last first. */
    public List<KernelModule> modules() {
        return still(() -> new ModuleList(this).all());
    }

    /** Sockets of all network namespaces, as /proc/net has them. */
    public List<LinuxSocket> sockets() {
        return still(() -> new SocketList(this).all());
    }

    /** What a memory image is to hold besides memory and registers. */
    public Core.KernelNotes coreNotes() {
        return still(() -> KernelNotesReader.read(this));
    }
}
