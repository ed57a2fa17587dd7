// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.image.Image;
import dev.vitrine.toolstack.image.ImageStore;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/**
 * What the launcher runs to make its AOT cache, by the hidden option {@code --train}: loads the
 * classes of {@code run} and executes guest code, so that the cache holds both classes and
 * profiles. If there is an image, its kernel boots for some seconds as well, which is the best
 * sample there is.
 */
final class Training {
    private static final String LIMIT = "10s";

    /**
     * About a second of 64-bit code: identity paging, integer work with memory, branches, calls,
     * string instructions, a little SSE, and a hypercall now and then. The lines are hexadecimal
     * code and what it says.
     */
    private static final String LISTING =
            """
            bc00900000            mov esp,0x9000
            c7050010000007200000  mov DWORD PTR ds:0x1000,0x2007
            c7050020000007300000  mov DWORD PTR ds:0x2000,0x3007
            c7050030000087000000  mov DWORD PTR ds:0x3000,0x87
            c7050830000087002000  mov DWORD PTR ds:0x3008,0x200087
            b820060000            mov eax,0x620
            0f22e0                mov cr4,eax
            b800100000            mov eax,0x1000
            0f22d8                mov cr3,eax
            b9800000c0            mov ecx,0xc0000080
            0f32                  rdmsr
            0d01010000            or eax,0x101
            0f30                  wrmsr
            0f20c0                mov eax,cr0
            0d22000080            or eax,0x80000022
            0f22c0                mov cr0,eax
            0f011570011000        lgdtd ds:0x100170
            ea640010000800        jmp 0x8:0x100064
            66b81000              mov ax,0x10
            8ed0                  mov ss,eax
            8ed8                  mov ds,eax
            8ec0                  mov es,eax
            bc00900000            mov esp,0x9000
            31c0                  xor eax,eax
            0fa2                  cpuid
            dbe3                  fninit
            0f31                  rdtsc
            48c1e220              shl rdx,0x20
            4809d0                or rax,rdx
            4989c7                mov r15,rax
            b9204e0000            mov ecx,0x4e20
            be00000100            mov esi,0x10000
            31db                  xor ebx,ebx
            488b04de              mov rax,QWORD PTR [rsi+rbx*8]
            488d548807            lea rdx,[rax+rcx*4+0x7]
            480fafd3              imul rdx,rbx
            4831c2                xor rdx,rax
            48c1c20d              rol rdx,0xd
            488914de              mov QWORD PTR [rsi+rbx*8],rdx
            4901d0                add r8,rdx
            4983d100              adc r9,0x0
            0fb6c2                movzx eax,dl
            3c64                  cmp al,0x64
            4c0f42d2              cmovb r10,rdx
            7205                  jb 0x1000c0
            e896000000            call 0x100156
            ffc3                  inc ebx
            81e3ff0f0000          and ebx,0xfff
            f6c10f                test cl,0xf
            7511                  jne 0x1000de
            51                    push rcx
            57                    push rdi
            bf00000200            mov edi,0x20000
            b940000000            mov ecx,0x40
            f348ab                rep stos QWORD PTR es:[rdi],rax
            5f                    pop rdi
            59                    pop rcx
            ffc9                  dec ecx
            75af                  jne 0x100091
            f30f6f06              movdqu xmm0,XMMWORD PTR [rsi]
            660ffec0              paddd xmm0,xmm0
            660fefc8              pxor xmm1,xmm0
            f30f7f0e              movdqu XMMWORD PTR [rsi],xmm1
            f20f2ad1              cvtsi2sd xmm2,ecx
            f20f58d2              addsd xmm2,xmm2
            56                    push rsi
            bf00000200            mov edi,0x20000
            b900010000            mov ecx,0x100
            f3a4                  rep movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]
            5e                    pop rsi
            4489c0                mov eax,r8d
            31d2                  xor edx,edx
            b961000000            mov ecx,0x61
            f7f1                  div ecx
            0fa2                  cpuid
            b812000000            mov eax,0x12
            31ff                  xor edi,edi
            be06000000            mov esi,0x6
            ba94011000            mov edx,0x100194
            0f01c1                vmcall
            0f31                  rdtsc
            48c1e220              shl rdx,0x20
            4809d0                or rax,rdx
            4c29f8                sub rax,r15
            483d00ca9a3b          cmp rax,0x3b9aca00
            0f8243ffffff          jb 0x100085
            b81d000000            mov eax,0x1d
            bf02000000            mov edi,0x2
            be90011000            mov esi,0x100190
            0f01c1                vmcall
            0f0b                  ud2
            55                    push rbp
            4889e5                mov rbp,rsp
            480fbcc2              bsf rax,rdx
            48c1ea03              shr rdx,0x3
            0fbae202              bt edx,0x2
            0f92c0                setb al
            c9                    leave
            c3                    ret
            0f1f44000017007801100066900000000000000000ffff00
            00009baf00ffff00000093cf0000000000747261696e0a
            """;

    private Training() {}

    static int run(Streams streams) throws InterruptedException, IOException {
        Path kernel = Files.createTempFile("vitrine-train", ".elf");
        try {
            Files.write(kernel, SyntheticGuest.kernel(SyntheticGuest.assemble(LISTING)));
            // By the front door, so that what a user's run needs is loaded.
            String[] args = {
                "run", "--kernel", kernel.toString(), "--memory", "16M", "--timeout", LIMIT
            };
            Main.execute(
                    args,
                    new Streams(
                            new ByteArrayInputStream("train\n".getBytes(StandardCharsets.UTF_8)),
                            new ByteArrayOutputStream(),
                            streams.err(),
                            false));
            record(streams);
        } finally {
            Files.delete(kernel);
        }
        bootImage();
        return ExitStatus.OK;
    }

    /** Records a guest that halts at once, and replays it. */
    private static void record(Streams streams) throws IOException {
        Path folder = Files.createTempDirectory("vitrine-train");
        Path kernel = folder.resolve("kernel");
        Path run = folder.resolve("run");
        Files.write(kernel, SyntheticGuest.kernel(SyntheticGuest.assemble("faf4")));
        Streams nowhere = nowhere("train\n");
        Main.execute(
                new String[] {
                    "record", run.toString(), "--kernel", kernel.toString(), "--memory", "16M"
                },
                nowhere);
        if (Main.execute(new String[] {"replay", run.toString()}, nowhere) != ExitStatus.OK) {
            streams.err().println("vitrine: a recording could not be replayed.");
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path p : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(p);
            }
        }
    }

    /**
     * Boots an image, and looks at the guest once its kernel is there. By the front door, too: a
     * single class that is not in the cache has the JVM open all jars.
     */
    private static void bootImage() throws InterruptedException, IOException {
        List<Image> images;
        try {
            images = ImageStore.ofUser().list();
        } catch (BadInputException e) {
            // A damaged one: the user is told when it is run.
            return;
        }
        if (images.isEmpty()) {
            return;
        }
        Path folder = Files.createTempDirectory("vitrine-train");
        String socket = folder.resolve("s").toString();
        AtomicBoolean ended = new AtomicBoolean();
        Thread looker = new Thread(() -> inspect(socket, ended), "training");
        looker.start();
        try {
            String name = images.getFirst().name();
            String[] args = {
                "run",
                name,
                "--exec",
                "uname -a; ls -lR /etc /dev",
                "--timeout",
                LIMIT,
                "--control",
                socket
            };
            Main.execute(args, nowhere(""));
        } finally {
            ended.set(true);
            looker.join();
            Files.delete(folder);
        }
    }

    private static void inspect(String socket, AtomicBoolean ended) {
        try {
            for (String[] action : new String[][] {{"ps"}, {"maps", "1"}, {"files", "1"}}) {
                String[] args = new String[action.length + 2];
                args[0] = "inspect";
                args[1] = socket;
                System.arraycopy(action, 0, args, 2, action.length);
                while (!ended.get() && Main.execute(args, nowhere("")) != ExitStatus.OK) {
                    Thread.sleep(200);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Streams nowhere(String input) {
        return new Streams(
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                new ByteArrayOutputStream(),
                new PrintStream(OutputStream.nullOutputStream()),
                false);
    }
}
