/* A system that fails. Included before segfuse.h, it puts a function of its own in front of each call
   to the operating system: call number `fail` (from 1; 0: none) gets an error, or, `partly`, reads or
   writes the half of what was asked. */
#ifndef SGF_TEST_SYSTEM_H
#define SGF_TEST_SYSTEM_H
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    long calls, fail;
    int partly;
} test_system;

static void system_reset(long fail, int partly) {
    test_system.calls = 0;
    test_system.fail = fail;
    test_system.partly = partly;
}
/* Is this the call that fails? */
static int system_fails(int error) {
    if (test_system.partly || ++test_system.calls != test_system.fail) return 0;
    errno = error;
    return 1;
}
static size_t system_part(size_t n) {
    if (!test_system.partly || ++test_system.calls != test_system.fail || n < 2) return n;
    return n / 2;
}

static int system_open(const char *path, int flags, ...) {
    va_list more;
    int mode = 0;
    va_start(more, flags);
    if (flags & O_CREAT) mode = va_arg(more, int);
    va_end(more);
    return system_fails(EACCES) ? -1 : open(path, flags, mode);
}
static int system_fstat(int fd, struct stat *info) {
    return system_fails(EIO) ? -1 : fstat(fd, info);
}
static void *system_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    if (system_fails(ENOMEM)) return MAP_FAILED;
    return mmap(at, size, protection, flags, fd, offset);
}
static ssize_t system_read(int fd, void *bytes, size_t n) {
    return system_fails(EIO) ? -1 : read(fd, bytes, system_part(n));
}
static ssize_t system_write(int fd, const void *bytes, size_t n) {
    return system_fails(ENOSPC) ? -1 : write(fd, bytes, system_part(n));
}
static int system_fsync(int fd) {
    return system_fails(EIO) ? -1 : fsync(fd);
}
static int system_ftruncate(int fd, off_t size) {
    return system_fails(EIO) ? -1 : ftruncate(fd, size);
}
static int system_rename(const char *from, const char *to) {
    return system_fails(EACCES) ? -1 : rename(from, to);
}
static FILE *system_fopen(const char *path, const char *mode) {
    return system_fails(EMFILE) ? NULL : fopen(path, mode);
}
static FILE *system_fdopen(int fd, const char *mode) {
    return system_fails(ENOMEM) ? NULL : fdopen(fd, mode);
}
/* A stream is broken for good: under it is a folder, which can be neither read nor written. */
static void system_break(FILE *file) {
    int folder = open("/", O_RDONLY);
    dup2(folder, fileno(file));
    close(folder);
}
static size_t system_fread(void *bytes, size_t size, size_t n, FILE *file) {
    if (system_fails(EIO)) system_break(file);
    return fread(bytes, size, n, file);
}
static size_t system_fwrite(const void *bytes, size_t size, size_t n, FILE *file) {
    return fwrite(bytes, size, system_fails(ENOSPC) ? n / 2 : n, file);
}
static int system_fflush(FILE *file) {
    return file != stdout && system_fails(ENOSPC) ? EOF : fflush(file);
}
static int system_fclose(FILE *file) {
    int failed = fclose(file);
    return system_fails(EIO) ? EOF : failed;
}
static int system_thread(pthread_t *id, const pthread_attr_t *how, void *(*run)(void *),
                         void *context) {
    return system_fails(EAGAIN) ? EAGAIN : pthread_create(id, how, run, context);
}

#define open           system_open
#define fstat          system_fstat
#define mmap           system_mmap
#define read           system_read
#define write          system_write
#define fsync          system_fsync
#define ftruncate      system_ftruncate
#define rename         system_rename
#define fopen          system_fopen
#define fdopen         system_fdopen
#define fread          system_fread
#define fwrite         system_fwrite
#define fflush         system_fflush
#define fclose         system_fclose
#define pthread_create system_thread
#endif
