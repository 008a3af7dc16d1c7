/*
 * The first and only program of a Linux guest, on the kernel's tools/include/nolibc. Workers write memory of their own,
 * page after page, and look a turn later whether it is still there; one more does so in each DIMM that comes, until it
 * is wanted back. The first process draws into the framebuffer, and powers the machine down after `secs=` of the
 * kernel's command line, or when q is typed.
 */
#include "nolibc.h"

#define WORKERS 3
#define BYTES (4ul << 20) /* of each */
#define KEY 0x9e3779b97f4a7c15ul
#define READ_AND_WRITE 3
#define SHARED 1
#define PRIVATE 2
#define ANONYMOUS 0x20

/* The hotplug mailbox of the board: spec/machine/hart/layout.ts has its registers. */
#define BOARD 0x10000000ul
#define DIMM_BASE 1
#define DIMM_BYTES 2
#define DIMM_STATE 3
#define PLUGGED 1
#define WANTED_BACK 2
#define GIVEN_BACK 3

struct verdict {
  unsigned long turns, wrong;
};

/* Shared by all processes: 0 when the workers are to stop. */
static volatile long *going;
static volatile unsigned long *board;

static void say(const char *what, unsigned long number) {
  char digits[24], *at = digits + sizeof digits;
  *--at = 0;
  do *--at = '0' + number % 10;
  while ((number /= 10) != 0);
  write(1, what, strlen(what));
  write(1, at, strlen(at));
  write(1, "\n", 1);
}

static long now(void) {
  long time[2];
  my_syscall2(__NR_clock_gettime, 1, time);
  return time[0];
}

static void *map(unsigned long bytes, int flags, int file, unsigned long at) {
  unsigned long mapped = my_syscall6(__NR_mmap, 0, bytes, READ_AND_WRITE, flags, file, at);
  return mapped > -4096ul ? 0 : (void *)mapped;
}

/* Memory that is none of the kernel's: Linux for RISC-V knew no hotplug of memory before 6.11. */
static void *physical(unsigned long at, unsigned long bytes) {
  int file = open("/dev/mem", O_RDWR, 0);
  void *mapped = file < 0 ? 0 : map(bytes, SHARED, file, at);
  close(file);
  return mapped;
}

/* Memory begins as zeroes, and has after each turn what the turn before has left. */
static void turn(unsigned long *words, unsigned long count, int which, struct verdict *verdict) {
  for (unsigned long i = 0; i < count; i++) {
    unsigned long expected = verdict->turns > 0 ? (i + which) * KEY ^ (verdict->turns - 1) : 0;
    if (words[i] != expected) verdict->wrong++;
    words[i] = (i + which) * KEY ^ verdict->turns;
  }
  verdict->turns++;
}

static void work(int which, int out) {
  unsigned long *words = map(BYTES, PRIVATE | ANONYMOUS, -1, 0);
  struct verdict verdict = {0, 0};
  while (*going) turn(words, BYTES / 8, which, &verdict);
  write(out, &verdict, sizeof verdict);
  exit(0);
}

static void use_dimm(int out) {
  unsigned long bytes = board[DIMM_BYTES], *words = physical(board[DIMM_BASE], bytes);
  struct verdict verdict = {0, words ? 0 : 1};
  while (words && *going && board[DIMM_STATE] == PLUGGED) turn(words, bytes / 8, WORKERS, &verdict);
  if (words) my_syscall2(__NR_munmap, words, bytes);
  write(out, &verdict, sizeof verdict);
  if (board[DIMM_STATE] == WANTED_BACK) board[DIMM_STATE] = GIVEN_BACK;
  exit(0);
}

static struct verdict verdict_of(int in) {
  struct verdict verdict = {0, 1};
  read(in, &verdict, sizeof verdict);
  return verdict;
}

static int typed_q(void) {
  struct { int fd; short events, found; } console = {0, 1, 0};
  long none[2] = {0, 0};
  char key = 0;
  if (my_syscall5(__NR_ppoll, &console, 1, none, 0, 0) > 0) read(0, &key, 1);
  return key == 'q';
}

static long seconds_to_run(void) {
  char line[512];
  long seconds = 20;
  int file = open("/proc/cmdline", O_RDONLY, 0), length = read(file, line, sizeof line - 1);
  line[length > 0 ? length : 0] = 0;
  for (int i = 0; i + 5 < length; i++)
    if (!memcmp(line + i, "secs=", 5)) seconds = atoi(line + i + 5);
  return seconds;
}

static void draw(int frame, long tick) {
  char line[512];
  memset(line, tick, sizeof line);
  my_syscall3(__NR_lseek, frame, tick % 480 * 2560, 0);
  write(frame, line, sizeof line);
}

/* Starts a process for a DIMM that has come. Returns whether there is one. */
static int follow_dimm(int is_used, int pipes[2]) {
  unsigned long state = board[DIMM_STATE];
  if (!is_used && state == PLUGGED) {
    say("init: bytes of a DIMM that has come: ", board[DIMM_BYTES]);
    if (fork() == 0) use_dimm(pipes[1]);
    return 1;
  }
  if (is_used && state != PLUGGED && state != WANTED_BACK) {
    struct verdict verdict = verdict_of(pipes[0]);
    say("init: the DIMM is given back, turns: ", verdict.turns);
    say("init: words of it that were wrong: ", verdict.wrong);
    return 0;
  }
  return is_used;
}

int main(void) {
  int pipes[2], of_dimms[2], dimm = 0;
  long pause[2] = {0, 100000000};
  struct verdict all = {0, 0};
  mkdir("/proc", 0755);
  mount("proc", "/proc", "proc", 0, 0);
  mount("dev", "/dev", "devtmpfs", 0, 0);
  long seconds = seconds_to_run(), until = now() + seconds;
  say("init: seconds to run: ", seconds);
  my_syscall2(__NR_pipe2, pipes, 0);
  my_syscall2(__NR_pipe2, of_dimms, 0);
  board = physical(BOARD, 4096);
  if (!board) say("init: DIMMs are not used, without /dev/mem: ", 0);
  going = map(4096, SHARED | ANONYMOUS, -1, 0);
  *going = 1;
  for (int which = 0; which < WORKERS; which++)
    if (fork() == 0) work(which, pipes[1]);
  int frame = open("/dev/fb0", O_RDWR, 0);
  for (long tick = 0; now() < until && !typed_q(); tick++) {
    if (frame >= 0) draw(frame, tick);
    if (board) dimm = follow_dimm(dimm, of_dimms);
    if (tick % 20 == 0) say("init: tick ", tick);
    my_syscall2(__NR_nanosleep, pause, 0);
  }
  *going = 0;
  for (int which = 0; which < WORKERS + dimm; which++) {
    struct verdict verdict = verdict_of(which < WORKERS ? pipes[0] : of_dimms[0]);
    all.wrong += verdict.wrong;
    all.turns += verdict.turns;
  }
  say("init: turns of the workers: ", all.turns);
  say("init: words that were wrong: ", all.wrong);
  reboot(0x4321fedc);
  return 0;
}
