// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

// A monitor in C, which maps the ring and lets the compiler lay out what goes through it:
// it hides a page from the guest, and supplies the data of loads from there.

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct regs {
    uint64_t general[16], rflags, dr6, dr7, rip, cr0, cr2, cr3, cr4;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip, efer, star, lstar, gdtr_base;
    uint64_t npt_base, vmtrace_pos;
    uint32_t cs_base, ss_base, ds_base, es_base;
    uint64_t fs_base, gs_base;
    uint32_t segments[6];
    uint64_t shadow_gs;
    uint16_t gdtr_limit, selectors[6], pad;
};

struct event {
    uint32_t version, flags, reason, vcpu;
    uint16_t view, pad[3];
    union {
        struct { uint64_t gfn, offset, gla; uint32_t flags, pad; } memory;
        struct { uint64_t gfn, pending; uint32_t length; uint8_t type, pad[3]; } debug;
    } u;
    union {
        struct regs regs;
        struct { uint32_t size; uint8_t data[sizeof(struct regs) - 4]; } read;
    } data;
};

struct ring {
    uint32_t req_prod, req_event, rsp_prod, rsp_event;
    uint8_t pad[48];
    struct event entries[8];
};

struct altp2m {
    uint32_t version, command;
    uint16_t domain, pad1;
    uint32_t pad2;
    uint16_t view, access;
    uint32_t pad3;
    uint64_t gfn;
    uint8_t rest[48];
};

struct monitor_op {
    uint32_t command, version;
    uint16_t domain, pad[3];
    uint32_t op, event;
    uint8_t rest[120];
};

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void get(int s, void *to, size_t n) {
    for (char *at = to; n > 0;) {
        ssize_t r = read(s, at, n);
        if (r <= 0) {
            fail("read");
        }
        at += r;
        n -= r;
    }
}

static void line(int s, char *to, int limit) {
    int n = 0;
    do {
        get(s, to + n, 1);
    } while (to[n++] != '\n' && n < limit - 1);
    to[n - 1] = 0;
}

static int open_socket(const char *path) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char greeting[64];
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    if (connect(s, (struct sockaddr *) &a, sizeof a) != 0) {
        fail("connect");
    }
    line(s, greeting, sizeof greeting);
    return s;
}

static int ask(int s, const char *request, const void *content, size_t size, void *reply) {
    char head[64], buffer[512];
    int n = snprintf(buffer, sizeof buffer, "%s\n", request);
    memcpy(buffer + n, content, size);
    if (write(s, buffer, n + size) != (ssize_t) (n + size)) {
        fail("write");
    }
    line(s, head, sizeof head);
    int length = atoi(strchr(head, ' ') + 1);
    get(s, reply, length);
    if (strncmp(head, "ok", 2) != 0) {
        fprintf(stderr, "%s: %.*s\n", request, length, (char *) reply);
        exit(1);
    }
    return length;
}

static uint16_t altp2m(int s, uint32_t command, uint16_t view, uint16_t access, uint64_t gfn) {
    struct altp2m op = {.version = 1, .command = command, .view = view, .access = access, .gfn = gfn};
    struct { int32_t rc; struct altp2m op; } __attribute__((packed)) reply;
    ask(s, "altp2m 80", &op, sizeof op, &reply);
    if (reply.rc != 0) {
        fprintf(stderr, "altp2m %u gives %d\n", command, reply.rc);
        exit(1);
    }
    return reply.op.view;
}

int main(int argc, char **argv) {
    if (argc != 3 || sizeof(struct event) != 400 || sizeof(struct altp2m) != 80
            || sizeof(struct monitor_op) != 144) {
        return 2;
    }
    uint64_t gfn = strtoull(argv[2], NULL, 10);
    int control = open_socket(argv[1]);
    int bell = open_socket(argv[1]);
    char path[512], result[512];
    path[ask(bell, "monitor", "", 0, path)] = 0;
    int file = open(path, O_RDWR);
    struct ring *ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file < 0 || ring == MAP_FAILED) {
        fail(path);
    }
    altp2m(control, 2, 1, 0, 0);
    uint16_t view = altp2m(control, 4, 0, 7, 0);
    altp2m(control, 7, view, 0, gfn);
    altp2m(control, 6, view, 0, 0);
    struct monitor_op int3 = {.command = 77, .version = 0x18, .op = 0, .event = 3};
    ask(control, "domctl 144", &int3, sizeof int3, result);
    puts("ready");
    fflush(stdout);
    uint32_t taken = 0;
    char rung;
    while (read(bell, &rung, 1) == 1) {
        while (taken != __atomic_load_n(&ring->req_prod, __ATOMIC_ACQUIRE)) {
            struct event e = ring->entries[taken % 8];
            if (e.reason == 6) {
                char request[64];
                // The processor was in a loop whose count is in R8, at an INT3.
                if (e.data.regs.general[8] == 0 || e.u.debug.length != 1) {
                    return 3;
                }
                snprintf(request, sizeof request, "inject-event %u 3 6 0 0 1", e.vcpu);
                ask(control, request, "", 0, result);
            } else {
                uint64_t data = 1000 + e.u.memory.offset;
                e.flags |= 1 << 2 | 1 << 5;
                e.data.read.size = sizeof data;
                memcpy(e.data.read.data, &data, sizeof data);
            }
            ring->entries[taken % 8] = e;
            __atomic_store_n(&ring->rsp_prod, ++taken, __ATOMIC_RELEASE);
            if (write(bell, "", 1) != 1) {
                break;
            }
        }
    }
    printf("events %u\n", taken);
    return 0;
}
