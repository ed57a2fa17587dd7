// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.processor.asm.Mem.base;
import static dev.vitrine.processor.asm.Mem.rip;
import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;

/** Programs of a few instructions for a Linux guest. */
final class GuestPrograms {
    private static final int PAGE = 4096;
    static final int I386_BASE = 0x0804_8000;
    static final int X64_BASE = 0x40_0000;

    // elf.h
    private static final int AT_SYSINFO_EHDR = 33;

    /**
     * A 32-bit program. It finds AT_SYSINFO, behind which the kernel has what the processor is
     * fastest with, and ends with status 7.
     */
    private static final String I386 =
            """
            89e6 8b0e 8d748e08 ad85c075fb   mov esi,esp ; to the auxiliary vector
            8b06 8b7e04 83c608              2: mov eax,[esi] ; mov edi,[esi+4] ; add esi,8
            83f820 7406 85c075ef eb06       cmp eax,32 ; je 3f ; test eax,eax ; jnz 2b ; jmp 4f
            893dd0800408                    3: mov [vs],edi
            b804000000 bb01000000 b9d4800408 ba04000000 cd80    4: write(1, "hi!\\n", 4)
            b805000000 bbd8800408 31c9 31d2 cd80                open("/etc/passwd", 0, 0)
            89c3 b8c5000000 b9e4800408 cd80                     fstat64(fd, buf)
            b809010000 bb01000000 b9e4800408 cd80               clock_gettime(1, buf)
            b8af000000 31db 31c9 bae4800408 be08000000 cd80     rt_sigprocmask(0, 0, buf, 8)
            b8c0000000 31db b900100000 ba03000000 be22000000 bfffffffff bd01000000
            ff15d0800408                                        mmap2(0, 4096, 3, 0x22, -1, 1) by vs
            b814000000 ff15d0800408                             getpid() by vs
            b806000000 bb63000000 ff15d0800408                  close(99) by vs
            b8fc000000 bb07000000 cd80                          exit_group(7)
            cd80c3                                              int 0x80 ; ret
            cd800408                                            vs
            6869210a 2f6574632f70617373776400                   texts
            """;

    /** Calls with x32's bit, and the end with status 9 as a 64-bit program. */
    private static final String X32 =
            """
            b801000040 bf01000000 488d352c000000 ba04000000 0f05   write(1, "x32\\n", 4)
            b827000040 0f05                                        getpid()
            b808020040 488d3d16000000 31f6 31d2 0f05               execve("/no/such/file", 0, 0)
            b8e7000000 bf09000000 0f05                             exit_group(9), 64-bit
            7833320a 2f6e6f2f737563682f66696c6500                  texts
            """;

    /** Reads from address 16, where nothing is. */
    private static final String CRASH =
            """
            b810000000 8b00   mov eax,16 ; mov eax,[rax]
            """;

    /**
     * Lets io_uring do nothing, open a file, write and close what is not open; ends with the number
     * of operations.
     */
    private static final String RING =
            """
            b8a9010000bf04000000488d355f0100000f054189c4              fd = io_uring_setup(4, buf)
            b80900000031ffbe00100000ba0300000041ba018000004589e04531
            c90f054989c5                                              ring = mmap(0, 4096, 3, 0x8001, fd, 0)
            b80900000031ffbe00100000ba0300000041ba018000004589e041b9
            000000100f054989c6                                        entries = mmap(0, 4096, 3, 0x8001, fd, 0x10000000)
            41c7462034120000                                          entries[0].user_data = 0x1234, opcode 0: NOP
            41c646401241c746449cffffff                                entries[1].opcode = 18: OPENAT, fd = AT_FDCWD
            488d05d80000004989465041c7465c00000800                    addr = path, open_flags = O_CLOEXEC
            41c7466078560000                                          user_data = 0x5678
            6641c78680000000171041c7868400000001000000                entries[2].opcode = 23: WRITE, IOSQE_ASYNC, fd = 1
            49c78688000000ffffffff488d05a9000000                      off = -1, addr = text
            4989869000000041c786980000000500000041c786a0000000bc9a00
            00                                                        len = 5, user_data = 0x9abc
            41c686c00000001341c786c400000063000000                    entries[3].opcode = 19: CLOSE, fd = 99
            41c786e0000000f0de0000                                    user_data = 0xdef0
            8b05bb000000                                              array = buf.sq_off.array
            41c74405000000000041c74405040100000041c74405080200000041
            c744050c03000000                                          ring[array] = 0, 1, 2, 3
            8b057d00000041c744050004000000                            ring[buf.sq_off.tail] = 4
            b8aa0100004489e7be04000000ba0400000041ba010000004531c045
            31c90f05                                                  io_uring_enter(fd, 4, 4, 1, 0, 0)
            89c7b8e70000000f05                                        exit_group(its result)
            2f6574632f7061737377640072696e670a66662e0f1f840000000000
            0f1f00                                                    texts
            """;

    /**
     * Starts itself as often as its argument says, one after the other, each of which ends with 7.
     */
    private static final String STARTS =
            """
            4c8b24244983fc02740cb8e7000000bf070000000f05              if (argc != 2) exit_group(7)
            488b7424104531ed0fb60685c0740f83e8304d6bed0a4901c548ffc6
            ebea                                                      n = the number that argv[1] is
            4d85ed7465                                                while (n != 0) {
            b83a0000000f0585c07527                                    if (vfork() == 0) {
            488b7c2408488d05600000004889384889c631d2b83b0000000f05    execve(argv[0], {argv[0], 0}, 0)
            bf08000000b8e70000000f05                                  exit_group(8) }
            782a89c7488d354a00000031d24531d2b83d0000000f0585c07811    wait4(child, &status, 0, 0)
            813d30000000000700007505                                  if (status != 7 << 8) exit_group(1)
            49ffcdeb9d                                                n-- }
            bf01000000eb0231ffb8e70000000f05660f1f840000000000        exit_group(0)
            """;

    /** Becomes busybox's true, by texts in pages that nobody has touched: FAR_AWAY behind it. */
    private static final String FAR =
            """
            b83b000000 bf00004400 be20004400 31d2 0f05    execve(0x440000, 0x440020, 0)
            89c7 b8e7000000 0f05                          exit_group(result)
            """;

    private static final String FAR_TEXTS =
            """
            2f62696e2f62757379626f7800 00000000000000000000000000000000000000    "/bin/busybox"
            4000440000000000 5000440000000000 0000000000000000 0000000000000000  0x440040, 0x440050, 0
            74727565000000000000000000000000 66617200                            "true", "far"
            """;

    /** Executes what it has written: twice in one page, and from a file without a name. */
    private static final String UNPACK =
            """
            b80900000031ffbe00100000ba0300000041ba2200000049c7c0ffffffff4531
            c90f054989c4    r12 = mmap(0, 4096, 3, 0x22, -1, 0)
            41c70424b80100006641c744240400c3    mov eax,1 ; ret, there
            b80a0000004c89e7be00100000ba050000000f0541ffd4    mprotect(r12, 4096, 5) ; call r12
            b80a0000004c89e7be00100000ba070000000f05    mprotect(r12, 4096, 7)
            41c64424010241ffd4    mov eax,2, there ; call r12
            b83f010000488d3d4d00000031f60f054989c5    r13 = memfd_create("packed", 0)
            b8010000004489ef488d3531000000ba060000000f05    write(r13, "mov eax,3 ; ret", 6)
            b80900000031ffbe00100000ba0500000041ba010000004d89e84531c90f05ff
            d0    call mmap(0, 4096, 5, 1, r13, 0)
            89c7b8e70000000f05    exit_group(eax)
            b803000000c37061636b656400    mov eax,3 ; ret ; "packed"
            """;

    /** Loads a BPF program, attaches it to a socket, pins it and ends. */
    private static final String BPF =
            """
            b841010000bf05000000488d3587000000ba480000000f054989c4890517010000890509
            010000    fd = bpf(BPF_PROG_LOAD, load, 72)
            b841010000bf00000000488d35a8000000ba480000000f05    bpf(BPF_MAP_CREATE, map, 72)
            b829000000bf01000000be0200000031d20f05    s = socket(AF_UNIX, SOCK_DGRAM, 0)
            89c7b836000000be01000000ba320000004c8d15ce00000041b8040000000f05    setsockopt(s, SOL_SOCKET, SO_ATTACH_BPF, fd, 4)
            b841010000bf06000000488d35a5000000ba100000000f05    bpf(BPF_OBJ_PIN, pin, 16)
            89c7b8e70000000f050f1f440000    exit_group(result)
            010000000200000040014000000000005001400000000000000000000000000000000000
            000000000000000000000000776174636865720000000000000000000000000000000000    load: type 1, 2 instructions, "watcher"
            010000000400000008000000100000000000000000000000000000007365656e00000000
            000000000000000000000000000000000000000000000000000000000000000000000000    map: type 1, 4 and 8 bytes, 16 entries, "seen"
            54014000000000000000000000000000000000000f1f4000    pin: path, fd
            b7000000000000009500000000000000    r0 = 0 ; exit
            47504c002f7379732f66732f6270662f6b65707400    "GPL", "/sys/fs/bpf/kept"
            """;

    /** The kernel maps 64 KiB around a page that is touched. */
    private static final int FAR_AWAY = 0x4_0000;

    /**
     * Opens a pseudo-terminal, writes a line to its master and what answers it to its slave, reads
     * the line at the slave, and all that comes back at the master; ends with the length of that.
     */
    private static final String PTY =
            """
            b802000000 488d3d9b000000 be02000000 0f05 4189c4    m = open("/dev/ptmx", O_RDWR)
            4489e7 be31540440 488d1593000000 b810000000 0f05    ioctl(m, TIOCSPTLCK, &zero)
            4489e7 be41540000 ba02010000 b810000000 0f05 4189c5 s = ioctl(m, TIOCGPTPEER, O_RDWR|O_NOCTTY)
            4489e7 488d356f000000 ba58000000 b801000000 0f05    write(m, line, 88)
            4489ef 488d35b1000000 bac8000000 31c0 0f05          read(s, buf, 200)
            4489ef 488d353b000000 ba07000000 b801000000 0f05    write(s, "answer\\n", 7)
            31db                                                n = 0
            4489e7 488d3586000000 bac8000000 31c0 0f05 01c3     do n += read(m, buf, 200)
            83fb61 7ce6                                         while (n < 97)
            89df b8e7000000 0f05                                exit_group(n)
            2f6465762f70746d7800616e737765720a000000007468652073656372657420    texts
            6f662061206c696e652074686174206973206c6f6e676572207468616e207768
            617420746865206b65726e656c2068616e6473206f6e20617420612074696d65
            3a20303132333435363738390a
            """;

    /**
     * Makes /tmp/x/mapped, of 5000 bytes, and writes to it through a mapping after its descriptor
     * is closed; writes "memfd content" to a file that never has a name in a folder.
     */
    private static final String CONTENTS =
            """
            b802000000 488d3d89000000 be42000000 ba80010000 0f05 4189c4    f = open(path, 0x42, 0600)
            4489e7 be88130000 b84d000000 0f05                     ftruncate(f, 5000)
            b809000000 31ff be00200000 ba03000000 41ba01000000 4589e0 4531c9 0f05 4889c3
                                                                  p = mmap(0, 8192, 3, MAP_SHARED, f, 0)
            4489e7 b803000000 0f05                                close(f)
            c7436461626364 c7837e13000065666768                   p[100] = "abcd", p[4990] = "efgh"
            b83f010000 488d3d30000000 31f6 0f05                   f = memfd_create("hidden", 0)
            89c7 488d352a000000 ba0d000000 b801000000 0f05        write(f, "memfd content", 13)
            31ff b8e7000000 0f05                                  exit_group(0)
            2f746d702f782f6d61707065640068696464656e006d656d666420636f6e7465    texts
            6e74
            """;

    private GuestPrograms() {}

    /** The bytes of a listing: hexadecimal words up to the first that is none. */
    static byte[] code(String listing) {
        StringBuilder hex = new StringBuilder();
        for (String line : listing.lines().toList()) {
            for (String word : line.split(" ")) {
                if (!word.matches("([0-9a-f]{2})+")) {
                    break;
                }
                hex.append(word);
            }
        }
        return HexFormat.of().parseHex(hex);
    }

    /**
     * Writes the programs into a folder: i386, x32, crash, ring, starts, far, pty, contents,
     * unpack, bpf, vdso, calls, changer, keeper, keeper32, tracer and waiter.
     */
    static void write(Path folder) throws IOException {
        program(folder.resolve("i386"), elf32(code(I386)));
        program(folder.resolve("x32"), elf64(code(X32)));
        program(folder.resolve("crash"), elf64(code(CRASH)));
        program(folder.resolve("ring"), elf64(code(RING)));
        program(folder.resolve("pty"), elf64(code(PTY)));
        program(folder.resolve("contents"), elf64(code(CONTENTS)));
        program(folder.resolve("unpack"), elf64(code(UNPACK)));
        program(folder.resolve("bpf"), elf64(code(BPF)));
        program(folder.resolve("keeper"), elf64(code(KeeperGuest.X64)));
        program(folder.resolve("keeper32"), elf32(code(KeeperGuest.I386)));
        program(folder.resolve("tracer"), elf64(TracerGuest.tracer(X64_BASE)));
        program(folder.resolve("waiter"), elf64(TracerGuest.waiter(X64_BASE)));
        program(folder.resolve("vdso"), elf64(vdso()));
        program(folder.resolve("calls"), elf64(calls()));
        program(folder.resolve("changer"), elf64(ChangerGuest.code()));
        program(folder.resolve("starts"), elf64(code(STARTS)));
        byte[] far = Arrays.copyOf(code(FAR), FAR_AWAY + code(FAR_TEXTS).length);
        System.arraycopy(code(FAR_TEXTS), 0, far, FAR_AWAY, code(FAR_TEXTS).length);
        program(folder.resolve("far"), elf64(far));
    }

    /** Prints a hash of the vDSO, which the auxiliary vector leads to. */
    private static byte[] vdso() {
        Asm a = new Asm(64, X64_BASE);
        Label environment = a.label();
        Label vector = a.label();
        Label found = a.label();
        Label next = a.label();
        Label digit = a.label();
        Label text = a.label();
        a.mov(RCX, base(RSP)).lea(RSI, base(RSP).index(RCX, 8).disp(16)).cld();
        a.bind(environment).lods(64).test(RAX, RAX).jnz(environment);
        a.bind(vector).lods(64).mov(RBX, RAX).lods(64).cmp(RBX, AT_SYSINFO_EHDR).jz(found);
        a.test(RBX, RBX).jnz(vector).mov(EDI, 1).mov(EAX, 231).syscall();
        a.bind(found).mov(RSI, RAX).xor(EBX, EBX).mov(ECX, 2 * PAGE / 8);
        a.bind(next).imul(RBX, RBX, 31).add(RBX, base(RSI)).add(RSI, 8).dec(ECX).jnz(next);
        a.lea(RDI, rip(text)).mov(ECX, 16);
        a.bind(digit).rol(RBX, 4).mov(EAX, EBX).and(EAX, 15).add(EAX, 'a').stos(8);
        a.dec(ECX).jnz(digit).lea(RSI, rip(text)).mov(EDX, 17).mov(EDI, 1).mov(EAX, 1).syscall();
        a.xor(EDI, EDI).mov(EAX, 231).syscall();
        return a.bind(text).zero(16).db('\n').toBytes();
    }

    /** Calls getppid 20,000 times. */
    private static byte[] calls() {
        Asm a = new Asm(64, X64_BASE);
        Label next = a.label();
        a.mov(EBX, 20_000).bind(next).mov(EAX, 110).syscall().dec(EBX).jnz(next);
        return a.xor(EDI, EDI).mov(EAX, 231).syscall().toBytes();
    }

    static void program(Path file, byte[] content) throws IOException {
        Files.write(file, content);
        if (!file.toFile().setExecutable(true, false)) {
            throw new IOException(file + " cannot be made executable");
        }
    }

    private static ByteBuffer header(int bits, int machine, int size) {
        ByteBuffer b = ByteBuffer.allocate(PAGE + size).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0x464C457F).put((byte) (bits / 32)).put((byte) 1).put((byte) 1);
        b.position(16);
        return b.putShort((short) 2).putShort((short) machine).putInt(1);
    }

    /** All in one segment behind the first page of the file, with room for a buffer. */
    static byte[] elf32(byte[] code) {
        ByteBuffer b = header(32, 3, code.length);
        b.putInt(I386_BASE).putInt(52).putInt(0).putInt(0);
        b.putShort((short) 52).putShort((short) 32).putShort((short) 1);
        b.position(52);
        b.putInt(1).putInt(PAGE).putInt(I386_BASE).putInt(I386_BASE);
        b.putInt(code.length).putInt(code.length + PAGE).putInt(7).putInt(PAGE);
        return b.position(PAGE).put(code).array();
    }

    static byte[] elf64(byte[] code) {
        ByteBuffer b = header(64, 62, code.length);
        b.putLong(X64_BASE).putLong(64).putLong(0).putInt(0);
        b.putShort((short) 64).putShort((short) 56).putShort((short) 1);
        b.position(64);
        b.putInt(1).putInt(7).putLong(PAGE).putLong(X64_BASE).putLong(X64_BASE);
        b.putLong(code.length).putLong(code.length + PAGE).putLong(PAGE);
        return b.position(PAGE).put(code).array();
    }
}
