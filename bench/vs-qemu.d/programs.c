/* Copyright 2026 The Vitrine authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The programs of bench/vs-qemu: each isolates one cost of an emulated processor. Usage:
 *   programs NAME...    runs these and prints "NAME SECONDS CHECKSUM" for each
 *   programs            runs all
 * The work is fixed, so that times on different machines compare; the checksum shows that the same
 * work was done.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t seed = 88172645463325252ull;

static uint64_t next(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void *space(size_t bytes) {
    void *p = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    memset(p, 1, bytes);
    return p;
}

/* Integer: byte stores with a growing stride. */
static uint64_t sieve(void) {
    enum { N = 8000000 };
    static uint8_t composite[N];
    uint64_t count = 0;
    memset(composite, 0, N);
    for (uint64_t i = 2; i < N; i++) {
        if (!composite[i]) {
            count++;
            for (uint64_t k = i * i; k < N; k += i) composite[k] = 1;
        }
    }
    return count;
}

/* Integer: a table look-up in a dependency chain. */
static uint64_t crc32(void) {
    static uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    enum { N = 1 << 20 };
    static uint8_t data[N];
    for (int i = 0; i < N; i++) data[i] = next();
    uint32_t c = ~0u;
    for (int r = 0; r < 12; r++)
        for (int i = 0; i < N; i++) c = table[(c ^ data[i]) & 0xFF] ^ (c >> 8);
    return ~c;
}

static void sort(int64_t *a, long low, long high) {
    while (low < high) {
        int64_t pivot = a[(low + high) / 2];
        long i = low, j = high;
        while (i <= j) {
            while (a[i] < pivot) i++;
            while (a[j] > pivot) j--;
            if (i <= j) {
                int64_t t = a[i];
                a[i++] = a[j];
                a[j--] = t;
            }
        }
        if (j - low < high - i) {
            sort(a, low, j);
            low = i;
        } else {
            sort(a, i, high);
            high = j;
        }
    }
}

/* Branchy: branches that cannot be predicted. */
static uint64_t quicksort(void) {
    enum { N = 600000 };
    static int64_t a[N];
    for (int i = 0; i < N; i++) a[i] = (int64_t) next();
    sort(a, 0, N - 1);
    return (uint64_t) a[N / 2];
}

/* Memory: scattered accesses. */
static uint64_t hash(void) {
    enum { SLOTS = 1 << 20 };
    uint64_t *keys = space(SLOTS * 8), *values = space(SLOTS * 8);
    memset(keys, 0, SLOTS * 8);
    uint64_t sum = 0;
    for (int i = 0; i < 600000; i++) {
        uint64_t k = next() | 1, h = (k * 0x9E3779B97F4A7C15ull) >> 44;
        while (keys[h] && keys[h] != k) h = (h + 1) & (SLOTS - 1);
        keys[h] = k;
        values[h] += i;
        sum += values[(h * 31) & (SLOTS - 1)];
    }
    munmap(keys, SLOTS * 8);
    munmap(values, SLOTS * 8);
    return sum;
}

/* Calls: guest calls and returns. */
__attribute__((noinline)) static uint64_t fib(uint64_t n) {
    __asm__ volatile("");
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint64_t fibonacci(void) {
    return fib(30);
}

static uint64_t place(int n, uint32_t columns, uint32_t left, uint32_t right) {
    uint32_t all = (1u << n) - 1;
    if (columns == all) return 1;
    uint64_t count = 0;
    for (uint32_t free = all & ~(columns | left | right); free; free &= free - 1) {
        uint32_t bit = free & -free;
        count += place(n, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return count;
}

/* Branchy: recursion and bit tricks. */
static uint64_t queens(void) {
    return place(10, 0, 0, 0);
}

/* Floating point: dependent scalar doubles with square roots. */
static uint64_t nbody(void) {
    double p[5][3], v[5][3], m[5];
    for (int i = 0; i < 5; i++) {
        m[i] = 1.0 / (i + 1);
        for (int k = 0; k < 3; k++) {
            p[i][k] = i * 1.5 + k * 0.7 - 2;
            v[i][k] = 0.1 * (k - 1) * (i + 1);
        }
    }
    for (int step = 0; step < 100000; step++) {
        for (int i = 0; i < 5; i++)
            for (int j = i + 1; j < 5; j++) {
                double d[3], r = 0.01;
                for (int k = 0; k < 3; k++) {
                    d[k] = p[i][k] - p[j][k];
                    r += d[k] * d[k];
                }
                double f = 0.001 / (r * __builtin_sqrt(r));
                for (int k = 0; k < 3; k++) {
                    v[i][k] -= d[k] * m[j] * f;
                    v[j][k] += d[k] * m[i] * f;
                }
            }
        for (int i = 0; i < 5; i++)
            for (int k = 0; k < 3; k++) p[i][k] += 0.001 * v[i][k];
    }
    uint64_t bits;
    memcpy(&bits, &p[0][0], 8);
    return bits;
}

/* Floating point: multiply and add, one operand with a stride over pages. */
static uint64_t matrix(void) {
    enum { N = 160 };
    static double a[N][N], b[N][N], c[N][N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = i + 0.5 * j;
            b[i][j] = i - 0.25 * j;
        }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double s = 0;
            for (int k = 0; k < N; k++) s += a[i][k] * b[k][j];
            c[i][j] = s;
        }
    uint64_t bits;
    memcpy(&bits, &c[N / 2][N / 3], 8);
    return bits;
}

static uint64_t mandelbrot(void) {
    uint64_t sum = 0;
    for (int y = 0; y < 120; y++)
        for (int x = 0; x < 160; x++) {
            double cr = x / 53.0 - 2, ci = y / 50.0 - 1.2, r = 0, i = 0;
            int n = 0;
            while (n < 200 && r * r + i * i < 4) {
                double t = r * r - i * i + cr;
                i = 2 * r * i + ci;
                r = t;
                n++;
            }
            sum += n;
        }
    return sum;
}

/* Memory: block copies and fills. */
static uint64_t copy(void) {
    enum { N = 16 << 20 };
    uint8_t *a = space(N), *b = space(N);
    for (int r = 0; r < 10; r++) {
        memset(a, r, N);
        memcpy(b, a, N);
    }
    uint64_t sum = b[12345];
    munmap(a, N);
    munmap(b, N);
    return sum;
}

/* Memory: dependent loads over 16 MiB. */
static uint64_t chase(void) {
    enum { N = 1 << 21 };
    uint64_t *a = space(N * 8);
    for (uint64_t i = 0; i < N; i++) a[i] = (i * 1664525 + 1013904223) & (N - 1);
    uint64_t at = 0;
    for (int i = 0; i < 4000000; i++) at = a[at];
    munmap(a, N * 8);
    return at;
}

static uint64_t search(void) {
    enum { N = 4 << 20 };
    char *text = space(N + 1);
    for (int i = 0; i < N; i++) text[i] = 'a' + next() % 4;
    text[N] = 0;
    uint64_t sum = 0;
    for (int r = 0; r < 4; r++) {
        char needle[] = "abcdabcdabcdx";
        needle[0] = 'a' + r;
        sum += strstr(text, needle) == 0;
        sum += strlen(text);
        sum += memchr(text, 'z', N) == 0;
    }
    munmap(text, N + 1);
    return sum;
}

/* System calls. */
static uint64_t syscalls(void) {
    uint64_t sum = 0;
    for (int i = 0; i < 200000; i++) sum += syscall(SYS_getppid) != 0;
    return 0 * sum + 200000;
}

static uint64_t pipes(void) {
    int up[2], down[2];
    char c = 'x';
    if (pipe(up) || pipe(down)) exit(1);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 10000; i++)
            if (read(up[0], &c, 1) != 1 || write(down[1], &c, 1) != 1) _exit(1);
        _exit(0);
    }
    for (int i = 0; i < 10000; i++)
        if (write(up[1], &c, 1) != 1 || read(down[0], &c, 1) != 1) exit(1);
    waitpid(child, 0, 0);
    close(up[0]);
    close(up[1]);
    close(down[0]);
    close(down[1]);
    return 10000;
}

static uint64_t forks(void) {
    uint64_t sum = 0;
    for (int i = 0; i < 300; i++) {
        pid_t child = fork();
        if (child == 0) _exit(i & 1);
        int status;
        waitpid(child, &status, 0);
        sum += WEXITSTATUS(status);
    }
    return sum;
}

static uint64_t maps(void) {
    uint64_t sum = 0;
    for (int i = 0; i < 3000; i++) {
        char *p = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int k = 0; k < 4; k++) p[k * 4096] = k;
        sum += p[4096];
        munmap(p, 16384);
    }
    return sum;
}

static const struct {
    const char *name;
    uint64_t (*run)(void);
} programs[] = {
    {"sieve", sieve},         {"crc32", crc32},       {"quicksort", quicksort}, {"hash", hash},
    {"fibonacci", fibonacci}, {"queens", queens},     {"nbody", nbody},         {"matrix", matrix},
    {"mandelbrot", mandelbrot}, {"copy", copy},       {"chase", chase},         {"search", search},
    {"syscalls", syscalls},   {"pipes", pipes},       {"forks", forks},         {"maps", maps},
};

int main(int argc, char **argv) {
    int count = sizeof programs / sizeof programs[0];
    for (int i = 0; i < count; i++) {
        int wanted = argc == 1;
        for (int k = 1; k < argc; k++) wanted |= !strcmp(argv[k], programs[i].name);
        if (!wanted) continue;
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        uint64_t sum = programs[i].run();
        clock_gettime(CLOCK_MONOTONIC, &b);
        printf("%s %.6f %llx\n", programs[i].name,
               (b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) * 1e-9, (unsigned long long) sum);
        fflush(stdout);
    }
    return 0;
}
