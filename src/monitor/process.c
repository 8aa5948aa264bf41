// SPDX-License-Identifier: Apache-2.0
#include "monitor/process.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifndef IFL_VERSION
#define IFL_VERSION "unknown"
#endif

enum row { CPU, START, RESIDENT, RESIDENT_MAX, VIRTUAL, THREADS, OPEN_FDS, MAX_FDS, BUILD, ROWS };

static const struct ifl_metric rows[ROWS] = {
    [CPU] = {"process_cpu_seconds_total", IFL_METRIC_COUNTER, "",
             "Processor time of the process, user and system."},
    [START] = {"process_start_time_seconds", IFL_METRIC_GAUGE, "",
               "When the process started, in seconds since 1970."},
    [RESIDENT] = {"process_resident_memory_bytes", IFL_METRIC_GAUGE, "",
                  "Memory of the process that is in RAM."},
    [RESIDENT_MAX] = {"process_resident_memory_max_bytes", IFL_METRIC_GAUGE, "",
                      "The most memory of the process that has been in RAM."},
    [VIRTUAL] = {"process_virtual_memory_bytes", IFL_METRIC_GAUGE, "",
                 "Address space of the process."},
    [THREADS] = {"process_threads", IFL_METRIC_GAUGE, "", "Threads of the process."},
    [OPEN_FDS] = {"process_open_fds", IFL_METRIC_GAUGE, "", "Open file descriptors."},
    [MAX_FDS] = {"process_max_fds", IFL_METRIC_GAUGE, "",
                 "The most file descriptors that may be open."},
    [BUILD] = {"inferloop_build_info", IFL_METRIC_GAUGE, "version,compiler",
               "Always 1; the labels say which build this is."},
};

const struct ifl_metric *ifl_monitor_process_metrics(int *count)
{
    *count = ROWS;
    return rows;
}

// Reads the fields of /proc/self/stat from the third on; the second, the program's name in
// brackets, may itself hold brackets and spaces.
static void read_stat(struct ifl_process_usage *usage)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file)
        return;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    const char *fields = strrchr(text, ')');
    unsigned long long user, system, start, virtual_bytes;
    long threads, resident_pages;
    if (!fields || sscanf(fields + 1,
                          " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d "
                          "%ld %*d %llu %llu %ld",
                          &user, &system, &threads, &start, &virtual_bytes, &resident_pages) != 6)
        return;
    double ticks = (double)sysconf(_SC_CLK_TCK);
    struct timespec wall, boot;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    double booted =
        (double)(wall.tv_sec - boot.tv_sec) + 1e-9 * (double)(wall.tv_nsec - boot.tv_nsec);
    usage->cpu_seconds = (double)(user + system) / ticks;
    usage->start_time_seconds = booted + (double)start / ticks;
    usage->threads = (double)threads;
    usage->virtual_memory_bytes = (double)virtual_bytes;
    usage->resident_memory_bytes = (double)resident_pages * (double)sysconf(_SC_PAGESIZE);
}

static double count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return NAN;
    int count = -1; // the folder itself is open now
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

void ifl_process_usage(struct ifl_process_usage *usage)
{
    *usage = (struct ifl_process_usage){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    read_stat(usage);
    usage->open_fds = count_descriptors();
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        usage->max_fds = (double)limit.rlim_cur;
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) == 0) // kilobytes; not exact, but the only peak there is
        usage->resident_memory_max_bytes =
            fmax((double)used.ru_maxrss * 1024, usage->resident_memory_bytes);
}

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

static void collect(struct ifl_metrics_writer *writer, void *context)
{
    (void)context;
    struct ifl_process_usage usage;
    ifl_process_usage(&usage);
    const double value[ROWS] = {
        [CPU] = usage.cpu_seconds,
        [START] = usage.start_time_seconds,
        [RESIDENT] = usage.resident_memory_bytes,
        [RESIDENT_MAX] = usage.resident_memory_max_bytes,
        [VIRTUAL] = usage.virtual_memory_bytes,
        [THREADS] = usage.threads,
        [OPEN_FDS] = usage.open_fds,
        [MAX_FDS] = usage.max_fds,
        [BUILD] = 1,
    };
    const char *const build[] = {IFL_VERSION, COMPILER};
    for (int i = 0; i < ROWS; i++)
        if (!isnan(value[i]))
            ifl_metric_emit(writer, &rows[i], i == BUILD ? build : NULL, value[i]);
}

enum ifl_result ifl_monitor_process_register(struct ifl_metrics *metrics)
{
    return ifl_metrics_add(metrics, collect, NULL);
}
