/*
 * Stores to random words of 64 pages in C, while another thread collects dirty pages: plainly, or through a write-TLB;
 * with a test of the page's three bits before each store, or without. A write-TLB that marks has its entries filled with
 * a mark, and is dropped when an interval ends. A grace period is a number that the thread reports, as in contention.c.
 *
 * Each line on stdin asks for a window: plain|tested|looked-up|looked-up-and-tested|marking HARVESTS_A_SECOND
 * MILLISECONDS. The answer is a line on stdout: nanoseconds per store.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAGES = 64, STORES = 8192, SLICE = 64, PAGE_SHIFT = 12, PAGE_SIZE = 1 << PAGE_SHIFT, ENTRIES = 256, CLIENTS = 3 };

struct entry {
    uint64_t tag;
    uint64_t addend;
};

static uint8_t *ram;
static uint32_t addresses[STORES];
/* One that marks, and one that does not. */
static struct entry marking_tlb[ENTRIES], plain_tlb[ENTRIES];
/* One word has the bits of all pages. */
static uint64_t *blocks[CLIENTS];
static uint64_t number __attribute__((aligned(64))) = 1;
static uint64_t slot __attribute__((aligned(64))) = 1;
static int running __attribute__((aligned(64)));
static uint64_t period;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static __attribute__((noinline)) void mark_slowly(uint32_t page)
{
    uint64_t bit = UINT64_C(1) << (page & 63);
    for (int c = 0; c < CLIENTS; c++) {
        uint64_t *word = &blocks[c][page >> 6];
        if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & bit)) __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
    }
}

static inline void mark(uint64_t *vga, uint64_t *code, uint64_t *migration, uint32_t page)
{
    uint32_t word = page >> 6;
    uint64_t all = __atomic_load_n(&vga[word], __ATOMIC_RELAXED) & __atomic_load_n(&code[word], __ATOMIC_RELAXED) &
                   __atomic_load_n(&migration[word], __ATOMIC_RELAXED);
    if (!(all >> (page & 63) & 1)) mark_slowly(page);
}

static void report(uint64_t current)
{
    __atomic_store_n(&slot, current, __ATOMIC_SEQ_CST);
    memset(marking_tlb, 0xff, sizeof marking_tlb);
}

static inline void quiescent(void)
{
    uint64_t current = __atomic_load_n(&number, __ATOMIC_SEQ_CST);
    if (current != slot) report(current);
}

static inline void put(uint64_t place, uint32_t value)
{
    __atomic_store_n((uint32_t *)place, value, __ATOMIC_RELAXED);
}

static __attribute__((noinline)) void fill(struct entry *entry, uint32_t address)
{
    entry->tag = address & ~(uint32_t)(PAGE_SIZE - 1);
    entry->addend = (uint64_t)ram;
}

static __attribute__((noinline)) void fill_and_mark(struct entry *entry, uint32_t address)
{
    mark_slowly(address >> PAGE_SHIFT);
    fill(entry, address);
}

static inline void store(struct entry *tlb, void (*miss)(struct entry *, uint32_t), uint32_t address, uint32_t value)
{
    struct entry *entry = &tlb[(address >> PAGE_SHIFT) & (ENTRIES - 1)];
    if (entry->tag != (address & ~(uint32_t)(PAGE_SIZE - 1 - 3))) miss(entry, address);
    put(address + entry->addend, value);
}

/* A loop over slices of stores, with a quiescent state after each. */
#define LOOP(name, STORE)                                                                                             \
    static __attribute__((noinline)) void name(const uint32_t *at, const uint32_t *end, uint32_t value)               \
    {                                                                                                                 \
        while (at < end) {                                                                                            \
            uint64_t *vga = blocks[0], *code = blocks[1], *migration = blocks[2];                                     \
            (void)vga, (void)code, (void)migration;                                                                   \
            for (const uint32_t *to = at + SLICE; at < to; at++) {                                                    \
                STORE;                                                                                                \
            }                                                                                                         \
            quiescent();                                                                                              \
        }                                                                                                             \
    }

LOOP(plain, put((uint64_t)ram + *at, value))
LOOP(tested, mark(vga, code, migration, *at >> PAGE_SHIFT); put((uint64_t)ram + *at, value))
LOOP(looked_up, store(plain_tlb, fill, *at, value))
LOOP(looked_up_and_tested, mark(vga, code, migration, *at >> PAGE_SHIFT); store(plain_tlb, fill, *at, value))
LOOP(marking, store(marking_tlb, fill_and_mark, *at, value))

static void *collect(void *unused)
{
    uint64_t next = now();
    while (period && __atomic_load_n(&running, __ATOMIC_SEQ_CST)) {
        next += period;
        struct timespec until = {(time_t)(next / 1000000000u), (long)(next % 1000000000u)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        __atomic_exchange_n(blocks[2], 0, __ATOMIC_SEQ_CST);
        uint64_t wanted = __atomic_add_fetch(&number, 2, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&slot, __ATOMIC_SEQ_CST) != wanted && __atomic_load_n(&running, __ATOMIC_SEQ_CST))
            sched_yield();
    }
    return unused;
}

static double answer(const char *way, unsigned harvests, unsigned milliseconds)
{
    void (*stores)(const uint32_t *, const uint32_t *, uint32_t);
    if (!strcmp(way, "plain")) stores = plain;
    else if (!strcmp(way, "tested")) stores = tested;
    else if (!strcmp(way, "looked-up")) stores = looked_up;
    else if (!strcmp(way, "looked-up-and-tested")) stores = looked_up_and_tested;
    else if (!strcmp(way, "marking")) stores = marking;
    else return -1;
    pthread_t collector;
    uint32_t passes = 0;
    period = harvests ? 1000000000u / harvests : 0;
    running = 1;
    report(number);
    if (pthread_create(&collector, NULL, collect, NULL)) return -1;
    uint64_t began = now(), end = began + milliseconds * UINT64_C(1000000), time;
    do stores(addresses, addresses + STORES, ++passes);
    while ((time = now()) < end);
    __atomic_store_n(&running, 0, __ATOMIC_SEQ_CST);
    pthread_join(collector, NULL);
    return (double)(time - began) / passes / STORES;
}

static uint32_t next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

int main(void)
{
    char line[64], way[32];
    unsigned harvests, milliseconds;
    ram = aligned_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
    if (!ram) return 1;
    memset(ram, 0, PAGES * PAGE_SIZE);
    memset(plain_tlb, 0xff, sizeof plain_tlb);
    for (int c = 0; c < CLIENTS; c++) {
        blocks[c] = aligned_alloc(64, 64);
        if (!blocks[c]) return 1;
        memset(blocks[c], 0xff, 64);
    }
    /* The same addresses as randomPages and addressesIn in pages.ts compute. */
    uint32_t pages = 2463534242u, places = 88172645u;
    for (int i = 0; i < STORES; i++) {
        uint32_t page = next(&pages) % PAGES;
        addresses[i] = page * PAGE_SIZE + next(&places) % PAGE_SIZE / 4 * 4;
    }
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%31s %u %u", way, &harvests, &milliseconds) != 3) return 1;
        printf("%.4f\n", answer(way, harvests, milliseconds));
        fflush(stdout);
    }
    return 0;
}
