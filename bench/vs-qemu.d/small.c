/* Copyright 2026 The Vitrine authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Small computations, in user mode after their memory is there.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "programs.h"

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
    for (int r = 0; r < 24; r++)
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
    enum { N = 700000 };
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
    for (int i = 0; i < 800000; i++) {
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
    return fib(36);
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
    return place(13, 0, 0, 0);
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
    for (int step = 0; step < 500000; step++) {
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

/* Floating point: multiply and add, one operand with a stride of a row. */
static uint64_t matrix(void) {
    enum { N = 160 };
    static double a[N][N], b[N][N], c[N][N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = i + 0.5 * j;
            b[i][j] = i - 0.25 * j;
        }
    for (int r = 0; r < 16; r++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                double s = 0;
                for (int k = 0; k < N; k++) s += a[i][k] * b[k][j];
                c[i][j] = s;
            }
        a[N / 2][r] = c[N / 2][N - 1 - r] * 0x1p-20;
    }
    uint64_t bits;
    memcpy(&bits, &c[N / 2][N / 3], 8);
    return bits;
}

/* Floating point: a short loop of doubles that ends on a comparison. */
static uint64_t mandelbrot(void) {
    enum { WIDTH = 640, HEIGHT = 480 };
    uint64_t sum = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            double cr = x * 3.0 / WIDTH - 2, ci = y * 2.4 / HEIGHT - 1.2, r = 0, i = 0;
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
        FORGET();
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
    for (int i = 0; i < 700000; i++) at = a[at];
    munmap(a, N * 8);
    return at;
}

/* Strings: the C library's search, length and scan, with the vectors that the processor has. */
static uint64_t search(void) {
    enum { N = 4 << 20 };
    char *text = space(N + 1);
    for (int i = 0; i < N; i += 16) {
        uint64_t bits = next();
        for (int k = 0; k < 16; k++) text[i + k] = 'a' + (bits >> (2 * k) & 3);
    }
    text[N] = 0;
    uint64_t sum = 0;
    for (int r = 0; r < 14; r++) {
        char needle[] = "abcdabcdabcdx";
        needle[0] = 'a' + r % 4;
        sum += strstr(text, needle) == 0;
        FORGET();
        sum += strlen(text);
        sum += memchr(text, 'z', N) == 0;
        FORGET();
    }
    munmap(text, N + 1);
    return sum;
}

const struct program small_programs[] = {
    {"sieve", sieve},         {"crc32", crc32},           {"quicksort", quicksort},
    {"hash", hash},           {"fibonacci", fibonacci},   {"queens", queens},
    {"nbody", nbody},         {"matrix", matrix},         {"mandelbrot", mandelbrot},
    {"copy", copy},           {"chase", chase},           {"search", search},
    {0, 0},
};
