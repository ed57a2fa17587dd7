// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Guests of a few instructions, as listings of hexadecimal code and what it says. */
final class Guests {
    /** SCHEDOP_shutdown(poweroff). */
    static final String POWEROFF =
            """
            b81d000000  mov eax,0x1d
            bb02000000  mov ebx,0x2
            b913001000  mov ecx,0x100013
            0f01c1      vmcall
            f4          hlt
            00000000
            """;

    /** SCHEDOP_shutdown(reboot). */
    static final String REBOOT =
            """
            b81d000000  mov eax,0x1d
            bb02000000  mov ebx,0x2
            b913001000  mov ecx,0x100013
            0f01c1      vmcall
            f4          hlt
            01000000
            """;

    /** SCHEDOP_shutdown(crash). */
    static final String CRASH =
            """
            b81d000000  mov eax,0x1d
            bb02000000  mov ebx,0x2
            b913001000  mov ecx,0x100013
            0f01c1      vmcall
            f4          hlt
            03000000
            """;

    /** An invalid instruction without an interrupt table. */
    static final String TRIPLE_FAULT =
            """
            bd78563412      mov ebp,0x12345678
            0f011d0e001000  lidtd ds:0x10000e
            0f0b            ud2
            000000000000
            """;

    /** Spins with interrupts off. */
    static final String SPIN =
            """
            fa    cli
            ebfe  jmp 0x100001
            """;

    /** Halts with interrupts off. */
    static final String HALT =
            """
            fa    cli
            f4    hlt
            ebfe  jmp 0x100002
            """;

    /**
     * Prints "hello" on the console ring, gives back what it reads there, and powers off at Ctrl-D.
     */
    static final String ECHO =
            """
            bc00000900    mov esp,0x90000
            b822000000    mov eax,0x22
            bb01000000    mov ebx,0x1
            b9b0001000    mov ecx,0x1000b0
            0f01c1        vmcall
            a1b8001000    mov eax,ds:0x1000b8
            a3c0001000    mov ds:0x1000c0,eax
            bec8001000    mov esi,0x1000c8
            ac            lods al,BYTE PTR ds:[esi]
            84c0          test al,al
            7407          je 0x100032
            e842000000    call 0x100072
            ebf4          jmp 0x100026
            8b3d00fcfffe  mov edi,DWORD PTR ds:0xfefffc00
            a104fcfffe    mov eax,ds:0xfefffc04
            39f8          cmp eax,edi
            74f7          je 0x100038
            89f8          mov eax,edi
            25ff030000    and eax,0x3ff
            8a8000f0fffe  mov al,BYTE PTR [eax-0x1001000]
            47            inc edi
            893d00fcfffe  mov DWORD PTR ds:0xfefffc00,edi
            3c04          cmp al,0x4
            7407          je 0x100060
            e814000000    call 0x100072
            ebd2          jmp 0x100032
            b81d000000    mov eax,0x1d
            bb02000000    mov ebx,0x2
            b9c4001000    mov ecx,0x1000c4
            0f01c1        vmcall
            8b150cfcfffe  mov edx,DWORD PTR ds:0xfefffc0c
            89d1          mov ecx,edx
            2b0d08fcfffe  sub ecx,DWORD PTR ds:0xfefffc08
            81f900080000  cmp ecx,0x800
            74ea          je 0x100072
            89d1          mov ecx,edx
            81e1ff070000  and ecx,0x7ff
            888100f4fffe  mov BYTE PTR [ecx-0x1000c00],al
            42            inc edx
            89150cfcfffe  mov DWORD PTR ds:0xfefffc0c,edx
            b820000000    mov eax,0x20
            bb04000000    mov ebx,0x4
            b9c0001000    mov ecx,0x1000c0
            0f01c1        vmcall
            c3            ret
            f07f00001200000000000000000000000000000000000000
            68656c6c6f0a00
            """;

    /**
     * Calls each hypercall with each of 40 sub-operations and six pointers that lead nowhere, but
     * for SCHEDOP_block, which rightly waits for ever; then prints "done" and powers off.
     */
    static final String WILD_POINTERS =
            """
            bc00000900      mov esp,0x90000
            31ed            xor ebp,ebp
            31ff            xor edi,edi
            83fd1d          cmp ebp,0x1d
            7505            jne 0x100013
            83ff01          cmp edi,0x1
            7422            je 0x100035
            31f6            xor esi,esi
            8b0cb568001000  mov ecx,DWORD PTR [esi*4+0x100068]
            57              push edi
            56              push esi
            55              push ebp
            89e8            mov eax,ebp
            89fb            mov ebx,edi
            89ca            mov edx,ecx
            89ce            mov esi,ecx
            89cf            mov edi,ecx
            0f01c1          vmcall
            5d              pop ebp
            5e              pop esi
            5f              pop edi
            46              inc esi
            83fe06          cmp esi,0x6
            72e0            jb 0x100015
            47              inc edi
            83ff28          cmp edi,0x28
            72ce            jb 0x100009
            45              inc ebp
            83fd40          cmp ebp,0x40
            72c6            jb 0x100007
            b812000000      mov eax,0x12
            31db            xor ebx,ebx
            b905000000      mov ecx,0x5
            ba84001000      mov edx,0x100084
            0f01c1          vmcall
            b81d000000      mov eax,0x1d
            bb02000000      mov ebx,0x2
            b980001000      mov ecx,0x100080
            0f01c1          vmcall
            f4              hlt
            fcffffff00000080feeffffb0000e0feffffff3fffffffff
            00000000646f6e650a
            """;

    private Guests() {}

    /** Writes a guest's kernel into a file. */
    static Path kernel(Path folder, String listing) {
        try {
            Path file = folder.resolve("guest.elf");
            return Files.write(file, SyntheticGuest.kernel(SyntheticGuest.assemble(listing)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
