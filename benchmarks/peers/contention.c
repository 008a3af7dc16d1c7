/*
 * Threads that mark pages in C, as QEMU does (cpu_physical_memory_set_dirty_flag): bits in blocks behind an
 * RCU-protected table of pointers.
 *
 * Each line on stdin asks for a window: WAY THREADS MILLISECONDS BLOCKS PAGES_A_BLOCK COUNT RANGES FILE. The answer is
 * a line on stdout: milliseconds of processor time, then the marks and nanoseconds of each thread. FILE contains COUNT
 * page numbers for each thread, 32 bits each. All pages are dirty. If RANGES is 1, the pages of a slice are a run in
 * one block, which is marked word by word under one read lock; if it is 0, pages are marked one by one.
 *
 * Ways:
 *   lock   for each mark a read lock and an unlock, each a full barrier, and an atomic or: QEMU in 2016
 *   urcu   the same with liburcu's read lock (memb), in which only the writer executes barriers; needs HAVE_URCU
 *   or     an atomic or for each mark, a quiescent state for each slice
 *   test   a test before the atomic or, a quiescent state for each slice
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_URCU
#include <urcu/urcu-memb.h>
#endif

enum { SLICE = 200, MOST_THREADS = 1024 };

struct thread {
    pthread_t id;
    const int32_t *pages;
    uint64_t marks;
    uint64_t nanoseconds;
    /* The state of this thread's read lock, in its own cache line. */
    uint64_t slot __attribute__((aligned(64)));
    char end[64];
};

typedef void mark_slice(struct thread *self, const int32_t *pages);

static uint64_t ***table_root;
static uint64_t **table;
static uint64_t grace_number __attribute__((aligned(64))) = 1;
static int stop __attribute__((aligned(64)));
static pthread_barrier_t gate;
static mark_slice *way;
static unsigned block_shift;
static int page_count;
static struct thread threads[MOST_THREADS];

static uint64_t now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline uint64_t *word_of(uint32_t page)
{
    uint64_t **blocks = __atomic_load_n(table_root, __ATOMIC_CONSUME);
    return &blocks[page >> block_shift][(page & ((1u << block_shift) - 1)) >> 6];
}

/* @returns the bits of a word that belong to the slice that begins at page `first` */
static inline uint64_t word_bits(uint32_t word, uint32_t first)
{
    uint32_t from = word * 64, end = first + SLICE;
    uint64_t low = first > from ? UINT64_MAX << (first - from) : UINT64_MAX;
    uint64_t high = end < from + 64 ? UINT64_MAX >> (from + 64 - end) : UINT64_MAX;
    return low & high;
}

/* Words that are set completely need only a store, which cannot lose a bit. */
static inline void set_range(uint32_t first)
{
    for (uint32_t word = first / 64; word * 64 < first + SLICE; word++) {
        uint64_t bits = word_bits(word, first);
        if (bits == UINT64_MAX) __atomic_store_n(word_of(word * 64), bits, __ATOMIC_SEQ_CST);
        else __atomic_fetch_or(word_of(word * 64), bits, __ATOMIC_SEQ_CST);
    }
}

static void with_lock(struct thread *self, const int32_t *pages)
{
    for (int i = 0; i < SLICE; i++) {
        uint32_t page = (uint32_t)pages[i];
        __atomic_exchange_n(&self->slot, __atomic_load_n(&grace_number, __ATOMIC_RELAXED), __ATOMIC_SEQ_CST);
        __atomic_fetch_or(word_of(page), UINT64_C(1) << (page & 63), __ATOMIC_SEQ_CST);
        __atomic_exchange_n(&self->slot, 0, __ATOMIC_SEQ_CST);
    }
}

static void with_lock_range(struct thread *self, const int32_t *pages)
{
    __atomic_exchange_n(&self->slot, __atomic_load_n(&grace_number, __ATOMIC_RELAXED), __ATOMIC_SEQ_CST);
    set_range((uint32_t)pages[0]);
    __atomic_exchange_n(&self->slot, 0, __ATOMIC_SEQ_CST);
}

#ifdef HAVE_URCU
static void with_urcu(struct thread *self, const int32_t *pages)
{
    (void)self;
    for (int i = 0; i < SLICE; i++) {
        uint32_t page = (uint32_t)pages[i];
        urcu_memb_read_lock();
        __atomic_fetch_or(word_of(page), UINT64_C(1) << (page & 63), __ATOMIC_SEQ_CST);
        urcu_memb_read_unlock();
    }
}

static void with_urcu_range(struct thread *self, const int32_t *pages)
{
    (void)self;
    urcu_memb_read_lock();
    set_range((uint32_t)pages[0]);
    urcu_memb_read_unlock();
}
#endif

static void with_or(struct thread *self, const int32_t *pages)
{
    for (int i = 0; i < SLICE; i++) {
        uint32_t page = (uint32_t)pages[i];
        __atomic_fetch_or(word_of(page), UINT64_C(1) << (page & 63), __ATOMIC_SEQ_CST);
    }
    self->slot = __atomic_load_n(&grace_number, __ATOMIC_SEQ_CST);
}

static void with_or_range(struct thread *self, const int32_t *pages)
{
    set_range((uint32_t)pages[0]);
    self->slot = __atomic_load_n(&grace_number, __ATOMIC_SEQ_CST);
}

static void with_test(struct thread *self, const int32_t *pages)
{
    for (int i = 0; i < SLICE; i++) {
        uint32_t page = (uint32_t)pages[i];
        uint64_t bit = UINT64_C(1) << (page & 63);
        uint64_t *word = word_of(page);
        if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & bit)) __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
    }
    self->slot = __atomic_load_n(&grace_number, __ATOMIC_SEQ_CST);
}

static void with_test_range(struct thread *self, const int32_t *pages)
{
    uint32_t first = (uint32_t)pages[0];
    for (uint32_t word = first / 64; word * 64 < first + SLICE; word++) {
        uint64_t bits = word_bits(word, first), *at = word_of(word * 64);
        if (~__atomic_load_n(at, __ATOMIC_RELAXED) & bits) __atomic_fetch_or(at, bits, __ATOMIC_SEQ_CST);
    }
    self->slot = __atomic_load_n(&grace_number, __ATOMIC_SEQ_CST);
}

static void *run(void *argument)
{
    struct thread *self = argument;
#ifdef HAVE_URCU
    urcu_memb_register_thread();
#endif
    pthread_barrier_wait(&gate);
    uint64_t began = now(CLOCK_MONOTONIC);
    uint64_t marks = 0;
    for (int at = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); at = at + 2 * SLICE > page_count ? 0 : at + SLICE) {
        way(self, self->pages + at);
        marks += SLICE;
    }
    self->marks = marks;
    self->nanoseconds = now(CLOCK_MONOTONIC) - began;
#ifdef HAVE_URCU
    urcu_memb_unregister_thread();
#endif
    return NULL;
}

static mark_slice *way_named(const char *name, int ranges)
{
    if (!strcmp(name, "lock")) return ranges ? with_lock_range : with_lock;
#ifdef HAVE_URCU
    if (!strcmp(name, "urcu")) return ranges ? with_urcu_range : with_urcu;
#endif
    if (!strcmp(name, "or")) return ranges ? with_or_range : with_or;
    if (!strcmp(name, "test")) return ranges ? with_test_range : with_test;
    return NULL;
}

/* @returns 0 when the file does not contain enough page numbers */
static int read_pages(const char *file, int32_t *into, size_t count)
{
    FILE *stream = fopen(file, "rb");
    size_t got = stream ? fread(into, sizeof *into, count, stream) : 0;
    if (stream) fclose(stream);
    return got == count;
}

static void make_blocks(int blocks, int pages_a_block)
{
    static int made;
    if (made >= blocks) return;
    table = realloc(table, (size_t)blocks * sizeof *table);
    for (; made < blocks; made++) {
        table[made] = aligned_alloc(4096, (size_t)pages_a_block / 8);
        if (!table[made]) exit(1);
        memset(table[made], 0xff, (size_t)pages_a_block / 8);
    }
    table_root = &table;
}

int main(void)
{
    char name[16], file[512], line[1024];
    int count, milliseconds, blocks, pages_a_block, ranges;
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%15s %d %d %d %d %d %d %511s", name, &count, &milliseconds, &blocks, &pages_a_block, &page_count,
                   &ranges, file) != 8 || count > MOST_THREADS)
            return 2;
        way = way_named(name, ranges);
        if (!way) {
            printf("none\n");
            fflush(stdout);
            continue;
        }
        make_blocks(blocks, pages_a_block);
        block_shift = (unsigned)__builtin_ctz((unsigned)pages_a_block);
        int32_t *pages = malloc((size_t)count * (size_t)page_count * sizeof *pages);
        if (!pages || !read_pages(file, pages, (size_t)count * (size_t)page_count)) return 2;
        pthread_barrier_init(&gate, NULL, (unsigned)count + 1);
        __atomic_store_n(&stop, 0, __ATOMIC_SEQ_CST);
        for (int i = 0; i < count; i++) {
            threads[i].pages = pages + (size_t)i * (size_t)page_count;
            if (pthread_create(&threads[i].id, NULL, run, &threads[i])) return 2;
        }
        uint64_t cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        pthread_barrier_wait(&gate);
        usleep((unsigned)milliseconds * 1000);
        __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
        for (int i = 0; i < count; i++) pthread_join(threads[i].id, NULL);
        printf("%.3f", (double)(now(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e6);
        for (int i = 0; i < count; i++)
            printf(" %llu %llu", (unsigned long long)threads[i].marks, (unsigned long long)threads[i].nanoseconds);
        printf("\n");
        fflush(stdout);
        pthread_barrier_destroy(&gate);
        free(pages);
    }
    return 0;
}
