/* Copyright 2026 The Vitrine authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the files of bench/vs-qemu's programs share.
 */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include <stddef.h>
#include <stdint.h>

/* A program does a fixed amount of work and returns a checksum of it: the same in every round. */
struct program {
    const char *name;
    uint64_t (*run)(void);
};

/* Each list ends at a null name. The first two are the compute group. */
extern const struct program small_programs[];
extern const struct program codec_programs[];
extern const struct program kernel_programs[];

/* Pseudo-random numbers; every round of every program begins with the same seed. */
uint64_t next(void);

/* Memory from the kernel, touched; give it back with munmap. */
void *space(size_t bytes);

/* Ends the run: the work was not done. */
void fail(const char *why);

/* Keeps the compiler from knowing what memory holds, and so from dropping a repeated call. */
#define FORGET() __asm__ volatile("" ::: "memory")

#endif
