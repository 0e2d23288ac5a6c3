/*
 * A failing disk, for tests: preloaded into lsearch, it counts the calls that change what lies beneath one folder
 * and makes one of them fail, or all from one on.
 *
 *   LSEARCH_FAULT_FOLDER  absolute path of the folder, without a slash at its end
 *   LSEARCH_FAULT_AT      number of the call that fails, from 1; 0 only counts
 *   LSEARCH_FAULT_ERRNO   what it fails with
 *   LSEARCH_FAULT_STAYS   1: every later call fails, too, as on a disk that stays full; removing still works
 *   LSEARCH_FAULT_LOG     file that is told "failed CALL PATH", once, and "counted N" at an orderly end
 *
 * A write that fails has written half of its bytes by then: what a failed write leaves is not defined.
 *
 * Not seen: calls that go around the C library (tempfile's rename by rustix; the sync of the same file just before it
 * is seen and leaves the same on the disk), and stores into a mapping, of which lsearch makes none.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *folder;
static size_t folder_length;
static long fail_at;
static int fail_errno = EIO;
static int stays;
static const char *log_path;
static atomic_long counted;
static atomic_int told;

/* The real function of this name, looked up once. */
#define REAL(result, name, ...)                                                                                        \
    static result (*real_##name)(__VA_ARGS__);                                                                         \
    if (!real_##name)                                                                                                  \
    real_##name = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static void tell(const char *text)
{
    if (!log_path)
        return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    syscall(SYS_write, fd, text, strlen(text));
    syscall(SYS_close, fd);
}

__attribute__((constructor)) static void begin(void)
{
    const char *text;
    folder = getenv("LSEARCH_FAULT_FOLDER");
    folder_length = folder ? strlen(folder) : 0;
    log_path = getenv("LSEARCH_FAULT_LOG");
    if ((text = getenv("LSEARCH_FAULT_AT")))
        fail_at = atol(text);
    if ((text = getenv("LSEARCH_FAULT_ERRNO")))
        fail_errno = atoi(text);
    stays = (text = getenv("LSEARCH_FAULT_STAYS")) && *text == '1';
}

__attribute__((destructor)) static void end(void)
{
    char text[64];
    long number = atomic_load(&counted);
    if (number > 0) {
        snprintf(text, sizeof text, "counted %ld\n", number);
        tell(text);
    }
}

static int beneath(const char *path)
{
    return folder && path && strncmp(path, folder, folder_length) == 0 &&
           (path[folder_length] == '/' || path[folder_length] == 0);
}

/* Counts a call; 1 when it is to fail, with errno set. */
static int strikes(const char *call, const char *path, int removes)
{
    char text[PATH_MAX + 64];
    long number = atomic_fetch_add(&counted, 1) + 1;
    if (fail_at <= 0 || number < fail_at)
        return 0;
    /* A full disk has room for taking names away. */
    if (stays ? removes : number > fail_at)
        return 0;
    if (!atomic_exchange(&told, 1)) {
        snprintf(text, sizeof text, "failed %s %s\n", call, path);
        tell(text);
    }
    errno = fail_errno;
    return 1;
}

static int path_strikes(const char *call, int at, const char *path, int removes)
{
    char whole[PATH_MAX * 2 + 32], link[32];
    if (!folder || !path)
        return 0;
    if (path[0] == '/')
        return beneath(path) && strikes(call, path, removes);
    if (at == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/self/cwd");
    else
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    ssize_t length = readlink(link, whole, PATH_MAX);
    if (length < 0)
        return 0;
    snprintf(whole + length, sizeof whole - (size_t)length, "/%s", path);
    return beneath(whole) && strikes(call, whole, removes);
}

static int fd_strikes(const char *call, int fd)
{
    char link[32], path[PATH_MAX + 1];
    if (!folder)
        return 0;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX);
    errno = before;
    if (length < 0)
        return 0;
    path[length] = 0;
    return beneath(path) && strikes(call, path, 0);
}

static int open_strikes(const char *call, int at, const char *path, int flags)
{
    if ((flags & O_ACCMODE) == O_RDONLY && !(flags & (O_CREAT | O_TRUNC)))
        return 0;
    return path_strikes(call, at, path, 0);
}

#define MODE(flags)                                                                                                    \
    mode_t mode = 0;                                                                                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                             \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode = va_arg(rest, mode_t);                                                                                   \
        va_end(rest);                                                                                                  \
    }

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        REAL(int, name, const char *, int, ...);                                                                       \
        MODE(flags)                                                                                                    \
        return open_strikes("open", AT_FDCWD, path, flags) ? -1 : real_##name(path, flags, mode);                      \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                                   \
    int name(int at, const char *path, int flags, ...)                                                                 \
    {                                                                                                                  \
        REAL(int, name, int, const char *, int, ...);                                                                  \
        MODE(flags)                                                                                                    \
        return open_strikes("open", at, path, flags) ? -1 : real_##name(at, path, flags, mode);                        \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *bytes, size_t length)
{
    REAL(ssize_t, write, int, const void *, size_t);
    if (fd_strikes("write", fd)) {
        int failure = errno;
        if (length > 1)
            (void)!real_write(fd, bytes, length / 2);
        errno = failure;
        return -1;
    }
    return real_write(fd, bytes, length);
}

#define PWRITE(name, offset_type)                                                                                      \
    ssize_t name(int fd, const void *bytes, size_t length, offset_type offset)                                         \
    {                                                                                                                  \
        REAL(ssize_t, name, int, const void *, size_t, offset_type);                                                   \
        if (fd_strikes("pwrite", fd)) {                                                                                \
            int failure = errno;                                                                                       \
            if (length > 1)                                                                                            \
                (void)!real_##name(fd, bytes, length / 2, offset);                                                     \
            errno = failure;                                                                                           \
            return -1;                                                                                                 \
        }                                                                                                              \
        return real_##name(fd, bytes, length, offset);                                                                 \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    REAL(ssize_t, writev, int, const struct iovec *, int);
    return fd_strikes("writev", fd) ? -1 : real_writev(fd, parts, count);
}

#define PWRITEV(name, offset_type)                                                                                     \
    ssize_t name(int fd, const struct iovec *parts, int count, offset_type offset)                                     \
    {                                                                                                                  \
        REAL(ssize_t, name, int, const struct iovec *, int, offset_type);                                              \
        return fd_strikes("pwritev", fd) ? -1 : real_##name(fd, parts, count, offset);                                 \
    }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t length, unsigned flags)
{
    REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned);
    return fd_strikes("copy_file_range", to) ? -1 : real_copy_file_range(from, from_at, to, to_at, length, flags);
}

#define ON_FD(name)                                                                                                    \
    int name(int fd)                                                                                                   \
    {                                                                                                                  \
        REAL(int, name, int);                                                                                          \
        return fd_strikes(#name, fd) ? -1 : real_##name(fd);                                                           \
    }
ON_FD(fsync)
ON_FD(fdatasync)

int sync_file_range(int fd, off64_t offset, off64_t length, unsigned flags)
{
    REAL(int, sync_file_range, int, off64_t, off64_t, unsigned);
    return fd_strikes("sync_file_range", fd) ? -1 : real_sync_file_range(fd, offset, length, flags);
}

#define FTRUNCATE(name, offset_type)                                                                                   \
    int name(int fd, offset_type length)                                                                               \
    {                                                                                                                  \
        REAL(int, name, int, offset_type);                                                                             \
        return fd_strikes("ftruncate", fd) ? -1 : real_##name(fd, length);                                             \
    }
FTRUNCATE(ftruncate, off_t)
FTRUNCATE(ftruncate64, off64_t)

#define FALLOCATE(name, offset_type)                                                                                   \
    int name(int fd, int mode, offset_type offset, offset_type length)                                                 \
    {                                                                                                                  \
        REAL(int, name, int, int, offset_type, offset_type);                                                           \
        return fd_strikes("fallocate", fd) ? -1 : real_##name(fd, mode, offset, length);                               \
    }
FALLOCATE(fallocate, off_t)
FALLOCATE(fallocate64, off64_t)

/* These give the error back instead of setting errno. */
#define POSIX_FALLOCATE(name, offset_type)                                                                             \
    int name(int fd, offset_type offset, offset_type length)                                                           \
    {                                                                                                                  \
        REAL(int, name, int, offset_type, offset_type);                                                                \
        return fd_strikes("fallocate", fd) ? fail_errno : real_##name(fd, offset, length);                             \
    }
POSIX_FALLOCATE(posix_fallocate, off_t)
POSIX_FALLOCATE(posix_fallocate64, off64_t)

int rename(const char *from, const char *to)
{
    REAL(int, rename, const char *, const char *);
    return path_strikes("rename", AT_FDCWD, to, 0) ? -1 : real_rename(from, to);
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
    REAL(int, renameat, int, const char *, int, const char *);
    return path_strikes("rename", to_at, to, 0) ? -1 : real_renameat(from_at, from, to_at, to);
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    REAL(int, renameat2, int, const char *, int, const char *, unsigned);
    return path_strikes("rename", to_at, to, 0) ? -1 : real_renameat2(from_at, from, to_at, to, flags);
}

int link(const char *from, const char *to)
{
    REAL(int, link, const char *, const char *);
    return path_strikes("link", AT_FDCWD, to, 0) ? -1 : real_link(from, to);
}

int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    REAL(int, linkat, int, const char *, int, const char *, int);
    return path_strikes("link", to_at, to, 0) ? -1 : real_linkat(from_at, from, to_at, to, flags);
}

int mkdir(const char *path, mode_t mode)
{
    REAL(int, mkdir, const char *, mode_t);
    return path_strikes("mkdir", AT_FDCWD, path, 0) ? -1 : real_mkdir(path, mode);
}

int mkdirat(int at, const char *path, mode_t mode)
{
    REAL(int, mkdirat, int, const char *, mode_t);
    return path_strikes("mkdir", at, path, 0) ? -1 : real_mkdirat(at, path, mode);
}

int unlink(const char *path)
{
    REAL(int, unlink, const char *);
    return path_strikes("unlink", AT_FDCWD, path, 1) ? -1 : real_unlink(path);
}

int unlinkat(int at, const char *path, int flags)
{
    REAL(int, unlinkat, int, const char *, int);
    return path_strikes("unlink", at, path, 1) ? -1 : real_unlinkat(at, path, flags);
}

int rmdir(const char *path)
{
    REAL(int, rmdir, const char *);
    return path_strikes("rmdir", AT_FDCWD, path, 1) ? -1 : real_rmdir(path);
}
