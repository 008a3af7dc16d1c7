/*
 * Marks pages in C that are dirty already: test, then or. The bits lie in blocks of 256 KiB behind a table of pointers,
 * which is constant during the interval (cpu_physical_memory_set_dirty_flag with a test before its set_bit_atomic).
 *
 * Each line on stdin is a request. The answer is a line on stdout: nanoseconds per page, the median of many passes over
 * the same pages:
 *   mark-1 | mark-3              for one client, for three clients
 *   mark-1-rows | mark-3-rows    the same, eight pages in each iteration of the loop
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLIENTS = 3, PAGES = 8192, PASSES = 101, BLOCK_SHIFT = 21, BLOCK_PAGES = 1 << BLOCK_SHIFT };

static uint64_t *table[CLIENTS][1];
static uint32_t pages[PAGES];

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline void mark(uint64_t **blocks, uint32_t page)
{
    uint64_t *word = &blocks[page >> BLOCK_SHIFT][(page & (BLOCK_PAGES - 1)) >> 6];
    uint64_t bit = UINT64_C(1) << (page & 63);
    if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & bit)) __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
}

static __attribute__((noinline)) void mark_1(uint64_t **blocks, const uint32_t *at, const uint32_t *end)
{
    for (; at < end; at++) mark(blocks, *at);
}

static __attribute__((noinline)) void mark_1_rows(uint64_t **blocks, const uint32_t *at, const uint32_t *end)
{
    for (; at < end; at += 8)
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) mark(blocks, at[i]);
}

static __attribute__((noinline)) void mark_3(uint64_t **vga, uint64_t **code, uint64_t **migration, const uint32_t *at,
                                             const uint32_t *end)
{
    for (; at < end; at++) {
        mark(vga, *at);
        mark(code, *at);
        mark(migration, *at);
    }
}

static __attribute__((noinline)) void mark_3_rows(uint64_t **vga, uint64_t **code, uint64_t **migration,
                                                  const uint32_t *at, const uint32_t *end)
{
    for (; at < end; at += 8)
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
            mark(vga, at[i]);
            mark(code, at[i]);
            mark(migration, at[i]);
        }
}

static int run(const char *request)
{
    const uint32_t *end = pages + PAGES;
    if (!strcmp(request, "mark-1")) mark_1(table[2], pages, end);
    else if (!strcmp(request, "mark-3")) mark_3(table[0], table[1], table[2], pages, end);
    else if (!strcmp(request, "mark-1-rows")) mark_1_rows(table[2], pages, end);
    else if (!strcmp(request, "mark-3-rows")) mark_3_rows(table[0], table[1], table[2], pages, end);
    else return 0;
    return 1;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double answer(const char *request)
{
    static uint64_t passes[PASSES];
    for (int i = 0; i < PASSES; i++) {
        uint64_t began = now();
        if (!run(request)) return -1;
        passes[i] = now() - began;
    }
    qsort(passes, PASSES, sizeof passes[0], ascending);
    return (double)passes[PASSES / 2] / PAGES;
}

int main(void)
{
    char line[64];
    for (int c = 0; c < CLIENTS; c++) {
        table[c][0] = aligned_alloc(4096, BLOCK_PAGES / 8);
        if (!table[c][0]) return 1;
        memset(table[c][0], 0xff, BLOCK_PAGES / 8);
    }
    /* The same pages as randomPages in pages.ts computes. */
    uint32_t state = 2463534242u;
    for (int i = 0; i < PAGES; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        pages[i] = state % BLOCK_PAGES;
    }
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\r\n")] = 0;
        printf("%.4f\n", answer(line));
        fflush(stdout);
    }
    return 0;
}
