/* Lose one write to a file below a folder called "lossy": run by test_durable.py through LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/uio.h>
static long left = -1; static int broken = ENOSPC;
long lose_write_in(long n, int error) { long before = left; left = n; broken = error; return before; }
static int lost(int fd) {
    char link[64], path[4096]; ssize_t size;
    if (left < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof path - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    if (!strstr(path, "/lossy/")) return 0;
    if (left-- != 0) return 0;
    errno = broken; return 1;
}
#define WRAP(name, args, call) ssize_t name args { static ssize_t (*real) args; \
    if (!real) real = dlsym(RTLD_NEXT, #name); return lost(fd) ? -1 : real call; }
WRAP(write, (int fd, const void *b, size_t n), (fd, b, n))
WRAP(pwrite64, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o))
WRAP(writev, (int fd, const struct iovec *v, int n), (fd, v, n))
