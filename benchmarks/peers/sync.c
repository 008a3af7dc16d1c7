/*
 * The bulk operations of a dirty bitmap in C, as QEMU does them (cpu_physical_memory_sync_dirty_bitmap,
 * cpu_physical_memory_set_dirty_range): bits in blocks of 256 KiB behind a table of pointers, 64-bit atomics.
 *
 * Each line on stdin is a request. The answer is a line of nanoseconds on stdout:
 *   clean | sparse | dense    sync of a terabyte of 4 KiB pages: none dirty, a page in every 97th 32-bit word, all
 * dirty
 *   range512 dirty|clean      mark of 512 aligned pages for three clients; the mean of many
 *   block-dirty | block-clean mark of one block for three clients
 *   scan                      search of a clean terabyte for a set bit
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BLOCKS = 128, BLOCK_BYTES = 256 * 1024, BLOCK_WORDS = BLOCK_BYTES / 8, CLIENTS = 3, RANGES = 512 };

static uint64_t *live[BLOCKS];
static uint64_t *into[BLOCKS];
static uint64_t *client[CLIENTS];
static volatile uint64_t sink;

static uint64_t *new_block(void)
{
    uint64_t *block = aligned_alloc(4096, BLOCK_BYTES);
    if (!block) exit(1);
    memset(block, 0, BLOCK_BYTES);
    return block;
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static __attribute__((noinline)) uint64_t sync_all(void)
{
    uint64_t count = 0;
    for (int number = 0; number < BLOCKS; number++) {
        uint64_t *from = live[number];
        uint64_t *to = into[number];
        for (int i = 0; i < BLOCK_WORDS; i++) {
            if (!__atomic_load_n(&from[i], __ATOMIC_RELAXED)) continue;
            uint64_t bits = __atomic_exchange_n(&from[i], 0, __ATOMIC_SEQ_CST);
            uint64_t added = bits & ~to[i];
            to[i] |= bits;
            count += (uint64_t)__builtin_popcountll(added);
        }
    }
    return count;
}

static __attribute__((noinline)) void mark_words(int first, int words)
{
    for (int c = 0; c < CLIENTS; c++) {
        for (int i = first; i < first + words; i++) {
            if (__atomic_load_n(&client[c][i], __ATOMIC_RELAXED) != ~UINT64_C(0))
                __atomic_fetch_or(&client[c][i], ~UINT64_C(0), __ATOMIC_SEQ_CST);
        }
    }
}

/* Marks a clean block: no test before the or. */
static __attribute__((noinline)) void or_words(int first, int words)
{
    for (int c = 0; c < CLIENTS; c++)
        for (int i = first; i < first + words; i++)
            __atomic_fetch_or(&client[c][i], ~UINT64_C(0), __ATOMIC_SEQ_CST);
}

static __attribute__((noinline)) uint64_t scan_all(void)
{
    uint64_t found = 0;
    for (int number = 0; number < BLOCKS; number++) {
        const uint64_t *block = live[number];
#ifdef __SSE2__
        for (int i = 0; i < BLOCK_WORDS; i += 8) {
            const __m128i *at = (const __m128i *)&block[i];
            __m128i any = _mm_or_si128(_mm_or_si128(_mm_load_si128(at), _mm_load_si128(at + 1)),
                                       _mm_or_si128(_mm_load_si128(at + 2), _mm_load_si128(at + 3)));
            if (_mm_movemask_epi8(_mm_cmpeq_epi8(any, _mm_setzero_si128())) != 0xffff) {
                found++;
                break;
            }
        }
#else
        for (int i = 0; i < BLOCK_WORDS; i += 8) {
            uint64_t any = 0;
            for (int j = 0; j < 8; j++) any |= block[i + j];
            if (any) {
                found++;
                break;
            }
        }
#endif
    }
    return found;
}

static void fill_live(const char *what)
{
    for (int number = 0; number < BLOCKS; number++) {
        memset(live[number], what[0] == 'd' ? 0xff : 0, BLOCK_BYTES);
        memset(into[number], 0, BLOCK_BYTES);
    }
    if (strcmp(what, "sparse") != 0) return;
    for (size_t word = 0; word < (size_t)BLOCKS * BLOCK_WORDS * 2; word += 97)
        ((uint32_t *)live[word / (BLOCK_WORDS * 2)])[word % (BLOCK_WORDS * 2)] = 1;
}

static void fill_clients(int byte)
{
    for (int c = 0; c < CLIENTS; c++) memset(client[c], byte, BLOCK_BYTES);
}

static double answer(const char *request)
{
    if (!strcmp(request, "clean") || !strcmp(request, "sparse") || !strcmp(request, "dense")) {
        fill_live(request);
        uint64_t began = now();
        sink = sync_all();
        return (double)(now() - began);
    }
    if (!strcmp(request, "range512 dirty") || !strcmp(request, "range512 clean")) {
        fill_clients(strstr(request, "dirty") ? 0xff : 0);
        uint64_t began = now();
        for (int i = 0; i < RANGES; i++) mark_words(i * 8, 8);
        return (double)(now() - began) / RANGES;
    }
    if (!strcmp(request, "block-dirty") || !strcmp(request, "block-clean")) {
        int dirty = !strcmp(request, "block-dirty");
        fill_clients(dirty ? 0xff : 0);
        uint64_t began = now();
        if (dirty) mark_words(0, BLOCK_WORDS);
        else or_words(0, BLOCK_WORDS);
        return (double)(now() - began);
    }
    if (!strcmp(request, "scan")) {
        fill_live("clean");
        uint64_t began = now();
        sink = scan_all();
        return (double)(now() - began);
    }
    return -1;
}

int main(void)
{
    char line[64];
    for (int i = 0; i < BLOCKS; i++) {
        live[i] = new_block();
        into[i] = new_block();
    }
    for (int i = 0; i < CLIENTS; i++) client[i] = new_block();
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\r\n")] = 0;
        printf("%.1f\n", answer(line));
        fflush(stdout);
    }
    return 0;
}
