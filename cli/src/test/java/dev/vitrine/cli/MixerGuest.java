// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

/**
 * A guest that shows when it got its input: it mixes the time-stamp counter, random numbers, CPUID
 * and the places at which the APIC's timer interrupts it, without end, and prints what that has
 * come to when it reads a byte of its console. It powers off at Ctrl-D.
 */
final class MixerGuest {
    static final String LISTING =
            """
            bc00000900            mov esp,0x90000
            0f011588011000        lgdtd ds:0x100188
            bb4d011000            mov ebx,0x10014d
            66891d00020800        mov WORD PTR ds:0x80200,bx
            66c705020208000800    mov WORD PTR ds:0x80202,0x8
            66c70504020800008e    mov WORD PTR ds:0x80204,0x8e00
            c1eb10                shr ebx,0x10
            66891d06020800        mov WORD PTR ds:0x80206,bx
            0f011d8e011000        lidtd ds:0x10018e
            b822000000            mov eax,0x22
            bb01000000            mov ebx,0x1
            b998011000            mov ecx,0x100198
            0f01c1                vmcall
            a1a0011000            mov eax,ds:0x1001a0
            a3a8011000            mov ds:0x1001a8,eax
            c705f000e0feff010000  mov DWORD PTR ds:0xfee000f0,0x1ff
            c7052003e0fe40000200  mov DWORD PTR ds:0xfee00320,0x20040
            c705e003e0fe0b000000  mov DWORD PTR ds:0xfee003e0,0xb
            c7058003e0fe88130000  mov DWORD PTR ds:0xfee00380,0x1388
            fb                    sti
            0f31                  rdtsc
            c1c605                rol esi,0x5
            31c6                  xor esi,eax
            0fc7f1                rdrand ecx
            01ce                  add esi,ecx
            0fc7f9                rdseed ecx
            01ce                  add esi,ecx
            b801000000            mov eax,0x1
            0fa2                  cpuid
            31de                  xor esi,ebx
            0335b0011000          add esi,DWORD PTR ds:0x1001b0
            47                    inc edi
            a100fcfffe            mov eax,ds:0xfefffc00
            3b0504fcfffe          cmp eax,DWORD PTR ds:0xfefffc04
            74d2                  je 100080 <loop>
            89c1                  mov ecx,eax
            81e1ff030000          and ecx,0x3ff
            0fb69900f0fffe        movzx ebx,BYTE PTR [ecx-0x1001000]
            40                    inc eax
            a300fcfffe            mov ds:0xfefffc00,eax
            6bf61f                imul esi,esi,0x1f
            01de                  add esi,ebx
            e819000000            call 1000e6 <print>
            80fb04                cmp bl,0x4
            75ae                  jne 100080 <loop>
            fa                    cli
            b81d000000            mov eax,0x1d
            bb02000000            mov ebx,0x2
            b9ac011000            mov ecx,0x1001ac
            0f01c1                vmcall
            f4                    hlt
            53                    push ebx
            bd08000000            mov ebp,0x8
            c1c604                rol esi,0x4
            89f0                  mov eax,esi
            83e00f                and eax,0xf
            0fb680b4011000        movzx eax,BYTE PTR [eax+0x1001b4]
            e821000000            call 100121 <put>
            4d                    dec ebp
            75e9                  jne 1000ec <print+0x6>
            b80a000000            mov eax,0xa
            e814000000            call 100121 <put>
            b820000000            mov eax,0x20
            bb04000000            mov ebx,0x4
            b9a8011000            mov ecx,0x1001a8
            0f01c1                vmcall
            5b                    pop ebx
            c3                    ret
            8b150cfcfffe          mov edx,DWORD PTR ds:0xfefffc0c
            89d1                  mov ecx,edx
            2b0d08fcfffe          sub ecx,DWORD PTR ds:0xfefffc08
            81f900080000          cmp ecx,0x800
            74ea                  je 100121 <put>
            89d1                  mov ecx,edx
            81e1ff070000          and ecx,0x7ff
            888100f4fffe          mov BYTE PTR [ecx-0x1000c00],al
            42                    inc edx
            89150cfcfffe          mov DWORD PTR ds:0xfefffc0c,edx
            c3                    ret
            50                    push eax
            a1b0011000            mov eax,ds:0x1001b0
            6bc01f                imul eax,eax,0x1f
            01f8                  add eax,edi
            a3b0011000            mov ds:0x1001b0,eax
            c705b000e0fe00000000  mov DWORD PTR ds:0xfee000b0,0x0
            58                    pop eax
            cf                    iret
            8db426000000000000000000000000ffff0000009bcf00ff
            ff00000093cf001700700110000f02000008008d742600f0
            7f0000120000000000000000000000000000000000000000
            00000030313233343536373839616263646566
            """;

    private MixerGuest() {}
}
