/* Copyright 2026 The Vitrine authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Programs whose time goes into the guest's kernel, and into entering and leaving it.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "programs.h"

/* Stays on one processor, as in a guest with one: natively it would be wake-ups across two. */
static void pin(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    if (sched_setaffinity(0, sizeof set, &set)) fail("sched_setaffinity");
}

static pid_t child_of(void) {
    pid_t child = fork();
    if (child < 0) fail("fork");
    return child;
}

/* SYSCALL and SYSRET: the shortest way into the kernel and back. */
static uint64_t syscalls(void) {
    enum { N = 500000 };
    for (int i = 0; i < N; i++) syscall(SYS_getppid);
    return N;
}

/* Two processes that wake each other with a byte: system calls, wake-ups, switches. */
static uint64_t pipes(void) {
    enum { N = 10000 };
    int up[2], down[2];
    char c = 'x';
    pin();
    if (pipe(up) || pipe(down)) fail("pipe");
    pid_t child = child_of();
    if (child == 0) {
        for (int i = 0; i < N; i++)
            if (read(up[0], &c, 1) != 1 || write(down[1], &c, 1) != 1) _exit(1);
        _exit(0);
    }
    for (int i = 0; i < N; i++)
        if (write(up[1], &c, 1) != 1 || read(down[0], &c, 1) != 1) fail("pipe");
    waitpid(child, 0, 0);
    for (int i = 0; i < 2; i++) {
        close(up[i]);
        close(down[i]);
    }
    return N;
}

/* Two processes that hand over by sched_yield: a change of address space, nothing sleeps. */
static uint64_t switches(void) {
    enum { N = 40000 };
    pin();
    volatile int *turn = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (turn == MAP_FAILED) fail("mmap");
    pid_t child = child_of();
    for (int i = 0; i < N; i++) {
        while (*turn != (child == 0)) sched_yield();
        *turn = child != 0;
    }
    if (child == 0) _exit(0);
    waitpid(child, 0, 0);
    munmap((void *) turn, 4096);
    return N;
}

/* A process made and ended: page tables copied, pages copied on write, an address space torn
 * down. */
static uint64_t forks(void) {
    uint64_t sum = 0;
    for (int i = 0; i < 300; i++) {
        pid_t child = child_of();
        if (child == 0) _exit(i & 1);
        int status;
        waitpid(child, &status, 0);
        sum += WEXITSTATUS(status);
    }
    return sum;
}

/* Page faults: memory mapped, touched for the first time and given back. */
static uint64_t maps(void) {
    enum { PAGES = 16 };
    uint64_t sum = 0;
    for (int i = 0; i < 3000; i++) {
        char *p = mmap(0, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) fail("mmap");
        for (int k = 0; k < PAGES; k++) p[k * 4096] = k;
        sum += p[4096];
        munmap(p, PAGES * 4096);
    }
    return sum;
}

const struct program kernel_programs[] = {
    {"syscalls", syscalls}, {"pipes", pipes}, {"switches", switches},
    {"forks", forks},       {"maps", maps},   {0, 0},
};
