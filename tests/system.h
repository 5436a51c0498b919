/* A system that fails. Included before segfuse.h, it puts a function of its own in front of each call
   to the operating system: call number `fail` (from 1; 0: none) gets an error, or, `partly`, reads or
   writes the half of what was asked. */
#ifndef SGF_TEST_SYSTEM_H
#define SGF_TEST_SYSTEM_H
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
    long calls, fail;
    int partly;
    int kill; /* it does not fail: the process is killed there */
    int kept; /* was it the removal of a file that failed? */
} test_system;

static inline void system_reset(long fail, int partly) {
    test_system.calls = 0;
    test_system.fail = fail;
    test_system.partly = partly;
    test_system.kept = 0;
}
/* Is this the call that fails? */
static inline int system_fails(int error) {
    if (test_system.partly || ++test_system.calls != test_system.fail) return 0;
    if (test_system.kill) raise(SIGKILL);
    errno = error;
    return 1;
}
static inline size_t system_part(size_t n) {
    if (!test_system.partly || ++test_system.calls != test_system.fail || n < 2) return n;
    return n / 2;
}

static inline int system_open(const char *path, int flags, ...) {
    va_list more;
    int mode = 0;
    va_start(more, flags);
    if (flags & O_CREAT) mode = va_arg(more, int);
    va_end(more);
    return system_fails(EACCES) ? -1 : open(path, flags, mode);
}
/* A descriptor is gone, also after an error. */
static inline int system_close(int fd) {
    int failed = close(fd);
    return system_fails(EIO) ? -1 : failed;
}
static inline int system_stat(const char *path, struct stat *info) {
    return system_fails(EIO) ? -1 : stat(path, info);
}
static inline int system_lstat(const char *path, struct stat *info) {
    return system_fails(EIO) ? -1 : lstat(path, info);
}
static inline int system_access(const char *path, int how) {
    return system_fails(EIO) ? -1 : access(path, how);
}
static inline int system_fcntl(int fd, int what, struct flock *lock) {
    return system_fails(ENOLCK) ? -1 : fcntl(fd, what, lock);
}
static inline int system_mkdir(const char *path, mode_t mode) {
    return system_fails(ENOSPC) ? -1 : mkdir(path, mode);
}
static inline int system_remove(const char *path) {
    if (!system_fails(EACCES)) return remove(path);
    test_system.kept = 1;
    return -1;
}
static inline char *system_realpath(const char *path, char *out) {
    return system_fails(EIO) ? NULL : realpath(path, out);
}
static inline ssize_t system_readlink(const char *path, char *out, size_t cap) {
    return system_fails(EIO) ? -1 : readlink(path, out, cap);
}
static inline DIR *system_opendir(const char *path) {
    return system_fails(EMFILE) ? NULL : opendir(path);
}
static inline struct dirent *system_readdir(DIR *dir) {
    return system_fails(EIO) ? NULL : readdir(dir);
}
static inline long system_sysconf(int name) {
    return system_fails(EINVAL) ? -1 : sysconf(name);
}
static inline int system_clock(clockid_t clock, struct timespec *now) {
    return system_fails(EINVAL) ? -1 : clock_gettime(clock, now);
}
static inline int system_sigaction(int number, const struct sigaction *now, struct sigaction *old) {
    return system_fails(EINVAL) ? -1 : sigaction(number, now, old);
}
static inline int system_fstat(int fd, struct stat *info) {
    return system_fails(EIO) ? -1 : fstat(fd, info);
}
static inline void *system_mmap(void *at, size_t size, int protection, int flags, int fd,
                                off_t offset) {
    if (system_fails(ENOMEM)) return MAP_FAILED;
    return mmap(at, size, protection, flags, fd, offset);
}
static inline int system_munmap(void *at, size_t size) {
    int failed = munmap(at, size);
    return system_fails(EINVAL) ? -1 : failed;
}
static inline ssize_t system_read(int fd, void *bytes, size_t n) {
    return system_fails(EIO) ? -1 : read(fd, bytes, system_part(n));
}
static inline ssize_t system_write(int fd, const void *bytes, size_t n) {
    if (test_system.kill && test_system.calls + 1 == test_system.fail)
        n = write(fd, bytes, n / 2) < 0 ? n : n / 2; /* killed half way */
    return system_fails(ENOSPC) ? -1 : write(fd, bytes, system_part(n));
}
static inline int system_fsync(int fd) {
    return system_fails(EIO) ? -1 : fsync(fd);
}
static inline int system_ftruncate(int fd, off_t size) {
    return system_fails(EIO) ? -1 : ftruncate(fd, size);
}
static inline int system_rename(const char *from, const char *to) {
    return system_fails(EACCES) ? -1 : rename(from, to);
}
static inline FILE *system_fopen(const char *path, const char *mode) {
    return system_fails(EMFILE) ? NULL : fopen(path, mode);
}
static inline FILE *system_fdopen(int fd, const char *mode) {
    return system_fails(ENOMEM) ? NULL : fdopen(fd, mode);
}
/* A stream is broken for good: under it is a folder, which can be neither read nor written. */
static inline void system_break(FILE *file) {
    int folder = open("/", O_RDONLY);
    dup2(folder, fileno(file));
    close(folder);
}
static inline size_t system_fread(void *bytes, size_t size, size_t n, FILE *file) {
    if (system_fails(EIO)) system_break(file);
    return fread(bytes, size, n, file);
}
static inline int system_fseek(FILE *file, long at, int from) {
    return system_fails(EIO) ? -1 : fseek(file, at, from);
}
static inline ssize_t system_getline(char **line, size_t *cap, FILE *file) {
    if (system_fails(EIO)) system_break(file);
    return getline(line, cap, file);
}
static inline char *system_fgets(char *line, int cap, FILE *file) {
    if (system_fails(EIO)) system_break(file);
    return fgets(line, cap, file);
}
static inline int system_getc(FILE *file) {
    if (file != stdin && system_fails(EIO)) system_break(file);
    return getc(file);
}
static inline int system_fputs(const char *text, FILE *file) {
    return file != stdout && file != stderr && system_fails(ENOSPC) ? EOF : fputs(text, file);
}
static inline size_t system_fwrite(const void *bytes, size_t size, size_t n, FILE *file) {
    return fwrite(bytes, size, file != stdout && system_fails(ENOSPC) ? n / 2 : n, file);
}
static inline int system_fflush(FILE *file) {
    return file != stdout && system_fails(ENOSPC) ? EOF : fflush(file);
}
static inline int system_fclose(FILE *file) {
    int failed = fclose(file);
    return system_fails(EIO) ? EOF : failed;
}
static inline int system_thread(pthread_t *id, const pthread_attr_t *how, void *(*run)(void *),
                                void *context) {
    return system_fails(EAGAIN) ? EAGAIN : pthread_create(id, how, run, context);
}

static inline int system_mutex(pthread_mutex_t *mutex, const pthread_mutexattr_t *how) {
    return system_fails(ENOMEM) ? ENOMEM : pthread_mutex_init(mutex, how);
}
static inline int system_condition(pthread_cond_t *condition, const pthread_condattr_t *how) {
    return system_fails(ENOMEM) ? ENOMEM : pthread_cond_init(condition, how);
}

/* `stat` and `sigaction` are also names of types. */
#define stat(path, info)            system_stat(path, info)
#define sigaction(number, now, old) system_sigaction(number, now, old)
#define open                        system_open
#define close                       system_close
#define lstat                       system_lstat
#define access                      system_access
#define fcntl                       system_fcntl
#define mkdir                       system_mkdir
#define remove                      system_remove
#define realpath                    system_realpath
#define readlink                    system_readlink
#define opendir                     system_opendir
#define readdir                     system_readdir
#define sysconf                     system_sysconf
#define clock_gettime               system_clock
#define munmap                      system_munmap
#define fseek                       system_fseek
#define getline                     system_getline
#define fgets                       system_fgets
#define getc                        system_getc
#define fputs                       system_fputs
#define pthread_mutex_init          system_mutex
#define pthread_cond_init           system_condition
#define fstat                       system_fstat
#define mmap                        system_mmap
#define read                        system_read
#define write                       system_write
#define fsync                       system_fsync
#define ftruncate                   system_ftruncate
#define rename                      system_rename
#define fopen                       system_fopen
#define fdopen                      system_fdopen
#define fread                       system_fread
#define fwrite                      system_fwrite
#define fflush                      system_fflush
#define fclose                      system_fclose
#define pthread_create              system_thread
#endif
