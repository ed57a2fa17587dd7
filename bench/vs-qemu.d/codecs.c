/* Copyright 2026 The Vitrine authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Computations as they are in codecs, ciphers and interpreters.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <wmmintrin.h>

#include "programs.h"

static uint64_t mix(uint64_t sum, const void *data, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) sum = (sum ^ ((const uint8_t *) data)[i]) * 0x100000001B3ull;
    return sum;
}

static void fill(void *data, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t bits = next();
        memcpy((uint8_t *) data + i, &bits, 8);
    }
}

/* SSE2: packed integers of 8, 16 and 32 bits, as in video: blend two pictures, sum differences. */
static uint64_t sse2(void) {
    enum { N = 1 << 19 };
    static uint8_t a[N] __attribute__((aligned(16))), b[N] __attribute__((aligned(16)));
    fill(a, N);
    fill(b, N);
    const __m128i zero = _mm_setzero_si128(), limit = _mm_set1_epi8(40);
    uint64_t bright = 0;
    __m128i differences = zero, energy = zero;
    for (int r = 0; r < 250; r++) {
        const __m128i alpha = _mm_set1_epi16(r), rest = _mm_set1_epi16(256 - r);
        for (int i = 0; i < N; i += 16) {
            __m128i x = _mm_load_si128((__m128i *) (a + i));
            __m128i y = _mm_load_si128((__m128i *) (b + i));
            __m128i low = _mm_add_epi16(_mm_mullo_epi16(_mm_unpacklo_epi8(x, zero), alpha),
                                        _mm_mullo_epi16(_mm_unpacklo_epi8(y, zero), rest));
            __m128i high = _mm_add_epi16(_mm_mullo_epi16(_mm_unpackhi_epi8(x, zero), alpha),
                                         _mm_mullo_epi16(_mm_unpackhi_epi8(y, zero), rest));
            low = _mm_srli_epi16(low, 8);
            high = _mm_srli_epi16(high, 8);
            __m128i blend = _mm_packus_epi16(low, high);
            differences = _mm_add_epi64(differences, _mm_sad_epu8(blend, y));
            energy = _mm_add_epi32(energy, _mm_madd_epi16(low, high));
            __m128i over = _mm_cmpgt_epi8(_mm_subs_epu8(x, blend), limit);
            bright += __builtin_popcount(_mm_movemask_epi8(over));
            _mm_store_si128((__m128i *) (b + i), _mm_avg_epu8(blend, _mm_shuffle_epi32(y, 0x4E)));
        }
    }
    uint64_t sum = mix(mix(bright, &differences, 16), &energy, 16);
    return mix(sum, b, N);
}

#define AES __attribute__((target("aes")))

AES static __m128i expand(__m128i key, __m128i assist) {
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
    return _mm_xor_si128(key, _mm_shuffle_epi32(assist, 0xFF));
}

AES static void expand_all(__m128i *k) {
    k[1] = expand(k[0], _mm_aeskeygenassist_si128(k[0], 0x01));
    k[2] = expand(k[1], _mm_aeskeygenassist_si128(k[1], 0x02));
    k[3] = expand(k[2], _mm_aeskeygenassist_si128(k[2], 0x04));
    k[4] = expand(k[3], _mm_aeskeygenassist_si128(k[3], 0x08));
    k[5] = expand(k[4], _mm_aeskeygenassist_si128(k[4], 0x10));
    k[6] = expand(k[5], _mm_aeskeygenassist_si128(k[5], 0x20));
    k[7] = expand(k[6], _mm_aeskeygenassist_si128(k[6], 0x40));
    k[8] = expand(k[7], _mm_aeskeygenassist_si128(k[7], 0x80));
    k[9] = expand(k[8], _mm_aeskeygenassist_si128(k[8], 0x1B));
    k[10] = expand(k[9], _mm_aeskeygenassist_si128(k[9], 0x36));
}

/* AES-NI: AES-128 in CBC mode there (each block waits for the last) and back (none waits). */
AES static uint64_t aes(void) {
    enum { BLOCKS = 1 << 14 };
    static __m128i plain[BLOCKS], secret[BLOCKS];
    __m128i k[11], inverse[11];
    fill(plain, sizeof plain);
    fill(k, sizeof *k);
    expand_all(k);
    inverse[0] = k[10];
    for (int i = 1; i < 10; i++) inverse[i] = _mm_aesimc_si128(k[10 - i]);
    inverse[10] = k[0];
    __m128i last = _mm_setzero_si128();
    for (int r = 0; r < 200; r++) {
        __m128i first = last;
        for (int i = 0; i < BLOCKS; i++) {
            __m128i x = _mm_xor_si128(_mm_xor_si128(plain[i], last), k[0]);
            for (int n = 1; n < 10; n++) x = _mm_aesenc_si128(x, k[n]);
            secret[i] = last = _mm_aesenclast_si128(x, k[10]);
        }
        __m128i wrong = _mm_setzero_si128(), before = first;
        for (int i = 0; i < BLOCKS; i++) {
            __m128i x = _mm_xor_si128(secret[i], inverse[0]);
            for (int n = 1; n < 10; n++) x = _mm_aesdec_si128(x, inverse[n]);
            x = _mm_xor_si128(_mm_aesdeclast_si128(x, inverse[10]), before);
            wrong = _mm_or_si128(wrong, _mm_xor_si128(x, plain[i]));
            before = secret[i];
        }
        if (_mm_movemask_epi8(_mm_cmpeq_epi8(wrong, _mm_setzero_si128())) != 0xFFFF)
            fail("aes: what was enciphered does not decipher");
    }
    return mix(0, &last, 16);
}

static uint32_t rotate(uint32_t x, int n) {
    return x >> n | x << (32 - n);
}

/* The constants of FIPS 180-4: the fractions of the roots of the first primes. */
static const uint32_t SHA256[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* Integer: rotations and additions of 32 bits, with enough values alive to fill the registers. */
static uint64_t sha256(void) {
    enum { N = 1 << 20 };
    static uint8_t data[N];
    fill(data, N);
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    for (int round = 0; round < 16; round++)
        for (int at = 0; at < N; at += 64) {
            uint32_t w[64];
            for (int i = 0; i < 16; i++) {
                memcpy(&w[i], data + at + 4 * i, 4);
                w[i] = __builtin_bswap32(w[i]);
            }
            for (int i = 16; i < 64; i++)
                w[i] = w[i - 16] + w[i - 7] +
                       (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
                       (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
            uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], z = h[7];
            for (int i = 0; i < 64; i++) {
                uint32_t t = z + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                             (g ^ (e & (f ^ g))) + SHA256[i] + w[i];
                uint32_t u = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                             ((a & b) | (c & (a | b)));
                z = g, g = f, f = e, e = d + t, d = c, c = b, b = a, a = t + u;
            }
            h[0] += a, h[1] += b, h[2] += c, h[3] += d;
            h[4] += e, h[5] += f, h[6] += g, h[7] += z;
        }
    return mix(0, h, sizeof h);
}

enum { PUSH, LOAD, STORE, ADD, MULTIPLY, HALVE, ODD, LESS, JUMP, UNLESS, HALT };

/* Indirect jumps: a stack machine with one for each operation. It adds up the lengths of Collatz's
 * sequences. */
static uint64_t interpreter(void) {
    enum { LIMIT = 26000, N = 0, X = 1, STEPS = 2 };
    static const int32_t code[] = {
        /* 0 */ PUSH, 1, STORE, N,
        /* 4: the next N */ LOAD, N, PUSH, LIMIT, LESS, UNLESS, 60, LOAD, N, STORE, X,
        /* 15: the next step */ PUSH, 1, LOAD, X, LESS, UNLESS, 51,
        /* 22 */ LOAD, STEPS, PUSH, 1, ADD, STORE, STEPS, LOAD, X, ODD, UNLESS, 44,
        /* 34 */ LOAD, X, PUSH, 3, MULTIPLY, PUSH, 1, ADD, JUMP, 47,
        /* 44: even */ LOAD, X, HALVE,
        /* 47 */ STORE, X, JUMP, 15,
        /* 51 */ LOAD, N, PUSH, 1, ADD, STORE, N, JUMP, 4,
        /* 60 */ HALT};
    static const void *const labels[] = {&&push, &&load, &&store, &&add,  &&multiply, &&halve,
                                         &&odd,  &&less, &&jump,  &&unless, &&halt};
    uint64_t stack[16], variables[3] = {0}, *top = stack;
    const int32_t *at = code;
#define NEXT goto *labels[*at++]
    NEXT;
push:
    *top++ = *at++;
    NEXT;
load:
    *top++ = variables[*at++];
    NEXT;
store:
    variables[*at++] = *--top;
    NEXT;
add:
    top--;
    top[-1] += *top;
    NEXT;
multiply:
    top--;
    top[-1] *= *top;
    NEXT;
halve:
    top[-1] >>= 1;
    NEXT;
odd:
    top[-1] &= 1;
    NEXT;
less:
    top--;
    top[-1] = top[-1] < *top;
    NEXT;
jump:
    at = code + *at;
    NEXT;
unless:
    at = *--top ? at + 1 : code + *at;
    NEXT;
halt:
#undef NEXT
    return variables[STEPS];
}

/* Compression as zlib does it: matches found by chains of hashes, then a Huffman code. */
enum {
    TEXT = 1 << 20,
    WINDOW = 1 << 15,
    SHORTEST = 3,
    LONGEST = 66,
    TRIES = 24,
    SYMBOLS = 256 + LONGEST - SHORTEST + 1,
    CODE_BITS = 15,
    DISTANCE_BITS = 15
};

struct code {
    uint8_t bits[SYMBOLS];
    uint16_t code[SYMBOLS];
};

struct stream {
    uint8_t *at;
    uint64_t held;
    int count;
};

static void put(struct stream *s, uint32_t value, int bits) {
    s->held = s->held << bits | value;
    for (s->count += bits; s->count >= 8;) *s->at++ = s->held >> (s->count -= 8);
}

static uint32_t peek(struct stream *s, int bits) {
    for (; s->count < bits; s->count += 8) s->held = s->held << 8 | *s->at++;
    return s->held >> (s->count - bits) & ((1u << bits) - 1);
}

static int by_weight(const uint32_t *weight, const uint16_t *parent, int nodes, int but) {
    int best = -1;
    for (int i = 0; i < nodes; i++)
        if (i != but && weight[i] && !parent[i] && (best < 0 || weight[i] < weight[best])) best = i;
    return best;
}

/* Huffman's tree, flattened until no code is too long, and the canonical code of those lengths. */
static void make_code(const uint32_t *counts, struct code *code) {
    for (int flat = 0;; flat++) {
        uint32_t weight[2 * SYMBOLS];
        uint16_t parent[2 * SYMBOLS] = {0};
        int nodes = SYMBOLS, most = 0;
        for (int i = 0; i < SYMBOLS; i++) weight[i] = counts[i] ? (counts[i] >> flat) + 1 : 0;
        for (;;) {
            int a = by_weight(weight, parent, nodes, -1);
            int b = by_weight(weight, parent, nodes, a);
            if (b < 0) break;
            weight[nodes] = weight[a] + weight[b];
            parent[a] = parent[b] = nodes++;
        }
        for (int i = 0; i < SYMBOLS; i++) {
            int bits = 0;
            for (int k = i; parent[k]; k = parent[k]) bits++;
            code->bits[i] = bits;
            if (bits > most) most = bits;
        }
        if (most <= CODE_BITS) break;
    }
    uint32_t value = 0;
    for (int bits = 1; bits <= CODE_BITS; bits++, value <<= 1)
        for (int i = 0; i < SYMBOLS; i++)
            if (code->bits[i] == bits) code->code[i] = value++;
}

static uint32_t hash_of(const uint8_t *p) {
    return (p[0] << 16 | p[1] << 8 | p[2]) * 0x9E3779B1u >> 17;
}

/* Literals, and matches as length << 16 | distance. */
static int find_matches(const uint8_t *text, uint32_t *tokens) {
    static int32_t head[WINDOW], previous[WINDOW];
    int count = 0;
    memset(head, -1, sizeof head);
    for (int at = 0; at < TEXT;) {
        int length = 0, distance = 0, limit = TEXT - at < LONGEST ? TEXT - at : LONGEST;
        if (limit >= SHORTEST) {
            int from = head[hash_of(text + at)];
            for (int tries = TRIES; tries && from >= 0 && at - from < WINDOW; tries--) {
                int n = 0;
                while (n < limit && text[from + n] == text[at + n]) n++;
                if (n > length) length = n, distance = at - from;
                if (n == limit) break;
                from = previous[from % WINDOW];
            }
        }
        if (length < SHORTEST) length = 1;
        tokens[count++] = length > 1 ? (uint32_t) (length << 16 | distance) : text[at];
        for (int end = at + length; at < end; at++)
            if (TEXT - at >= SHORTEST) {
                uint32_t h = hash_of(text + at);
                previous[at % WINDOW] = head[h];
                head[h] = at;
            }
    }
    return count;
}

static int symbol_of(uint32_t token) {
    return token < 1 << 16 ? token : 256 + (token >> 16) - SHORTEST;
}

static size_t pack(const uint8_t *text, uint32_t *tokens, struct code *code, uint8_t *packed) {
    uint32_t counts[SYMBOLS] = {0};
    int count = find_matches(text, tokens);
    for (int i = 0; i < count; i++) counts[symbol_of(tokens[i])]++;
    make_code(counts, code);
    struct stream s = {packed, 0, 0};
    for (int i = 0; i < count; i++) {
        int symbol = symbol_of(tokens[i]);
        put(&s, code->code[symbol], code->bits[symbol]);
        if (symbol >= 256) put(&s, tokens[i] & 0xFFFF, DISTANCE_BITS);
    }
    put(&s, 0, 32);
    return s.at - packed;
}

static void unpack(const struct code *code, uint8_t *packed, uint8_t *text) {
    static uint16_t symbols[1 << CODE_BITS];
    for (int i = 0; i < SYMBOLS; i++) {
        if (!code->bits[i]) continue;
        int rest = CODE_BITS - code->bits[i];
        for (int k = 0; k < 1 << rest; k++) symbols[(code->code[i] << rest) + k] = i;
    }
    struct stream s = {packed, 0, 0};
    for (int at = 0; at < TEXT;) {
        int symbol = symbols[peek(&s, CODE_BITS)];
        s.count -= code->bits[symbol];
        if (symbol < 256) {
            text[at++] = symbol;
            continue;
        }
        int distance = peek(&s, DISTANCE_BITS);
        s.count -= DISTANCE_BITS;
        for (int n = symbol - 256 + SHORTEST; n > 0; n--, at++) text[at] = text[at - distance];
    }
}

/* Everything at once: look-ups, short loops, bits, branches. Words, packed and unpacked again. */
static uint64_t compress(void) {
    enum { WORDS = 1024, LETTERS = 12 };
    static char words[WORDS][LETTERS];
    uint8_t *text = space(TEXT + LETTERS), *again = space(TEXT), *packed = space(2 * TEXT);
    uint32_t *tokens = space(TEXT * sizeof *tokens);
    struct code code;
    memset(words, 0, sizeof words);
    for (int i = 0; i < WORDS; i++)
        for (int k = 2 + next() % (LETTERS - 4); k >= 0; k--)
            words[i][k] = "etaoinshrdlucmfw"[next() % 16];
    for (int at = 0; at < TEXT;) {
        int word = (next() % WORDS) * (next() % WORDS) / WORDS;
        for (int k = 0; words[word][k]; k++) text[at++] = words[word][k];
        text[at++] = next() % 8 ? ' ' : '\n';
    }
    size_t size = pack(text, tokens, &code, packed);
    unpack(&code, packed, again);
    if (memcmp(text, again, TEXT)) fail("compress: what was packed does not unpack");
    uint64_t sum = mix(size, packed, size);
    munmap(text, TEXT + LETTERS);
    munmap(again, TEXT);
    munmap(packed, 2 * TEXT);
    munmap(tokens, TEXT * sizeof *tokens);
    return sum;
}

const struct program codec_programs[] = {
    {"sse2", sse2},
    {"aes", aes},
    {"sha256", sha256},
    {"interpreter", interpreter},
    {"compress", compress},
    {0, 0},
};
