// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

/**
 * Programs that fill everything that belongs to a thread with what they know, do one thing that
 * lasts until SIGHUP comes, and then look whether all is as it was. Registers, flags (DF, AC and ID
 * among them), vectors, x87, 8 KiB below the stack pointer, FS and GS base, the alternate signal
 * stack, blocked and pending signals (USR1 and 34), and what the call returned: EINTR, once SIGHUP
 * has been handled. Status 0 says so; others which of them differs.
 */
final class KeeperGuest {
    /**
     * What it does is its first argument's first letter: r read of a pipe, p poll, P poll with a
     * time, n nanosleep, N clock_nanosleep, f futex with a time, g futex, u pause, e epoll_wait, E
     * epoll_wait with a time, t rt_sigtimedwait, c computes, v waits in vfork for a child that
     * pauses. A second letter s has it enter strict seccomp before.
     *
     * <p>Status 10: general registers, 11: flags, 12: vectors and x87, 13: below the stack, 14:
     * result of the call, 15: signals, 16: signal stack, 17: FS and GS base.
     */
    static final String X64 =
            """
            488b6c2410 b809000000 bf00006000                       mov rbp,[rsp+0x10] ; mov eax,0x9 ; mov edi,0x600000
            be00000100 ba03000000 41ba32000000                     mov esi,0x10000 ; mov edx,0x3 ; mov r10d,0x32
            41b8ffffffff 4531c9 0f05 b816000000                    mov r8d,0xffffffff ; xor r9d,r9d ; syscall ; mov eax,0x16
            bf80026000 0f05 b80d000000 bf01000000                  mov edi,0x600280 ; syscall ; mov eax,0xd ; mov edi,0x1
            488d35e1050000 31d2 41ba08000000 0f05                  lea rsi,[rip+0x5e1] ; xor edx,edx ; mov r10d,0x8 ; syscall
            b883000000 488d3deb050000 31f6 0f05                    mov eax,0x83 ; lea rdi,[rip+0x5eb] ; xor esi,esi ; syscall
            b80e000000 31ff 488d35f1050000 31d2                    mov eax,0xe ; xor edi,edi ; lea rsi,[rip+0x5f1] ; xor edx,edx
            41ba08000000 0f05 b827000000 0f05 89c7                 mov r10d,0x8 ; syscall ; mov eax,0x27 ; syscall ; mov edi,eax
            be0a000000 b83e000000 0f05 be22000000                  mov esi,0xa ; mov eax,0x3e ; syscall ; mov esi,0x22
            b83e000000 0f05 b89e000000 bf02100000                  mov eax,0x3e ; syscall ; mov eax,0x9e ; mov edi,0x1002
            48beb09a785634120000 0f05 b89e000000                   movabs rsi,0x123456789ab0 ; syscall ; mov eax,0x9e
            bf01100000 48bec0ab896745230000 0f05                   mov edi,0x1001 ; movabs rsi,0x23456789abc0 ; syscall
            c7042590026000e8030000 8b042580026000 890425a0026000   mov 0x600290,0x3e8 ; mov eax,0x600280 ; mov 0x6002a0,eax
            c60425a402600001 b823010000 31ff 0f05                  mov 0x6002a4,0x1 ; mov eax,0x123 ; xor edi,edi ; syscall
            4189c4 89c7 be01000000 8b142580026000                  mov r12d,eax ; mov edi,eax ; mov esi,0x1 ; mov edx,0x600280
            41baa4026000 b8e9000000 0f05 b807000000                mov r10d,0x6002a4 ; mov eax,0xe9 ; syscall ; mov eax,0x7
            31d2 480fae242500106000 b940030000                     xor edx,edx ; xsave64 0x601000 ; mov ecx,0x340
            678889ff0f6000 81f941020000 7505                       mov [ecx+0x600fff],cl ; cmp ecx,0x241 ; jne 400137
            b9a1010000 ffc9 81f9a0000000 77e2                      mov ecx,0x1a1 ; dec ecx ; cmp ecx,0xa0 ; ja 400123
            66c70425001060007f0f c7042518106000a05f0000            mov 0x601000,0xf7f ; mov 0x601018,0x5fa0
            c604250410600001 66c70425281060000040                  mov 0x601004,0x1 ; mov 0x601028,0x4000
            c7042524106000a2da0fc9 c704250012600007000000          mov 0x601024,0xc90fdaa2 ; mov 0x601200,0x7
            b807000000 31d2 480fae2c2500106000                     mov eax,0x7 ; xor edx,edx ; xrstor64 0x601000
            480fae242500106000 807d0173 7511                       xsave64 0x601000 ; cmp [rbp+0x1],0x73 ; jne 4001ae
            b89d000000 bf16000000 be01000000 0f05                  mov eax,0x9d ; mov edi,0x16 ; mov esi,0x1 ; syscall
            440fb66d00 488d1dba040000 44382b                       movzx r13d,[rbp+0x0] ; lea rbx,[rip+0x4ba] ; cmp [rbx],r13b
            740f 803b00 0f843e040000 4883c320                      je 4001ce ; cmp [rbx],0x0 ; je 400606 ; add rbx,0x20
            ebec 0fb64301 488d0d8f040000                           jmp 4001ba ; movzx eax,[rbx+0x1] ; lea rcx,[rip+0x48f]
            48630481 4801c8 48890425d0026000                       movsxd rax,[rcx+rax*4] ; add rax,rcx ; mov 0x6002d0,rax
            0fb74302 4889042500006000 8b7b04                       movzx eax,[rbx+0x2] ; mov 0x600000,rax ; mov edi,[rbx+0x4]
            8b7308 4863530c                                        mov esi,[rbx+0x8] ; movsxd rdx,[rbx+0xc]
            4c635310 448b4314                                      movsxd r10,[rbx+0x10] ; mov r8d,[rbx+0x14]
            807b1801 720e 7405 4489e7                              cmp [rbx+0x18],0x1 ; jb 40021a ; je 400213 ; mov edi,r12d
            eb07 8b3c2580026000 4989f9                             jmp 40021a ; mov edi,0x600280 ; mov r9,rdi
            488dbc2400e0ffff b900040000                            lea rdi,[rsp-0x2000] ; mov ecx,0x400
            48b83c3ca5a5c3c3a5a5 f348ab                            movabs rax,0xa5a5c3c3a5a53c3c ; rep stos es:[rdi],rax
            4c89cf 49b96666777788889999 48c7c30b0b0000             mov rdi,r9 ; movabs r9,0x9999888877776666 ; mov rbx,0xb0b
            48bd88889999aaaabbbb 49bc1313131312121212              movabs rbp,0xbbbbaaaa99998888 ; movabs r12,0x1212121213131313
            49bd1414141413131313 49be1717161615151414              movabs r13,0x1313131314141414 ; movabs r14,0x1414151516161717
            49bff6f6f6f6f5f5f5f5 48891c2508006000                  movabs r15,0xf5f5f5f5f6f6f6f6 ; mov 0x600008,rbx
            4889142518006000 4889342520006000 48893c2528006000     mov 0x600018,rdx ; mov 0x600020,rsi ; mov 0x600028,rdi
            48892c2530006000 4889242538006000 4c89042540006000     mov 0x600030,rbp ; mov 0x600038,rsp ; mov 0x600040,r8
            4c890c2548006000 4c89142550006000 4c89242560006000     mov 0x600048,r9 ; mov 0x600050,r10 ; mov 0x600060,r12
            4c892c2568006000 4c89342570006000 4c893c2578006000     mov 0x600068,r13 ; mov 0x600070,r14 ; mov 0x600078,r15
            b8d70e2400 4889042580006000 4889042558006000           mov eax,0x240ed7 ; mov 0x600080,rax ; mov 0x600058,rax
            4889042500406000 488d0539000000 4889042510006000       mov 0x604000,rax ; lea rax,[rip+0x39] ; mov 0x600010,rax
            488b042500006000 4c8b1c2558006000 488b0c2510006000     mov rax,0x600000 ; mov r11,0x600058 ; mov rcx,0x600010
            48c7c400406000 9d 488b242538006000 ff2425d0026000      mov rsp,0x604000 ; popf ; mov rsp,0x600038 ; jmp 0x6002d0
            0f05 eb3f 488b0c2500026000 e3f6                        syscall ; jmp 400383 ; mov rcx,0x600200 ; jrcxz 400344
            488b0c2510006000 eb2b 0f05 48890425b8026000            mov rcx,0x600010 ; jmp 400383 ; syscall ; mov 0x6002b8,rax
            4889c1 e309 488d0dd4ffffff                             mov rcx,rax ; jrcxz 400370 ; lea rcx,[rip+0xffffffffffffffd4]
            eb13 b822000000 0f05 bf00000000                        jmp 400383 ; mov eax,0x22 ; syscall ; mov edi,0x0
            b83c000000 0f05 4889042500016000 48891c2508016000      mov eax,0x3c ; syscall ; mov 0x600100,rax ; mov 0x600108,rbx
            48890c2510016000 4889142518016000 4889342520016000     mov 0x600110,rcx ; mov 0x600118,rdx ; mov 0x600120,rsi
            48893c2528016000 48892c2530016000 4889242538016000     mov 0x600128,rdi ; mov 0x600130,rbp ; mov 0x600138,rsp
            4c89042540016000 4c890c2548016000 4c89142550016000     mov 0x600140,r8 ; mov 0x600148,r9 ; mov 0x600150,r10
            4c891c2558016000 4c89242560016000 4c892c2568016000     mov 0x600158,r11 ; mov 0x600160,r12 ; mov 0x600168,r13
            4c89342570016000 4c893c2578016000 48c7c400406000 9c    mov 0x600170,r14 ; mov 0x600178,r15 ; mov rsp,0x604000 ; pushf
            48c70425f03f600002000000 488b0425f83f6000              mov 0x603ff0,0x2 ; mov rax,0x603ff8
            4889042580016000 488d2425f03f6000 9d 48c7c400406000    mov 0x600180,rax ; lea rsp,0x603ff0 ; popf ; mov rsp,0x604000
            b807000000 31d2 480fae242500206000 bb0a000000          mov eax,0x7 ; xor edx,edx ; xsave64 0x602000 ; mov ebx,0xa
            be08006000 bf08016000 b90f000000                       mov esi,0x600008 ; mov edi,0x600108 ; mov ecx,0xf
            f348a7 0f85a2010000 ffc3                               repz cmps [rsi],es:[rdi] ; jne 400606 ; inc ebx
            488b042580016000 4833042580006000 a9fffeffff           mov rax,0x600180 ; xor rax,0x600080 ; test eax,0xfffffeff
            0f8585010000 ffc3 be00106000 bf00206000                jne 400606 ; inc ebx ; mov esi,0x601000 ; mov edi,0x602000
            b934000000 f348a7 0f856b010000                         mov ecx,0x34 ; repz cmps [rsi],es:[rdi] ; jne 400606
            be40126000 bf40226000 b920000000                       mov esi,0x601240 ; mov edi,0x602240 ; mov ecx,0x20
            f348a7 0f8553010000 ffc3                               repz cmps [rsi],es:[rdi] ; jne 400606 ; inc ebx
            488b3c2538006000 4881ef00200000 b900040000             mov rdi,0x600038 ; sub rdi,0x2000 ; mov ecx,0x400
            48b83c3ca5a5c3c3a5a5 f348af                            movabs rax,0xa5a5c3c3a5a53c3c ; repz scas rax,es:[rdi]
            0f852a010000 ffc3 488b042500016000                     jne 400606 ; inc ebx ; mov rax,0x600100
            48833c250002600001 0f8511010000 488d0c2500006000       cmp 0x600200,0x1 ; jne 400606 ; lea rcx,0x600000
            48833c25b802600000 751b                                cmp 0x6002b8,0x0 ; jne 400523
            488d0d35feffff 483b0c25d0026000                        lea rcx,[rip+0xfffffffffffffe35] ; cmp rcx,0x6002d0
            740a 4883f8fc 0f85e3000000                             je 400523 ; cmp rax,0xfffffffffffffffc ; jne 400606
            488b0c24 488b342538006000 488b7610                     mov rcx,[rsp] ; mov rsi,0x600038 ; mov rsi,[rsi+0x10]
            807e0173 0f84c7000000 ffc3 b87f000000                  cmp [rsi+0x1],0x73 ; je 400604 ; inc ebx ; mov eax,0x7f
            bf40026000 be08000000 0f05                             mov edi,0x600240 ; mov esi,0x8 ; syscall
            48b80002000002000000 4839042540026000 0f859e000000     movabs rax,0x200000200 ; cmp 0x600240,rax ; jne 400606
            b80e000000 31ff 31f6 ba40026000                        mov eax,0xe ; xor edi,edi ; xor esi,esi ; mov edx,0x600240
            41ba08000000 0f05 48b80002000002000000                 mov r10d,0x8 ; syscall ; movabs rax,0x200000200
            4839042540026000 7574 ffc3 31ff                        cmp 0x600240,rax ; jne 400606 ; inc ebx ; xor edi,edi
            be40026000 b883000000 0f05 488d359f000000              mov esi,0x600240 ; mov eax,0x83 ; syscall ; lea rsi,[rip+0x9f]
            bf40026000 b903000000 f348a7                           mov edi,0x600240 ; mov ecx,0x3 ; repz cmps [rsi],es:[rdi]
            754e ffc3 b89e000000 bf03100000                        jne 400606 ; inc ebx ; mov eax,0x9e ; mov edi,0x1003
            be40026000 0f05 48b8b09a785634120000                   mov esi,0x600240 ; syscall ; movabs rax,0x123456789ab0
            4839042540026000 7527 b89e000000 bf04100000            cmp 0x600240,rax ; jne 400606 ; mov eax,0x9e ; mov edi,0x1004
            be40026000 0f05 48b8c0ab896745230000                   mov esi,0x600240 ; syscall ; movabs rax,0x23456789abc0
            4839042540026000 7502 31db 89df                        cmp 0x600240,rax ; jne 400606 ; xor ebx,ebx ; mov edi,ebx
            b83c000000 0f05 48c704250002600001000000 c3            mov eax,0x3c ; syscall ; mov 0x600200,0x1 ; ret
            b80f000000 0f05 0f1f440000                             mov eax,0xf ; syscall ; nop [rax+rax*1+0x0]
            0f064000000000000000000c000000001c064000000000000000000000000000 data
            0080600000000000000000000000000000800000000000000002000002000000
            d8fcffffdcfcfffff0fcffff7200000000000000400260000100000000000000
            00000000010000000000000070000700a002600001000000ffffffff00000000
            00000000000000000000000050000700a00260000100000040420f0000000000
            0000000000000000000000006e00230090026000000000000000000000000000
            0000000000000000000000004e00e60001000000000000009002600000000000
            0000000000000000000000006600ca00b0026000000000000000000090026000
            0000000000000000000000006700ca00b0026000000000000000000000000000
            0000000000000000000000007500220000000000000000000000000000000000
            0000000000000000000000006500e800000000004002600001000000ffffffff
            0000000002000000000000004500e80000000000400260000100000040420f00
            0000000002000000000000007400800018084000000000000000000008000000
            0000000000000000000000006301000000000000000000000000000000000000
            00000000000000000000000076023a0000000000000000000000000000000000
            000000000000000000000000000f1f000008000000000000
            """;

    /**
     * The same in a 32-bit program: r read of a pipe by INT 0x80, c computes.
     *
     * <p>Status 20: general registers, 21: flags, 22: vectors and x87, 23: below the stack, 24:
     * result of the call.
     */
    static final String I386 =
            """
            8b6c2408 b8c0000000 bb00006000                         mov ebp,[esp+0x8] ; mov eax,0xc0 ; mov ebx,0x600000
            b900000100 ba03000000 be32000000                       mov ecx,0x10000 ; mov edx,0x3 ; mov esi,0x32
            bfffffffff 31ed cd80                                   mov edi,0xffffffff ; xor ebp,ebp ; int 0x80
            8b6c2408 b82a000000 bb90006000 cd80                    mov ebp,[esp+0x8] ; mov eax,0x2a ; mov ebx,0x600090 ; int 0x80
            b8ae000000 bb01000000 b950820408 31d2                  mov eax,0xae ; mov ebx,0x1 ; mov ecx,0x8048250 ; xor edx,edx
            be08000000 cd80 b8ba000000 bb64820408                  mov esi,0x8 ; int 0x80 ; mov eax,0xba ; mov ebx,0x8048264
            31c9 cd80 0fae0500106000 b920010000                    xor ecx,ecx ; int 0x80 ; fxsave 0x601000 ; mov ecx,0x120
            8889ff0f6000 49 81f9a0000000 77f1                      mov [ecx+0x600fff],cl ; dec ecx ; cmp ecx,0xa0 ; ja 8048068
            66c705001060007f0f c70518106000a05f0000                mov 0x601000,0xf7f ; mov 0x601018,0x5fa0
            c6050410600001 66c705281060000040                      mov 0x601004,0x1 ; mov 0x601028,0x4000
            c70524106000a2da0fc9 0fae0d00106000 0fae0500106000     mov 0x601024,0xc90fdaa2 ; fxrstor 0x601000 ; fxsave 0x601000
            807d0063 0f94c0 a2f0116000                             cmp [ebp+0x0],0x63 ; sete al ; mov 0x6011f0,al
            8dbc2400e0ffff b900080000 b85a3cc3a5                   lea edi,[esp-0x2000] ; mov ecx,0x800 ; mov eax,0xa5c33c5a
            f3ab 8b1d90006000 b900016000                           rep stos es:[edi],eax ; mov ebx,0x600090 ; mov ecx,0x600100
            ba01000000 be51515151 bfd1d1d1d1                       mov edx,0x1 ; mov esi,0x51515151 ; mov edi,0xd1d1d1d1
            bdb9b9b9b9 891d04006000 890d08006000                   mov ebp,0xb9b9b9b9 ; mov 0x600004,ebx ; mov 0x600008,ecx
            89150c006000 893510006000 893d14006000                 mov 0x60000c,edx ; mov 0x600010,esi ; mov 0x600014,edi
            892d18006000 89251c006000 b85d810408                   mov 0x600018,ebp ; mov 0x60001c,esp ; mov eax,0x804815d
            803df011600000 7405 b861810408                         cmp 0x6011f0,0x0 ; je 804812d ; mov eax,0x8048161
            a3f8116000 c70500406000d70e2400                        mov 0x6011f8,eax ; mov 0x604000,0x240ed7
            c70520006000d70e2400 b803000000 bc00406000 9d          mov 0x600020,0x240ed7 ; mov eax,0x3 ; mov esp,0x604000 ; popf
            8b251c006000 ff25f8116000 cd80 eb13                    mov esp,0x60001c ; jmp 0x6011f8 ; int 0x80 ; jmp 8048174
            8b0d80006000 e3f8 8b0d08006000                         mov ecx,0x600080 ; jecxz 8048161 ; mov ecx,0x600008
            b8fcffffff a340006000 891d44006000                     mov eax,0xfffffffc ; mov 0x600040,eax ; mov 0x600044,ebx
            890d48006000 89154c006000 893550006000                 mov 0x600048,ecx ; mov 0x60004c,edx ; mov 0x600050,esi
            893d54006000 892d58006000 89255c006000                 mov 0x600054,edi ; mov 0x600058,ebp ; mov 0x60005c,esp
            bc00406000 9c a1fc3f6000 a360006000                    mov esp,0x604000 ; pushf ; mov eax,0x603ffc ; mov 0x600060,eax
            c705fc3f600002000000 9d 0fae0500126000 bb14000000      mov 0x603ffc,0x2 ; popf ; fxsave 0x601200 ; mov ebx,0x14
            be04006000 bf44006000 b907000000                       mov esi,0x600004 ; mov edi,0x600044 ; mov ecx,0x7
            f3a7 7557 43                                           repz cmps [esi],es:[edi] ; jne 8048234 ; inc ebx
            a160006000 330520006000 a9fffeffff                     mov eax,0x600060 ; xor eax,0x600020 ; test eax,0xfffffeff
            7544 43 be00106000 bf00126000                          jne 8048234 ; inc ebx ; mov esi,0x601000 ; mov edi,0x601200
            b948000000 f3a7 7530                                   mov ecx,0x48 ; repz cmps [esi],es:[edi] ; jne 8048234
            43 8b3d1c006000 81ef00200000 b900080000                inc ebx ; mov edi,0x60001c ; sub edi,0x2000 ; mov ecx,0x800
            b85a3cc3a5 f3af 7515                                   mov eax,0xa5c33c5a ; repz scas eax,es:[edi] ; jne 8048234
            43 833d40006000fc 750b                                 inc ebx ; cmp 0x600040,0xfffffffc ; jne 8048234
            833d8000600001 7502 31db b801000000                    cmp 0x600080,0x1 ; jne 8048234 ; xor ebx,ebx ; mov eax,0x1
            cd80 c7058000600001000000 c3 58 b877000000             int 0x80 ; mov 0x600080,0x1 ; ret ; pop eax ; mov eax,0x77
            cd80 6690                                              int 0x80 ; xchg ax,ax
            3b8204080000000c468204080000000000000000008060000000000000800000 data
            """;

    private KeeperGuest() {}
}
