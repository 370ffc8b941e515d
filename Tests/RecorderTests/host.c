// A process that is no Swift program and records a made-up engine through libRepriseRecorder.so.
//
//   host LIBRARY cost  PATH             what a call costs the engine, in nanoseconds
//   host LIBRARY bytes PATH ROWS STEPS TOKENS   what a trace takes at so many tokens a request on average
//   host LIBRARY soak  PATH REQUESTS    memory while so many requests come and go
//   host LIBRARY run   PATH STEPS       steps at a real engine's pace, for tests that stop it
//
// Prints one line of JSON at the end; `run` also prints a line once it has recorded its first steps.

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "reprise_recorder.h"

#define ROWS_MAX 1024

static struct {
  int32_t (*abi_version)(void);
  __typeof__(&reprise_recorder_open) open;
  __typeof__(&reprise_recorder_add_request) add_request;
  __typeof__(&reprise_recorder_step) step;
  __typeof__(&reprise_recorder_step_same) step_same;
  __typeof__(&reprise_recorder_step_changed) step_changed;
  __typeof__(&reprise_recorder_output) output;
  __typeof__(&reprise_recorder_statistics) statistics;
  __typeof__(&reprise_recorder_flush) flush;
  __typeof__(&reprise_recorder_close) close;
} recorder;

static void *symbol(void *library, const char *name) {
  void *found = dlsym(library, name);
  if (!found) {
    fprintf(stderr, "%s is missing\n", name);
    exit(2);
  }
  return found;
}

static void load(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    exit(2);
  }
#define LOAD(name) recorder.name = symbol(library, "reprise_recorder_" #name)
  LOAD(abi_version);
  LOAD(open);
  LOAD(add_request);
  LOAD(step);
  LOAD(step_same);
  LOAD(step_changed);
  LOAD(output);
  LOAD(statistics);
  LOAD(flush);
  LOAD(close);
  if (recorder.abi_version() != REPRISE_RECORDER_ABI) exit(2);
}

static int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// Resident memory of the process in kilobytes.
static long resident_kb(void) {
  char line[256];
  long kilobytes = -1;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "VmRSS: %ld", &kilobytes) == 1) break;
  if (file) fclose(file);
  return kilobytes;
}

// MARK: A made-up engine

static uint64_t dice_state = 88172645463325252ULL;

static double dice(void) {
  dice_state ^= dice_state << 13;
  dice_state ^= dice_state >> 7;
  dice_state ^= dice_state << 17;
  return (double)(dice_state >> 11) / 9007199254740992.0;
}

static double normal(void) {
  return sqrt(-2 * log(dice() + 1e-12)) * cos(6.283185307179586 * dice());
}

static int64_t at_least(int64_t least, double value) { return value < least ? least : (int64_t)value; }

// Requests that decode, each until the engine sees its last token; two steps in flight.
static struct {
  reprise_recorder *handle;
  uint32_t request[ROWS_MAX], computed[ROWS_MAX], query[ROWS_MAX], left[ROWS_MAX], made[ROWS_MAX];
  size_t rows, capacity;
  uint32_t next_request, finished[ROWS_MAX], finished_tokens[ROWS_MAX];
  size_t finished_count;
  int64_t number, clock, output, last_output;
  double mean_output;
  uint64_t dropped;
} engine;

static void arrive(uint32_t prompt) {
  size_t row = engine.rows++;
  engine.request[row] = engine.next_request++;
  engine.computed[row] = 0;
  engine.query[row] = prompt;
  engine.left[row] = (uint32_t)at_least(2, -engine.mean_output * log(1 - dice()));
  engine.made[row] = 0;
  recorder.add_request(
      engine.handle, engine.request[row], engine.clock - (int64_t)(2e6 * dice()), prompt,
      engine.mean_output > 1000 ? 1 << 24 : 32768, NULL, 0);
}

// Schedules a step and lets the tokens of the one before arrive. All rows are passed if `whole`, else what
// has changed.
static void advance(int whole) {
  uint32_t removed[ROWS_MAX];
  size_t removed_count = 0, kept = 0, old_rows = engine.rows;
  for (size_t row = 0; row < old_rows; row++) {
    if (engine.left[row] == 0) {
      removed[removed_count++] = engine.request[row];
      continue;
    }
    engine.request[kept] = engine.request[row];
    engine.computed[kept] = engine.computed[row] + engine.query[row];
    engine.query[kept] = 1;
    engine.left[kept] = engine.left[row] - 1;
    engine.made[kept] = engine.made[row] + 1;
    kept++;
  }
  engine.rows = kept;
  while (engine.rows < engine.capacity) arrive(64 + (uint32_t)(dice() * 1000));
  int64_t before = engine.output;
  int64_t start = engine.last_output + at_least(5000, 30000 + 4000 * normal());
  int64_t end = start + at_least(8000, 45000 + 6000 * normal());
  double decode = 12.6e6 + 2e4 * engine.rows + 1.2e3 * (double)(engine.number % 4096);
  engine.output = before + at_least(1000000, decode + 40000 * normal() + 4e6 * (engine.rows - kept));
  engine.last_output = before;
  engine.clock = end;
  reprise_recorder_step_info info = {
      .number = engine.number, .schedule_start_ns = start, .schedule_end_ns = end, .waiting = 0,
      .running = (int32_t)engine.rows, .free_kv_blocks = 30000 - (int32_t)engine.rows * 20};
  int32_t result;
  if (whole) {
    reprise_recorder_rows rows = {engine.request, engine.computed, engine.query, engine.rows};
    result = recorder.step(engine.handle, &info, &rows);
  } else if (removed_count == 0 && engine.rows == kept) {
    result = recorder.step_same(
        engine.handle, info.number, start, end, info.waiting, info.running, info.free_kv_blocks);
  } else {
    reprise_recorder_rows added = {
        engine.request + kept, engine.computed + kept, engine.query + kept, engine.rows - kept};
    result = recorder.step_changed(engine.handle, &info, removed, removed_count, NULL, &added);
  }
  if (result == REPRISE_RECORDER_DROPPED) engine.dropped++;
  if (engine.number > 0)
    recorder.output(
        engine.handle, engine.number - 1, before, -1, engine.finished, engine.finished_tokens,
        engine.finished_count);
  engine.finished_count = 0;
  for (size_t row = 0; row < engine.rows; row++)
    if (engine.left[row] == 0) {
      engine.finished[engine.finished_count] = engine.request[row];
      engine.finished_tokens[engine.finished_count++] = engine.made[row];
    }
  engine.number++;
}

static void start(const char *path, size_t rows, double mean_output, const char *more) {
  char options[2048], error[512];
  snprintf(options, sizeof options, "{\"path\":\"%s\"%s}", path, more);
  memset(&engine, 0, sizeof engine);
  engine.capacity = rows;
  engine.mean_output = mean_output;
  engine.last_output = 1000000;
  engine.output = 2000000;
  engine.handle = recorder.open(
      options,
      "{\"engine\":\"made-up\",\"kv_block_size\":16,\"max_num_batched_tokens\":65536,\"async_scheduling\":true}",
      error, sizeof error);
  if (!engine.handle) {
    fprintf(stderr, "%s\n", error);
    exit(1);
  }
}

static reprise_recorder_statistics_t finish(void) {
  reprise_recorder_statistics_t statistics;
  recorder.output(
      engine.handle, engine.number - 1, engine.output, -1, engine.finished, engine.finished_tokens,
      engine.finished_count);
  int32_t result = recorder.close(engine.handle, &statistics, sizeof statistics);
  if (result != REPRISE_RECORDER_OK) fprintf(stderr, "%s\n", statistics.last_error);
  return statistics;
}

// MARK: What is measured

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// Times calls one by one, less what the clock itself takes.
static void cost(const char *path) {
  enum { COUNT = 20000 };
  static double times[COUNT];
  double clock_cost = 1e9;
  for (int i = 0; i < 1000; i++) {
    int64_t t = now_ns();
    double took = (double)(now_ns() - t);
    if (took < clock_cost) clock_cost = took;
  }
  const char *names[] = {"same", "changed", "whole"};
  const size_t sizes[] = {64, 512};
  printf("{");
  for (int size = 0; size < 2; size++)
    for (int form = 0; form < 3; form++) {
      char name[1024];
      snprintf(name, sizeof name, "%s-%zu-%s.reprise", path, sizes[size], names[form]);
      start(name, sizes[size], 1e9, "");
      advance(1);
      int64_t begun = engine.clock;
      for (int i = 0; i < COUNT; i++) {
        if (i % 100 == 99) usleep(2000);
        reprise_recorder_step_info info = {
            .number = engine.number, .schedule_start_ns = begun + 14000000LL * i,
            .schedule_end_ns = begun + 14000000LL * i + 40000, .waiting = 0,
            .running = (int32_t)engine.rows, .free_kv_blocks = 1000};
        reprise_recorder_rows rows = {engine.request, engine.computed, engine.query, engine.rows};
        uint32_t gone = engine.request[0];
        for (size_t row = 0; row < engine.rows; row++) {
          engine.computed[row] += engine.query[row];
          engine.query[row] = 1;
        }
        if (form == 1) {
          size_t last = engine.rows - 1;
          memmove(engine.request, engine.request + 1, last * sizeof *engine.request);
          memmove(engine.computed, engine.computed + 1, last * sizeof *engine.computed);
          engine.request[last] = engine.next_request++;
          engine.computed[last] = 0;
          recorder.add_request(
              engine.handle, engine.request[last], info.schedule_start_ns, 100, 1 << 20, NULL, 0);
        }
        size_t last = engine.rows - 1;
        if (form == 1) engine.query[last] = 100;
        reprise_recorder_rows added = {
            engine.request + last, engine.computed + last, engine.query + last, 1};
        uint32_t tokens = 7;
        int64_t t = now_ns();
        if (form == 0)
          recorder.step_same(
              engine.handle, info.number, info.schedule_start_ns, info.schedule_end_ns, 0,
              info.running, info.free_kv_blocks);
        else if (form == 1)
          recorder.step_changed(engine.handle, &info, &gone, 1, NULL, &added);
        else
          recorder.step(engine.handle, &info, &rows);
        recorder.output(
            engine.handle, info.number, info.schedule_end_ns + 13000000, -1, &gone, &tokens,
            form == 1 ? 1 : 0);
        times[i] = (double)(now_ns() - t) - clock_cost;
        engine.number++;
      }
      reprise_recorder_statistics_t statistics;
      recorder.close(engine.handle, &statistics, sizeof statistics);
      qsort(times, COUNT, sizeof *times, ascending);
      printf(
          "%s\"%zu rows, %s\":{\"median_ns\":%.0f,\"p99_ns\":%.0f,\"max_ns\":%.0f,\"dropped\":%llu}",
          size + form ? "," : "", sizes[size], names[form], times[COUNT / 2], times[COUNT / 100 * 99],
          times[COUNT - 1], (unsigned long long)statistics.dropped_steps);
    }
  printf("}\n");
}

static void bytes(const char *path, size_t rows, int64_t steps, double mean_output) {
  start(path, rows, mean_output, "");
  for (int64_t i = 0; i < steps; i++) {
    advance(0);
    if (i % 500 == 499) usleep(3000);
    // As often as a real engine at this pace is flushed: every 30 s of its own time.
    if (i % 2100 == 2099) recorder.flush(engine.handle, 10000);
  }
  uint32_t requests = engine.next_request;
  reprise_recorder_statistics_t s = finish();
  printf(
      "{\"rows\":%zu,\"steps\":%llu,\"requests\":%u,\"bytes\":%llu,\"dropped\":%llu}\n", rows,
      (unsigned long long)s.written_steps, requests, (unsigned long long)s.bytes_written,
      (unsigned long long)s.dropped_steps);
}

static void soak(const char *path, uint32_t requests) {
  long empty = resident_kb();
  start(path, 64, 15, "");
  long early = 0, most = 0;
  while (engine.next_request < requests) {
    advance(0);
    if (engine.number % 200 == 199) usleep(20000);
    // On a busy machine the writer can be without a turn for longer than its ring holds.
    if (engine.number % 2000 == 1999) recorder.flush(engine.handle, 10000);
    if (engine.number % 1000 == 999) {
      long now = resident_kb();
      if (engine.next_request < requests / 5) early = now;
      if (now > most) most = now;
    }
  }
  uint64_t dropped = engine.dropped;
  reprise_recorder_statistics_t s = finish();
  printf(
      "{\"requests\":%u,\"steps\":%llu,\"bytes\":%llu,\"files\":%llu,\"dropped\":%llu,"
      "\"refused\":%llu,\"empty_kb\":%ld,\"early_kb\":%ld,\"most_kb\":%ld,\"closed_kb\":%ld}\n",
      engine.next_request, (unsigned long long)s.written_steps, (unsigned long long)s.bytes_written,
      (unsigned long long)s.files, (unsigned long long)dropped, (unsigned long long)s.invalid_calls, empty,
      early, most, resident_kb());
}

static void run(const char *path, int64_t steps) {
  start(path, 16, 40, ",\"flush_seconds\":1");
  for (int64_t i = 0; i < steps; i++) {
    advance(i % 2);
    usleep(2000);
    if (i == 100) {
      recorder.flush(engine.handle, 10000);
      printf("flushed %lld\n", (long long)i);
      fflush(stdout);
    }
  }
  finish();
}

int main(int count, char **arguments) {
  if (count < 4) return 2;
  long bare = resident_kb();
  load(arguments[1]);
  const char *mode = arguments[2], *path = arguments[3];
  long number = count > 4 ? atol(arguments[4]) : 0, second = count > 5 ? atol(arguments[5]) : 0,
       third = count > 6 ? atol(arguments[6]) : 0;
  if (!strcmp(mode, "cost")) cost(path);
  else if (!strcmp(mode, "bytes")) bytes(path, (size_t)number, second, (double)third);
  else if (!strcmp(mode, "soak")) {
    fprintf(stderr, "before loading %ld kB, after %ld kB\n", bare, resident_kb());
    soak(path, (uint32_t)number);
  } else if (!strcmp(mode, "run")) run(path, number);
  else return 2;
  return 0;
}
