/* Copyright 2026 The Vitrine authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The programs of bench/vs-qemu: each isolates one cost of an emulated machine. Usage:
 *   programs [-r ROUNDS] [-j JOBS] [NAME...]   runs these, or all
 *   programs -l                                lists "GROUP NAME"
 * A program runs ROUNDS times in this process and "NAME SECONDS CHECKSUM" is printed of the last
 * time, when whatever translates or compiles has done so. With -j it runs in JOBS processes at the
 * same time, and SECONDS lasts until the last of them is done. The work is fixed, so that times on
 * different machines compare; the checksum shows that the same work was done. A processor that
 * lacks what a program needs prints "NAME absent".
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "programs.h"

enum { MAX_JOBS = 128 };

static const uint64_t FIRST_SEED = 88172645463325252ull;
static uint64_t seed;

uint64_t next(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

void fail(const char *why) {
    fprintf(stderr, "programs: %s\n", why);
    exit(1);
}

void *space(size_t bytes) {
    void *p = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) fail("mmap");
    memset(p, 1, bytes);
    return p;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static uint64_t once(const struct program *program) {
    seed = FIRST_SEED;
    return program->run();
}

static void work(const struct program *program, int start, int done) {
    char c;
    while (read(start, &c, 1) == 1) {
        uint64_t sum = once(program);
        if (write(done, &sum, sizeof sum) != sizeof sum) _exit(1);
    }
    _exit(0);
}

/* Each job has a pipe to start it by, so that none takes another's turn; all answer in one. */
static double together(const struct program *program, int rounds, int jobs, uint64_t *sum) {
    int start[MAX_JOBS], done[2];
    if (pipe(done)) fail("pipe");
    for (int i = 0; i < jobs; i++) {
        int ends[2];
        if (pipe(ends)) fail("pipe");
        pid_t child = fork();
        if (child < 0) fail("fork");
        if (child == 0) {
            close(ends[1]);
            for (int k = 0; k < i; k++) close(start[k]);
            work(program, ends[0], done[1]);
        }
        close(ends[0]);
        start[i] = ends[1];
    }
    close(done[1]);
    double seconds = 0;
    for (int r = 0; r < rounds; r++) {
        double begin = now();
        for (int i = 0; i < jobs; i++)
            if (write(start[i], "", 1) != 1) fail("write");
        for (int i = 0; i < jobs; i++) {
            uint64_t got;
            if (read(done[0], &got, sizeof got) != sizeof got) fail("a job ended early");
            if ((r || i) && got != *sum) fail("the jobs' results differ");
            *sum = got;
        }
        seconds = now() - begin;
    }
    for (int i = 0; i < jobs; i++) close(start[i]);
    close(done[0]);
    while (wait(0) > 0) continue;
    return seconds;
}

static double alone(const struct program *program, int rounds, uint64_t *sum) {
    double seconds = 0;
    for (int r = 0; r < rounds; r++) {
        double begin = now();
        uint64_t got = once(program);
        seconds = now() - begin;
        if (r && got != *sum) fail("the rounds' results differ");
        *sum = got;
    }
    return seconds;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        const struct program *programs;
    } groups[] = {
        {"compute", small_programs}, {"compute", codec_programs}, {"kernel", kernel_programs}};
    int rounds = 1, jobs = 0, list = 0, option;
    while ((option = getopt(argc, argv, "r:j:l")) != -1) {
        if (option == 'r') rounds = atoi(optarg);
        if (option == 'j') jobs = atoi(optarg);
        if (option == 'l') list = 1;
        if (option == '?') return 2;
    }
    if (rounds < 1 || jobs < 0 || jobs > MAX_JOBS) return 2;
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++)
        for (const struct program *p = groups[g].programs; p->name; p++) {
            int wanted = optind == argc;
            for (int k = optind; k < argc; k++) wanted |= !strcmp(argv[k], p->name);
            if (!wanted) continue;
            if (list) {
                printf("%s %s\n", groups[g].name, p->name);
                continue;
            }
            if (!strcmp(p->name, "aes") && !__builtin_cpu_supports("aes")) {
                printf("aes absent\n");
                continue;
            }
            uint64_t sum = 0;
            double seconds = jobs ? together(p, rounds, jobs, &sum) : alone(p, rounds, &sum);
            printf("%s %.6f %llx\n", p->name, seconds, (unsigned long long) sum);
            fflush(stdout);
        }
    return 0;
}
