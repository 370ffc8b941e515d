// The plugin's work in each step, in C: reads what vLLM's scheduler returns and passes it to the recorder's
// library, by the addresses of its functions. `recording.py` does the same in Python, where this was not built.
//
// All functions are called with Python's lock held. Those that return int or bool and can fail set an
// exception then and return a negative number or false.

#ifndef REPRISE_STEPS_H
#define REPRISE_STEPS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "reprise_recorder.h"

// Steps whose output is awaited; vLLM has two, or as many as pipeline stages. More were lost.
#define IN_FLIGHT 64
// No slot, no row.
#define NONE (-1)
#define FAILED (-2)

// The recorder, and those of its library's functions that are called in each step.
typedef struct {
  reprise_recorder *recorder;
  int32_t (*add_request)(
      reprise_recorder *, uint64_t, int64_t, uint32_t, uint32_t, const uint64_t *, size_t);
  int32_t (*step)(
      reprise_recorder *, const reprise_recorder_step_info *, const reprise_recorder_rows *);
  int32_t (*step_changed)(
      reprise_recorder *, const reprise_recorder_step_info *, const uint32_t *, size_t,
      const reprise_recorder_rows *, const reprise_recorder_rows *);
  int32_t (*output)(
      reprise_recorder *, int64_t, int64_t, int64_t, const uint32_t *, const uint32_t *, size_t);
  int32_t (*finish)(reprise_recorder *, const uint32_t *, const uint32_t *, size_t);
} Library;

// A request that has been in a step and has not ended.
typedef struct {
  PyObject *name; // the key of its row when it was last looked up; NULL: the slot is free
  PyObject *request;
  uint32_t number;
} Live;

typedef struct {
  Live *live;
  // Each slot's row of the last step, if that row says so too; else it had none.
  int32_t *place;
  int32_t *spare; // free slots below `used`
  int32_t used, spare_count, capacity;
  PyObject *slots; // name -> slot
} Requests;

bool requests_make(Requests *requests);
void requests_free(Requests *requests);
// The slot of a name; NONE where it has none, FAILED.
int32_t requests_find(Requests *requests, PyObject *name);
// A slot for a name that has none; FAILED.
int32_t requests_add(Requests *requests, PyObject *name, PyObject *request, uint32_t number);
// Frees a slot.
bool requests_remove(Requests *requests, int32_t slot);

// Columns of 32 bits, as the library takes them.
typedef struct {
  uint32_t *request, *computed, *query;
  size_t count;
} Columns;

// The rows of a step. A row whose request has ended since has neither name nor slot.
typedef struct {
  PyObject **name; // borrowed from the slot
  int32_t *slot;
  uint32_t *reached; // computed and new tokens
  Columns columns;
} Rows;

// The last step's rows, and what this step's differ in.
typedef struct {
  Rows last, next;
  Columns changed, added;
  uint32_t *removed;
  size_t removed_count, capacity;
  // Whether the library has the rows of the last step, and these are they with few changes.
  bool known, follows;
} Batch;

// What a step is made of.
typedef struct {
  PyObject *tokens; // name -> new tokens, in the order of the rows
  PyObject *names, *computed; // of requests that go on: lists
  PyObject **new_names; // of new requests, and of resumed ones in some versions
  uint32_t *new_computed;
  Py_ssize_t new_count;
} Scheduled;

// Records a request that has a row without having been announced, and gives its slot; FAILED.
typedef struct {
  int32_t (*call)(void *context, PyObject *name);
  void *context;
} Announce;

void batch_free(Batch *batch);
// Makes `next` of a step, and says what it differs from `last` in. A failure leaves `next` unfinished.
bool batch_read(
    Batch *batch, Requests *requests, const Scheduled *scheduled, const Announce *announce);
// Makes the step that was read the last one; the one before it is `next` until a step is read.
void batch_advance(Batch *batch, Requests *requests);
// After `batch_advance`: the next request, from `row` on, that had a row before and has none now; NONE.
int32_t batch_gone(const Batch *batch, const Requests *requests, size_t *row);
// After `batch_advance`: passes the last step to the library.
void batch_pass(Batch *batch, const Library *library, const reprise_recorder_step_info *info);
// Forgets the row that a slot, about to be freed, had in the last step.
void batch_forget(Batch *batch, const Requests *requests, int32_t slot);

// Names of vLLM's attributes, as Python's own strings: `word_waiting` and so on.
#define WORDS(EACH)                                                                                 \
  EACH(arrival_time) EACH(finished_req_ids) EACH(max_tokens) EACH(name) EACH(num_computed_tokens)   \
  EACH(num_output_tokens) EACH(num_prompt_tokens) EACH(num_scheduled_tokens)                        \
  EACH(preempted_req_ids) EACH(req_id) EACH(req_ids) EACH(request_id) EACH(requests) EACH(running)  \
  EACH(scheduled_cached_reqs) EACH(scheduled_new_reqs) EACH(status) EACH(waiting)
#define DECLARE_WORD(text) extern PyObject *word_##text;
WORDS(DECLARE_WORD)
// Python's own 1, which the new tokens of a decode row are: other objects may have the same value.
extern PyObject *number_one;

// What follows a scheduler and passes what it does to the library.
typedef struct {
  PyObject_HEAD
  Library library;
  Requests requests;
  Batch batch;
  PyObject *scheduler, *free_blocks, *queues, *prefix_blocks; // the last: request -> address, count, owner
  int64_t time_zero, next_step;
  uint32_t next_request;
  // While a call runs, which may run code of vLLM's, no other may.
  bool busy;
  struct {
    PyObject *output;
    int64_t number;
  } in_flight[IN_FLIGHT];
  size_t first_in_flight, in_flight_count;
  // Steps whose tokens have come, that the library has not heard of.
  struct {
    int64_t number, moment;
  } outputs[IN_FLIGHT];
  size_t output_count;
  // Numbers of requests preempted since the last step that had rows.
  uint32_t *preempted;
  size_t preempted_count, preempted_capacity;
  PyObject **new_names;
  uint32_t *new_computed;
  size_t new_capacity;
} Steps;

// A step was scheduled: its number, None for one without rows, NULL on failure.
PyObject *record_scheduled(Steps *steps, PyObject *output, int64_t start, int64_t end);
// A step's tokens have come.
bool record_updated(Steps *steps, PyObject *output, int64_t moment);
// Passes the steps whose tokens have come, and then the requests that ended: `owner` names them.
bool pass_outputs(Steps *steps, PyObject *owner);

// Makes room for so many elements; contents are kept.
bool grow(void *array, size_t element, size_t count);
// A number of 32 bits.
bool as_count(PyObject *object, uint32_t *count);

#endif
