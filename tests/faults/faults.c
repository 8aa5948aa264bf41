// SPDX-License-Identifier: Apache-2.0
// A library for LD_PRELOAD that makes chosen calls of a program fail.
//
// In: environment variables. Out: the program's calls, one or some of them failing, and a list of
// all call sites. Any thread; it takes no lock and allocates nothing.
//   FAULTS_FAIL   KIND:N[+][:ERRNO]         the N-th call of that kind fails (+: all from there on)
//                 KIND@SITE:N[+][:ERRNO]    the N-th from that call site, an offset in the program
//                 KIND is alloc, open, write or thread; ERRNO is ENOSPC, EIO, EROFS, EMFILE, ...
//   FAULTS_CLOCK  SECONDS@AFTER[,...]       the wall clock is off by SECONDS, from AFTER s into the
//                                           run on; the last of up to 32 that has begun counts
//   FAULTS_LOG    FILE                      counts, call sites and what was made to fail
// Counted are only calls whose return address lies in the program itself: what libraries do with a
// failed allocation (GLib and the C++ runtime end the process) is not the program's to decide. The
// program has no constructors, so nothing before its main is counted.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// A definition under the name of the C library's function, without its prototype's attributes.
#define REPLACES(name) __asm__(name) __attribute__((visibility("default"), used))
#define CALLER         ((uintptr_t)__builtin_return_address(0))

enum kind { ALLOC, OPEN, WRITE, THREAD, KINDS };
static const char *const kind_name[KINDS] = {"alloc", "open", "write", "thread"};
static const int usual_errno[KINDS] = {ENOMEM, EMFILE, ENOSPC, EAGAIN};

enum { SITES = 4096, JUMPS = 32 };
struct site {
    uintptr_t address; // 0: free
    unsigned calls;
};

static struct {
    uintptr_t base, first, last; // of the program's code
    enum kind kind;
    bool active, lasting;
    uintptr_t site; // 0: any
    unsigned n;
    int os_errno;
    int log_fd;
    struct jump {
        int64_t off_ns, after_ns;
    } jump[JUMPS];
    int jumps;
    int64_t started_ns;
    unsigned calls[KINDS];
    struct site sites[KINDS][SITES];
} faults = {.log_fd = -1};

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

// ---- set-up ----

static int64_t raw_ns(clockid_t id)
{
    struct timespec now;
    syscall(SYS_clock_gettime, id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int find_program(struct dl_phdr_info *info, size_t bytes, void *context)
{
    (void)bytes, (void)context;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
            continue;
        faults.base = info->dlpi_addr;
        faults.first = info->dlpi_addr + part->p_vaddr;
        faults.last = faults.first + part->p_memsz;
    }
    return 1; // the first is the program
}

static int errno_of(const char *name, int usual)
{
    static const struct {
        const char *name;
        int value;
    } row[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},       {"EROFS", EROFS},   {"EMFILE", EMFILE},
               {"EACCES", EACCES}, {"ENOENT", ENOENT}, {"EDQUOT", EDQUOT}, {"ENOMEM", ENOMEM}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        if (strcmp(row[i].name, name) == 0)
            return row[i].value;
    return usual;
}

static void parse_fail(const char *text)
{
    size_t length = strcspn(text, ":@");
    int kind = 0;
    while (kind < KINDS &&
           (strlen(kind_name[kind]) != length || strncmp(kind_name[kind], text, length) != 0))
        kind++;
    if (kind == KINDS)
        return;
    char *at = (char *)text + length;
    if (*at == '@')
        faults.site = strtoul(at + 1, &at, 16);
    faults.n = *at == ':' ? (unsigned)strtoul(at + 1, &at, 10) : 0;
    faults.lasting = *at == '+';
    at += faults.lasting;
    faults.os_errno = errno_of(*at == ':' ? at + 1 : "", usual_errno[kind]);
    faults.kind = (enum kind)kind;
    faults.active = faults.n > 0;
}

static void parse_clock(const char *text)
{
    char *end = NULL;
    for (; text && *text && faults.jumps < JUMPS; text = strchr(text, ',')) {
        text += *text == ',';
        struct jump *jump = &faults.jump[faults.jumps++];
        jump->off_ns = strtoll(text, &end, 10) * 1000000000;
        jump->after_ns = *end == '@' ? (int64_t)(strtod(end + 1, NULL) * 1e9) : 0;
    }
}

__attribute__((constructor)) static void begin(void)
{
    dl_iterate_phdr(find_program, NULL);
    const char *fail = getenv("FAULTS_FAIL"), *log = getenv("FAULTS_LOG");
    if (log)
        faults.log_fd = (int)syscall(SYS_openat, AT_FDCWD, log,
                                     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    parse_clock(getenv("FAULTS_CLOCK"));
    faults.started_ns = raw_ns(CLOCK_MONOTONIC);
    if (fail)
        parse_fail(fail);
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[160];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (faults.log_fd >= 0)
        syscall(SYS_write, faults.log_fd, line, (size_t)length);
}

__attribute__((destructor)) static void end(void)
{
    for (int kind = 0; kind < KINDS; kind++) {
        say("calls %s %u\n", kind_name[kind], faults.calls[kind]);
        for (int i = 0; i < SITES; i++)
            if (faults.sites[kind][i].address)
                say("site %s %lx %u\n", kind_name[kind],
                    (unsigned long)(faults.sites[kind][i].address - faults.base),
                    faults.sites[kind][i].calls);
    }
}

// ---- counting ----

// Its place in the table; two threads may race for a free one, the loser goes on looking.
static struct site *find_site(enum kind kind, uintptr_t address)
{
    struct site *sites = faults.sites[kind];
    for (unsigned i = 0, at = (unsigned)(address * 2654435761u) % SITES; i < SITES; i++) {
        struct site *site = &sites[(at + i) % SITES];
        uintptr_t found = 0;
        if (__atomic_compare_exchange_n(&site->address, &found, address, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED) ||
            found == address)
            return site;
    }
    return NULL;
}

// True if this call shall fail; errno is set then.
static bool fails(enum kind kind, uintptr_t caller)
{
    if (caller < faults.first || caller >= faults.last)
        return false;
    unsigned call = __atomic_add_fetch(&faults.calls[kind], 1, __ATOMIC_RELAXED);
    struct site *site = find_site(kind, caller);
    unsigned here = site ? __atomic_add_fetch(&site->calls, 1, __ATOMIC_RELAXED) : 0;
    if (!faults.active || kind != faults.kind)
        return false;
    if (faults.site && faults.site != caller - faults.base)
        return false;
    unsigned n = faults.site ? here : call;
    if (faults.lasting ? n < faults.n : n != faults.n)
        return false;
    if (n == faults.n)
        say("failed %s %u at %lx\n", kind_name[kind], n, (unsigned long)(caller - faults.base));
    errno = faults.os_errno;
    return true;
}

// What the C library would have done.
#define NEXT(type, name)                                                                           \
    static type next;                                                                              \
    if (!next)                                                                                     \
    next = (type)dlsym(RTLD_NEXT, name)

// ---- memory ----

void *fault_malloc(size_t bytes) REPLACES("malloc");
void *fault_malloc(size_t bytes)
{
    return fails(ALLOC, CALLER) ? NULL : __libc_malloc(bytes);
}

void *fault_calloc(size_t count, size_t bytes) REPLACES("calloc");
void *fault_calloc(size_t count, size_t bytes)
{
    return fails(ALLOC, CALLER) ? NULL : __libc_calloc(count, bytes);
}

void *fault_realloc(void *memory, size_t bytes) REPLACES("realloc");
void *fault_realloc(void *memory, size_t bytes)
{
    return fails(ALLOC, CALLER) ? NULL : __libc_realloc(memory, bytes);
}

void *fault_aligned_alloc(size_t alignment, size_t bytes) REPLACES("aligned_alloc");
void *fault_aligned_alloc(size_t alignment, size_t bytes)
{
    return fails(ALLOC, CALLER) ? NULL : __libc_memalign(alignment, bytes);
}

int fault_posix_memalign(void **memory, size_t alignment, size_t bytes) REPLACES("posix_memalign");
int fault_posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    void *made = fails(ALLOC, CALLER) ? NULL : __libc_memalign(alignment, bytes);
    if (made)
        *memory = made;
    return made ? 0 : ENOMEM;
}

char *fault_strdup(const char *text) REPLACES("strdup");
char *fault_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = fails(ALLOC, CALLER) ? NULL : __libc_malloc(bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

typedef FILE *(*memstream_fn)(char **, size_t *);
FILE *fault_open_memstream(char **text, size_t *bytes) REPLACES("open_memstream");
FILE *fault_open_memstream(char **text, size_t *bytes)
{
    NEXT(memstream_fn, "open_memstream");
    return fails(ALLOC, CALLER) ? NULL : next(text, bytes);
}

// ---- opening ----

static int open_at(int folder, const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, folder, path, flags | O_LARGEFILE, mode);
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

#define OPENS(function, name)                                                                      \
    int function(const char *path, int flags, ...) REPLACES(name);                                 \
    int function(const char *path, int flags, ...)                                                 \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode_t mode = mode_of(flags, args);                                                        \
        va_end(args);                                                                              \
        return fails(OPEN, CALLER) ? -1 : open_at(AT_FDCWD, path, flags, mode);                    \
    }
OPENS(fault_open, "open")
OPENS(fault_open64, "open64")

#define OPENS_AT(function, name)                                                                   \
    int function(int folder, const char *path, int flags, ...) REPLACES(name);                     \
    int function(int folder, const char *path, int flags, ...)                                     \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode_t mode = mode_of(flags, args);                                                        \
        va_end(args);                                                                              \
        return fails(OPEN, CALLER) ? -1 : open_at(folder, path, flags, mode);                      \
    }
OPENS_AT(fault_openat, "openat")
OPENS_AT(fault_openat64, "openat64")

int fault_creat(const char *path, mode_t mode) REPLACES("creat64");
int fault_creat(const char *path, mode_t mode)
{
    return fails(OPEN, CALLER) ? -1 : open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

typedef int (*mkostemp_fn)(char *, int);
int fault_mkostemp(char *path, int flags) REPLACES("mkostemp64");
int fault_mkostemp(char *path, int flags)
{
    NEXT(mkostemp_fn, "mkostemp64");
    return fails(OPEN, CALLER) ? -1 : next(path, flags);
}

typedef FILE *(*fopen_fn)(const char *, const char *);
FILE *fault_fopen(const char *path, const char *mode) REPLACES("fopen64");
FILE *fault_fopen(const char *path, const char *mode)
{
    NEXT(fopen_fn, "fopen64");
    return fails(OPEN, CALLER) ? NULL : next(path, mode);
}

typedef FILE *(*fdopen_fn)(int, const char *);
FILE *fault_fdopen(int fd, const char *mode) REPLACES("fdopen");
FILE *fault_fdopen(int fd, const char *mode)
{
    NEXT(fdopen_fn, "fdopen");
    return fails(OPEN, CALLER) ? NULL : next(fd, mode);
}

typedef void *(*opendir_fn)(const char *);
void *fault_opendir(const char *path) REPLACES("opendir");
void *fault_opendir(const char *path)
{
    NEXT(opendir_fn, "opendir");
    return fails(OPEN, CALLER) ? NULL : next(path);
}

typedef void *(*fdopendir_fn)(int);
void *fault_fdopendir(int fd) REPLACES("fdopendir");
void *fault_fdopendir(int fd)
{
    NEXT(fdopendir_fn, "fdopendir");
    return fails(OPEN, CALLER) ? NULL : next(fd);
}

typedef int (*scandirat_fn)(int, const char *, void *, void *, void *);
int fault_scandirat(int fd, const char *path, void *list, void *filter, void *order)
    REPLACES("scandirat64");
int fault_scandirat(int fd, const char *path, void *list, void *filter, void *order)
{
    NEXT(scandirat_fn, "scandirat64");
    return fails(OPEN, CALLER) ? -1 : next(fd, path, list, filter, order);
}

// ---- writing ----

ssize_t fault_write(int fd, const void *bytes, size_t count) REPLACES("write");
ssize_t fault_write(int fd, const void *bytes, size_t count)
{
    return fails(WRITE, CALLER) ? -1 : syscall(SYS_write, fd, bytes, count);
}

ssize_t fault_pwrite(int fd, const void *bytes, size_t count, off_t at) REPLACES("pwrite64");
ssize_t fault_pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    return fails(WRITE, CALLER) ? -1 : syscall(SYS_pwrite64, fd, bytes, count, at);
}

int fault_fsync(int fd) REPLACES("fsync");
int fault_fsync(int fd)
{
    return fails(WRITE, CALLER) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fault_fdatasync(int fd) REPLACES("fdatasync");
int fault_fdatasync(int fd)
{
    return fails(WRITE, CALLER) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fault_ftruncate(int fd, off_t bytes) REPLACES("ftruncate64");
int fault_ftruncate(int fd, off_t bytes)
{
    return fails(WRITE, CALLER) ? -1 : (int)syscall(SYS_ftruncate, fd, bytes);
}

int fault_rename(const char *from, const char *to) REPLACES("rename");
int fault_rename(const char *from, const char *to)
{
    return fails(WRITE, CALLER) ? -1 : (int)syscall(SYS_rename, from, to);
}

int fault_renameat(int from_fd, const char *from, int to_fd, const char *to) REPLACES("renameat");
int fault_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return fails(WRITE, CALLER) ? -1 : (int)syscall(SYS_renameat, from_fd, from, to_fd, to);
}

int fault_mkdir(const char *path, mode_t mode) REPLACES("mkdir");
int fault_mkdir(const char *path, mode_t mode)
{
    return fails(WRITE, CALLER) ? -1 : (int)syscall(SYS_mkdir, path, mode);
}

int fault_mkdirat(int fd, const char *path, mode_t mode) REPLACES("mkdirat");
int fault_mkdirat(int fd, const char *path, mode_t mode)
{
    return fails(WRITE, CALLER) ? -1 : (int)syscall(SYS_mkdirat, fd, path, mode);
}

// ---- threads ----

typedef int (*create_fn)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int fault_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                 void *context) REPLACES("pthread_create");
int fault_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                 void *context)
{
    NEXT(create_fn, "pthread_create");
    return fails(THREAD, CALLER) ? EAGAIN : next(thread, attributes, run, context);
}

// ---- the wall clock; here every caller counts ----

static int64_t jump_ns(void)
{
    int64_t since_ns = faults.jumps ? raw_ns(CLOCK_MONOTONIC) - faults.started_ns : 0;
    for (int i = faults.jumps - 1; i >= 0; i--)
        if (since_ns >= faults.jump[i].after_ns)
            return faults.jump[i].off_ns;
    return 0;
}

typedef int (*gettime_fn)(clockid_t, struct timespec *);
int fault_gettime(clockid_t id, struct timespec *now) REPLACES("clock_gettime");
int fault_gettime(clockid_t id, struct timespec *now)
{
    NEXT(gettime_fn, "clock_gettime");
    int failed = next(id, now);
    if (failed == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        now->tv_sec += jump_ns() / 1000000000;
    return failed;
}

time_t fault_time(time_t *now) REPLACES("time");
time_t fault_time(time_t *now)
{
    time_t seconds = (raw_ns(CLOCK_REALTIME) + jump_ns()) / 1000000000;
    if (now)
        *now = seconds;
    return seconds;
}

int fault_gettimeofday(struct timeval *now, void *zone) REPLACES("gettimeofday");
int fault_gettimeofday(struct timeval *now, void *zone)
{
    (void)zone;
    int64_t ns = raw_ns(CLOCK_REALTIME) + jump_ns();
    *now = (struct timeval){.tv_sec = ns / 1000000000, .tv_usec = ns % 1000000000 / 1000};
    return 0;
}
