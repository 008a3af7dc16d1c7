/*
 * The first and only program of a Linux guest, on the kernel's tools/include/nolibc. Workers write memory of their own,
 * page after page, and look a turn later whether it is still there; the first process draws into the framebuffer, and
 * powers the machine down after `secs=` of the kernel's command line, or when q is typed.
 */
#include "nolibc.h"

#define WORKERS 3
#define WORDS (4ul << 17) /* 4 MiB each */
#define KEY 0x9e3779b97f4a7c15ul

struct verdict {
  unsigned long turns, wrong;
};

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

static void work(int which, long until, int out) {
  unsigned long *words = (void *)my_syscall6(__NR_mmap, 0, WORDS * 8, 3, 0x22, -1, 0);
  struct verdict verdict = {0, 0};
  for (; now() < until; verdict.turns++) {
    for (unsigned long i = 0; i < WORDS; i++) {
      if (verdict.turns > 0 && words[i] != ((i + which) * KEY ^ (verdict.turns - 1))) verdict.wrong++;
      words[i] = (i + which) * KEY ^ verdict.turns;
    }
  }
  write(out, &verdict, sizeof verdict);
  exit(0);
}

static int typed_q(void) {
  struct { int fd; short events, found; } console = {0, 1, 0};
  long none[2] = {0, 0};
  char key = 0;
  if (my_syscall5(__NR_ppoll, &console, 1, none, 0, 0) > 0) read(0, &key, 1);
  return key == 'q';
}

int main(void) {
  char line[512];
  int pipes[2];
  long seconds = 20, pause[2] = {0, 100000000};
  unsigned long wrong = 0, turns = 0;
  mkdir("/proc", 0755);
  mount("proc", "/proc", "proc", 0, 0);
  mount("dev", "/dev", "devtmpfs", 0, 0);
  int file = open("/proc/cmdline", O_RDONLY, 0), length = read(file, line, sizeof line - 1);
  line[length > 0 ? length : 0] = 0;
  for (int i = 0; i + 5 < length; i++)
    if (!memcmp(line + i, "secs=", 5)) seconds = atoi(line + i + 5);
  say("init: seconds to run: ", seconds);
  long until = now() + seconds;
  my_syscall2(__NR_pipe2, pipes, 0);
  for (int which = 0; which < WORKERS; which++)
    if (fork() == 0) work(which, until, pipes[1]);
  int frame = open("/dev/fb0", O_RDWR, 0);
  for (long tick = 0; now() < until && !typed_q(); tick++) {
    if (frame >= 0) {
      memset(line, tick, sizeof line);
      my_syscall3(__NR_lseek, frame, tick % 480 * 2560, 0);
      write(frame, line, sizeof line);
    }
    if (tick % 20 == 0) say("init: tick ", tick);
    my_syscall2(__NR_nanosleep, pause, 0);
  }
  for (int which = 0; now() >= until && which < WORKERS; which++) {
    struct verdict verdict;
    read(pipes[0], &verdict, sizeof verdict);
    wrong += verdict.wrong;
    turns += verdict.turns;
  }
  say("init: turns of the workers: ", turns);
  say("init: words that were wrong: ", wrong);
  reboot(0x4321fedc);
  return 0;
}
