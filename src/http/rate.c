// SPDX-License-Identifier: Apache-2.0
#include "http/rate.h"

#include <math.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { BUCKETS = 1024 };

struct bucket {
    uint64_t network; // 0: free
    double tokens;
    int64_t at_ns; // when `tokens` held
};

struct ifl_rate {
    double per_second, most;
    pthread_mutex_t lock;
    struct bucket bucket[BUCKETS];
};

struct ifl_rate *ifl_rate_create(int per_minute)
{
    struct ifl_rate *rate = calloc(1, sizeof *rate);
    if (!rate)
        return NULL;
    rate->per_second = per_minute / 60.0;
    rate->most = per_minute < 4 ? 1 : per_minute / 4;
    pthread_mutex_init(&rate->lock, NULL);
    return rate;
}

void ifl_rate_destroy(struct ifl_rate *rate)
{
    if (!rate)
        return;
    pthread_mutex_destroy(&rate->lock);
    free(rate);
}

// Never 0.
static uint64_t network_of(const struct sockaddr *address)
{
    uint64_t network = 0;
    uint32_t v4 = 0;
    if (address && address->sa_family == AF_INET6) {
        const struct in6_addr *v6 =
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        if (!IN6_IS_ADDR_V4MAPPED(v6)) {
            memcpy(&network, v6->s6_addr, sizeof network);
            return network ? network : 1; // ::1
        }
        memcpy(&v4, v6->s6_addr + 12, sizeof v4);
    } else if (address && address->sa_family == AF_INET) {
        v4 = ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr;
    }
    return UINT64_C(1) << 63 | v4;
}

static struct bucket *find(struct ifl_rate *rate, uint64_t network, int64_t now_ns)
{
    struct bucket *oldest = &rate->bucket[0];
    for (int i = 0; i < BUCKETS; i++) {
        struct bucket *one = &rate->bucket[i];
        if (one->network == network)
            return one;
        if (!one->network) {
            oldest = one; // none behind it is in use
            break;
        }
        if (one->at_ns < oldest->at_ns)
            oldest = one;
    }
    *oldest = (struct bucket){.network = network, .tokens = rate->most, .at_ns = now_ns};
    return oldest;
}

int ifl_rate_take(struct ifl_rate *rate, const struct sockaddr *address, int64_t now_ns)
{
    pthread_mutex_lock(&rate->lock);
    struct bucket *bucket = find(rate, network_of(address), now_ns);
    double seconds = (double)(now_ns - bucket->at_ns) / (double)IFL_SECOND_NS;
    bucket->tokens = fmin(rate->most, bucket->tokens + fmax(seconds, 0) * rate->per_second);
    bucket->at_ns = now_ns;
    int wait = 0;
    if (bucket->tokens >= 1)
        bucket->tokens -= 1;
    else
        wait = (int)ceil((1 - bucket->tokens) / rate->per_second);
    pthread_mutex_unlock(&rate->lock);
    return wait;
}
