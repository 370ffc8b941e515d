// Records what an engine does, step by step, into `.reprise` traces, from inside the engine's process.
//
// The functions never throw, print, or end the process. Those marked "hot" do no input or output, start
// no system call, allocate nothing and wait for nothing but a lock that is held for the length of
// another such call: they copy into a ring of fixed size from which one thread of the library's own
// writes. When the ring is full, whole steps are dropped and the trace gets a *gap* with their count.
//
// Calls for one recorder may come from any thread; their order is the order of the trace. After a
// fork, a recorder belongs to the process that opened it: in the child every call returns
// REPRISE_RECORDER_ENDED and does nothing. Several recorders in one process are independent.
//
// Times are nanoseconds of one clock that never goes back, such as CLOCK_MONOTONIC (Python's
// time.monotonic_ns). Requests are named by numbers of the caller's choice that no two requests of a
// recorder share; a running count is best. Rows name them by 32 bits, so a recorder holds 2^32 requests.
//
// README.md beside the Swift module TraceRecorder says how files are named, rotated and repaired.

#ifndef REPRISE_RECORDER_H
#define REPRISE_RECORDER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The version of this interface; reprise_recorder_abi_version returns it.
#define REPRISE_RECORDER_ABI 1

// What the functions return.
#define REPRISE_RECORDER_OK 0
// The ring was full: the step is dropped and will be in a gap. Nothing needs to be done.
#define REPRISE_RECORDER_DROPPED 1
// An argument cannot be: no such row, a step number that does not grow, more than 65536 rows. The call
// has no effect but to be counted; last_error says what it was.
#define REPRISE_RECORDER_INVALID (-1)
// The recorder is closed, or this is a forked child.
#define REPRISE_RECORDER_ENDED (-2)

// A request's count of tokens that is not known.
#define REPRISE_RECORDER_UNKNOWN_TOKENS UINT32_MAX

typedef struct reprise_recorder reprise_recorder;

int32_t reprise_recorder_abi_version(void);

// Opens a recorder: creates the first file, writes its header, starts the thread. On failure returns NULL
// and one line of text in error (always terminated; error may be NULL).
//
// options is a JSON object; all but "path" may be left out:
//   "path"            "/dir/name.reprise". Written as /dir/name.reprise.partial until it is whole. Where
//                     either exists, and after each rotation, /dir/name-0002.reprise and so on.
//   "time_zero_ns"    the moment of the caller's clock that is 0 in the trace [0]
//   "time_unit_ns"    1000: times are rounded down to microseconds; 1: kept as they are [1000]
//   "rotate_bytes"    a new file after so many bytes; 0: never [268435456]
//   "rotate_seconds"  a new file after so many seconds; 0: never [0]
//                     (After 131072 requests a new file begins in any case: memory is bounded.)
//   "flush_seconds"   how much a killed process loses at most [30]
//   "ring_bytes"      the ring, rounded up to a power of two, 65536 to 67108864 [4194304]
//   "late_steps"      how many steps later a GPU time may still come (reprise_recorder_gpu_time), 0 to 32 [0]
//   "retry_seconds"   after a full disk or the like, a new file is tried after so long [60]
// An unknown option is an error.
//
// header is the JSON object of an engine-step-log/1 header line ("kind" is ignored), or NULL for none.
reprise_recorder *reprise_recorder_open(
    const char *options_json, const char *header_json, char *error, size_t error_size);

// Hot. A request has arrived. output_limit is the most tokens it may generate (UNKNOWN if there is no
// bound). prefix_blocks are identities of its prompt's blocks, in order (header: prefix_block_tokens), or
// NULL; at most 1048576, fewer are kept where the ring is short. Comes before the first step
// that has the request. Where even the request did not fit it is DROPPED, and the trace describes it
// by its first row.
int32_t reprise_recorder_add_request(
    reprise_recorder *recorder, uint64_t request, int64_t arrival_ns, uint32_t prompt_tokens,
    uint32_t output_limit, const uint64_t *prefix_blocks, size_t prefix_block_count);

// What a step says beside its rows. Numbers grow; waiting, running and free_kv_blocks are those
// after scheduling, -1 where unknown.
typedef struct {
  int64_t number;
  int64_t schedule_start_ns;
  int64_t schedule_end_ns;
  int32_t waiting;
  int32_t running;
  int32_t free_kv_blocks;
  int32_t reserved; // 0
  const uint32_t *preempted; // requests that this step's scheduling preempted, in order
  size_t preempted_count;
} reprise_recorder_step_info;

// Rows in the engine's order: `query` new tokens (at least 1) on top of `computed` ones.
typedef struct {
  const uint32_t *request;
  const uint32_t *computed;
  const uint32_t *query;
  size_t count;
} reprise_recorder_rows;

// Hot. A step was scheduled, with these rows.
int32_t reprise_recorder_step(
    reprise_recorder *recorder, const reprise_recorder_step_info *step,
    const reprise_recorder_rows *rows);

// Hot, and the same at any number of rows for the caller. A step was scheduled with the rows of the
// last step passed in (dropped or not), each one token further: computed + query, and 1.
int32_t reprise_recorder_step_same(
    reprise_recorder *recorder, int64_t number, int64_t schedule_start_ns,
    int64_t schedule_end_ns, int32_t waiting, int32_t running, int32_t free_kv_blocks);

// Hot. A step was scheduled with the rows of the last step passed in, each one token further, but: first
// those of `removed` requests left out, then those named in `changed` set to other lengths where they
// stand, then `added` rows put behind the others. Lists go fastest in the order of the rows.
int32_t reprise_recorder_step_changed(
    reprise_recorder *recorder, const reprise_recorder_step_info *step, const uint32_t *removed,
    size_t removed_count, const reprise_recorder_rows *changed,
    const reprise_recorder_rows *added);

// Hot. The tokens of a step reached the scheduler. May come after later steps were scheduled; a step whose
// output has not come when 32 later ones were scheduled is recorded without. gpu_ns is the step's time
// on the GPU, -1 where unknown. `finished` and `output_tokens` (may be NULL) are as for
// reprise_recorder_finish, for the requests that ended with these tokens; NULL for none.
int32_t reprise_recorder_output(
    reprise_recorder *recorder, int64_t number, int64_t output_ns, int64_t gpu_ns,
    const uint32_t *finished, const uint32_t *output_tokens, size_t finished_count);

// Hot. Requests ended: finished, aborted, rejected. output_tokens are those generated for each
// (UNKNOWN, or NULL for all: told from its rows). The next step scheduled lists them as finished. A
// request that has ended has no more rows, but for those of steps that were scheduled before.
int32_t reprise_recorder_finish(
    reprise_recorder *recorder, const uint32_t *requests, const uint32_t *output_tokens,
    size_t count);

// Hot. The GPU times of a step that came late: of all its work (gpu_ns) and of the forward pass alone
// (forward_ns), -1 where unknown. Without effect once the step has been written: see "late_steps".
int32_t reprise_recorder_gpu_time(
    reprise_recorder *recorder, int64_t number, int64_t gpu_ns, int64_t forward_ns);

#define REPRISE_RECORDER_RECORDING 0
#define REPRISE_RECORDER_WAITING 1 // a write failed; steps are dropped until a new file can be made
#define REPRISE_RECORDER_CLOSED 2

typedef struct {
  uint64_t steps;              // passed in
  uint64_t dropped_steps;      // of them not in any trace: ring full, or disk full
  uint64_t written_steps;      // of them in a chunk of a file
  uint64_t gaps;               // places where steps are missing
  uint64_t requests;           // passed in
  uint64_t incomplete_requests; // of them without room for prefix blocks, or for the request at all
  uint64_t invalid_calls;
  uint64_t bytes_written;
  uint64_t files;              // begun
  uint64_t ring_bytes;
  uint64_t ring_bytes_max;     // the fullest it has been
  int32_t state;
  int32_t reserved;
  char path[1024];             // the file being written, by the name that it will have
  char last_error[512];        // one line, empty where there was none
} reprise_recorder_statistics_t;

// Fills the first `size` bytes of statistics (pass sizeof). Waits for no input or output.
int32_t reprise_recorder_statistics(
    reprise_recorder *recorder, reprise_recorder_statistics_t *statistics, size_t size);

// Writes what has been passed in so far to the file, as whole chunks, and waits for it, at most
// timeout_ms. For tests and shutdown: it costs bytes, and a full disk can take its time. DROPPED if
// it was not done in time or failed.
int32_t reprise_recorder_flush(reprise_recorder *recorder, int64_t timeout_ms);

// Writes everything, completes the file, ends the thread and frees the recorder, which must not be
// used any more; with statistics, as they are at the end. OK if everything was written, INVALID if an
// error is in last_error. In a forked child: ENDED, and nothing is freed or touched. NULL is OK.
int32_t reprise_recorder_close(
    reprise_recorder *recorder, reprise_recorder_statistics_t *statistics, size_t size);

#ifdef __cplusplus
}
#endif
#endif
