// SPDX-License-Identifier: Apache-2.0
// Preloaded by `make shake`: threads begin late and calls at which threads meet take random naps,
// so that an order which only usually holds is broken in minutes instead of once in a hundred runs
// of the tests. Naps are short and end by themselves: a test that depends on no order passes as
// ever, only later.
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum {
    BEGIN_US_MAX = 150000, // of a thread; and of who made it, a third of that
    NAP_US_MAX = 20000,    // at a meeting
    NAPS_PERMILLE = 10,    // of the meetings
};

static uint64_t seed;

__attribute__((constructor)) static void begin(void)
{
    const char *given = getenv("INFERLOOP_SHAKE");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    seed ^= (uint64_t)getpid() << 32;
}

// SplitMix64 (Steele, Lea, Flood 2014).
static uint64_t draw(void)
{
    uint64_t z = __atomic_add_fetch(&seed, 0x9e3779b97f4a7c15u, __ATOMIC_RELAXED);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void nap(uint64_t most_us)
{
    long ns = (long)(draw() % (most_us * 1000));
    nanosleep(&(struct timespec){ns / 1000000000, ns % 1000000000}, NULL);
}

static void meet(void)
{
    if (draw() % 1000 < NAPS_PERMILLE)
        nap(NAP_US_MAX);
}

// The function that ours stands before.
#define REAL(name, ...)                                                                            \
    ({                                                                                             \
        static __typeof__(&(name)) real;                                                           \
        if (!real)                                                                                 \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        real(__VA_ARGS__);                                                                         \
    })

struct start {
    void *(*run)(void *);
    void *context;
};

static void *begin_late(void *given)
{
    struct start start = *(struct start *)given;
    free(given);
    if (draw() % 2)
        nap(BEGIN_US_MAX);
    return start.run(start.context);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *context)
{
    struct start *start = malloc(sizeof *start);
    if (!start)
        return REAL(pthread_create, thread, attributes, run, context);
    *start = (struct start){run, context};
    int failed = REAL(pthread_create, thread, attributes, begin_late, start);
    if (failed)
        free(start);
    else if (draw() % 3 == 0)
        nap(BEGIN_US_MAX / 3);
    return failed;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    meet();
    return REAL(pthread_mutex_lock, mutex);
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    int failed = REAL(pthread_mutex_unlock, mutex);
    meet();
    return failed;
}

ssize_t recv(int socket, void *bytes, size_t room, int flags)
{
    meet();
    return REAL(recv, socket, bytes, room, flags);
}

ssize_t send(int socket, const void *bytes, size_t count, int flags)
{
    meet();
    return REAL(send, socket, bytes, count, flags);
}
