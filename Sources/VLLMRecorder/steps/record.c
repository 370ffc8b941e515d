// What `recording.Recording` does in each step: reads vLLM's objects, passes what they say to the library.

#include "steps.h"

#include <time.h>

// MARK: Reading vLLM's objects

static bool count_attribute(PyObject *owner, PyObject *word, uint32_t *count) {
  PyObject *value = PyObject_GetAttr(owner, word);
  bool read = value && as_count(value, count);
  Py_XDECREF(value);
  return read;
}

// How many elements an attribute has; negative on failure.
static Py_ssize_t size_of_attribute(PyObject *owner, PyObject *word) {
  PyObject *value = PyObject_GetAttr(owner, word);
  Py_ssize_t size = value ? PyObject_Size(value) : -1;
  Py_XDECREF(value);
  return size;
}

// An attribute that is a list; a new reference.
static PyObject *list_attribute(PyObject *owner, PyObject *word) {
  PyObject *value = PyObject_GetAttr(owner, word);
  if (value && !PyList_Check(value)) {
    PyErr_Format(PyExc_TypeError, "vLLM's %U is no list", word);
    Py_CLEAR(value);
  }
  return value;
}

static int64_t nanoseconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// MARK: Requests

static bool pass_request(Steps *steps, PyObject *request, uint32_t number, int64_t now) {
  PyObject *arrived = PyObject_GetAttr(request, word_arrival_time);
  double seconds = arrived ? PyFloat_AsDouble(arrived) : -1;
  Py_XDECREF(arrived);
  if (seconds == -1 && PyErr_Occurred()) return false;
  uint32_t prompt, limit = REPRISE_RECORDER_UNKNOWN_TOKENS;
  if (!count_attribute(request, word_num_prompt_tokens, &prompt)) return false;
  PyObject *most = PyObject_GetAttr(request, word_max_tokens);
  bool read = most && (most == Py_None || as_count(most, &limit));
  Py_XDECREF(most);
  if (!read) return false;
  // vLLM's front end takes the time of day; the offset between the clocks moves.
  int64_t arrival = (int64_t)(seconds * 1e9) + nanoseconds(CLOCK_MONOTONIC) - nanoseconds(CLOCK_REALTIME);
  if (arrival < steps->time_zero) arrival = steps->time_zero;
  if (arrival > now) arrival = now;
  unsigned long long address = 0;
  Py_ssize_t count = 0;
  PyObject *blocks = NULL, *owner;
  if (steps->prefix_blocks != Py_None) {
    blocks = PyObject_CallFunctionObjArgs(steps->prefix_blocks, request, NULL);
    if (!blocks || !PyArg_ParseTuple(blocks, "KnO", &address, &count, &owner)) {
      Py_XDECREF(blocks);
      return false;
    }
  }
  steps->library.add_request(
      steps->library.recorder, number, arrival, prompt, limit, (const uint64_t *)(uintptr_t)address,
      (size_t)count);
  Py_XDECREF(blocks);
  return true;
}

typedef struct {
  Steps *steps;
  int64_t now;
} Moment;

// Records the request that the scheduler has by a name; its slot or FAILED.
static int32_t add_request(void *context, PyObject *name) {
  Steps *steps = ((Moment *)context)->steps;
  PyObject *requests = PyObject_GetAttr(steps->scheduler, word_requests);
  PyObject *request = requests ? PyObject_GetItem(requests, name) : NULL;
  Py_XDECREF(requests);
  if (!request) return FAILED;
  PyObject *own_name = PyObject_GetAttr(request, word_request_id);
  int32_t slot = FAILED;
  if (own_name && pass_request(steps, request, steps->next_request, ((Moment *)context)->now))
    slot = requests_add(&steps->requests, own_name, request, steps->next_request++);
  Py_XDECREF(own_name);
  Py_DECREF(request);
  return slot;
}

static void release_new(Steps *steps, size_t count) {
  for (size_t place = 0; place < count; place++) Py_CLEAR(steps->new_names[place]);
}

// Notes the computed tokens of requests that begin or, in some versions, go on; records those that begin.
static bool read_new(Steps *steps, PyObject *new, Moment *moment, Scheduled *scheduled) {
  size_t count = (size_t)PyList_Size(new);
  if (count > steps->new_capacity) {
    if (!grow(&steps->new_names, sizeof(PyObject *), count) ||
        !grow(&steps->new_computed, sizeof(uint32_t), count))
      return false;
    steps->new_capacity = count;
  }
  for (size_t place = 0; place < count; place++) {
    PyObject *request = PyList_GetItem(new, (Py_ssize_t)place);
    PyObject *name = request ? PyObject_GetAttr(request, word_req_id) : NULL;
    if (!name) return false;
    steps->new_names[place] = name;
    scheduled->new_count = (Py_ssize_t)place + 1;
    if (!count_attribute(request, word_num_computed_tokens, &steps->new_computed[place])) return false;
    int32_t slot = requests_find(&steps->requests, name);
    if (slot == FAILED || (slot == NONE && add_request(moment, name) < 0)) return false;
  }
  return true;
}

static bool pass_ends(Steps *steps, PyObject *names) {
  PyObject *iterator = PyObject_GetIter(names);
  if (!iterator) return false;
  uint32_t numbers[64], lengths[64];
  size_t count = 0;
  PyObject *name;
  bool passed = true;
  while (passed && (name = PyIter_Next(iterator))) {
    int32_t slot = requests_find(&steps->requests, name);
    Py_DECREF(name);
    passed = slot != FAILED;
    if (slot < 0) continue;
    numbers[count] = steps->requests.live[slot].number;
    passed = count_attribute(steps->requests.live[slot].request, word_num_output_tokens, &lengths[count]);
    if (!passed) break;
    count++;
    batch_forget(&steps->batch, &steps->requests, slot);
    passed = requests_remove(&steps->requests, slot);
    if (count == sizeof numbers / sizeof *numbers) {
      steps->library.finish(steps->library.recorder, numbers, lengths, count);
      count = 0;
    }
  }
  Py_DECREF(iterator);
  if (count) steps->library.finish(steps->library.recorder, numbers, lengths, count);
  return passed && !PyErr_Occurred();
}

static bool note_preempted(Steps *steps, int32_t slot) {
  if (steps->preempted_count == steps->preempted_capacity) {
    size_t capacity = steps->preempted_capacity ? 2 * steps->preempted_capacity : 16;
    if (!grow(&steps->preempted, sizeof(uint32_t), capacity)) return false;
    steps->preempted_capacity = capacity;
  }
  steps->preempted[steps->preempted_count++] = steps->requests.live[slot].number;
  return true;
}

// Those that came last first, as vLLM takes them.
static int descending(const void *left, const void *right) {
  uint32_t first = *(const uint32_t *)left, second = *(const uint32_t *)right;
  return (first < second) - (first > second);
}

static void sort_preempted(Steps *steps, size_t from) {
  qsort(steps->preempted + from, steps->preempted_count - from, sizeof(uint32_t), descending);
}

static bool read_preempted(Steps *steps, PyObject *names) {
  PyObject *iterator = PyObject_GetIter(names), *name;
  if (!iterator) return false;
  size_t from = steps->preempted_count;
  bool noted = true;
  while (noted && (name = PyIter_Next(iterator))) {
    int32_t slot = requests_find(&steps->requests, name);
    Py_DECREF(name);
    noted = slot == NONE || (slot >= 0 && note_preempted(steps, slot));
  }
  Py_DECREF(iterator);
  if (steps->preempted_count > from + 1) sort_preempted(steps, from);
  return noted && !PyErr_Occurred();
}

// Whether a request waits again after it was preempted; negative on failure.
static int is_preempted(PyObject *request) {
  PyObject *status = PyObject_GetAttr(request, word_status);
  PyObject *name = status ? PyObject_GetAttr(status, word_name) : NULL;
  int equal = name ? PyUnicode_CompareWithASCIIString(name, "PREEMPTED") == 0 : -1;
  Py_XDECREF(status);
  Py_XDECREF(name);
  return equal;
}

// Versions before 0.12 do not say whom they preempted: of the last step's rows, those that wait again.
static bool look_for_preempted(Steps *steps) {
  size_t from = steps->preempted_count, row = 0;
  int32_t slot;
  while ((slot = batch_gone(&steps->batch, &steps->requests, &row)) != NONE) {
    int preempted = is_preempted(steps->requests.live[slot].request);
    if (preempted < 0 || (preempted && !note_preempted(steps, slot))) return false;
  }
  if (steps->preempted_count > from + 1) sort_preempted(steps, from);
  return true;
}

// MARK: Steps

static void pass_moments(Steps *steps) {
  for (size_t place = 0; place < steps->output_count; place++)
    steps->library.output(
        steps->library.recorder, steps->outputs[place].number, steps->outputs[place].moment, -1, NULL,
        NULL, 0);
  steps->output_count = 0;
}

bool pass_outputs(Steps *steps, PyObject *owner) {
  pass_moments(steps);
  PyObject *ended = PyObject_GetAttr(owner, word_finished_req_ids);
  int some = ended ? PyObject_IsTrue(ended) : -1;
  bool passed = some == 0 || (some > 0 && pass_ends(steps, ended));
  Py_XDECREF(ended);
  return passed;
}

static bool read_counts(Steps *steps, reprise_recorder_step_info *info) {
  Py_ssize_t waiting = size_of_attribute(steps->scheduler, word_waiting);
  Py_ssize_t running = size_of_attribute(steps->scheduler, word_running);
  if (waiting < 0 || running < 0) return false;
  for (Py_ssize_t place = 0; place < PyTuple_Size(steps->queues); place++) {
    Py_ssize_t others = size_of_attribute(steps->scheduler, PyTuple_GetItem(steps->queues, place));
    if (others < 0) return false;
    waiting += others;
  }
  long free = -1;
  if (steps->free_blocks != Py_None) {
    PyObject *blocks = PyObject_CallFunctionObjArgs(steps->free_blocks, NULL);
    if (!blocks) return false;
    free = PyLong_AsLong(blocks);
    Py_DECREF(blocks);
    if (free == -1 && PyErr_Occurred()) return false;
  }
  info->waiting = (int32_t)waiting;
  info->running = (int32_t)running;
  info->free_kv_blocks = (int32_t)free;
  return true;
}

static void put_in_flight(Steps *steps, PyObject *output, int64_t number) {
  size_t place = (steps->first_in_flight + steps->in_flight_count) % IN_FLIGHT;
  PyObject *lost = NULL;
  if (steps->in_flight_count == IN_FLIGHT) {
    lost = steps->in_flight[place].output;
    steps->first_in_flight = (place + 1) % IN_FLIGHT;
  } else {
    steps->in_flight_count++;
  }
  Py_INCREF(output);
  steps->in_flight[place].output = output;
  steps->in_flight[place].number = number;
  Py_XDECREF(lost);
}

static bool read_scheduled(
    Steps *steps, PyObject *output, reprise_recorder_step_info *info, Scheduled *scheduled) {
  Moment moment = {steps, info->schedule_start_ns};
  PyObject *new = list_attribute(output, word_scheduled_new_reqs);
  bool read = new && read_new(steps, new, &moment, scheduled);
  Py_XDECREF(new);
  if (!read) return false;
  PyObject *preempted = PyObject_GetAttr(output, word_preempted_req_ids);
  if (!preempted) {
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return false;
    PyErr_Clear();
  }
  bool said = preempted && preempted != Py_None;
  int some = said ? PyObject_IsTrue(preempted) : 0;
  read = some == 0 || (some > 0 && read_preempted(steps, preempted));
  Py_XDECREF(preempted);
  if (!read || PyDict_Size(scheduled->tokens) == 0) return read;
  Announce announce = {add_request, &moment};
  scheduled->new_names = steps->new_names;
  scheduled->new_computed = steps->new_computed;
  if (!batch_read(&steps->batch, &steps->requests, scheduled, &announce)) return false;
  batch_advance(&steps->batch, &steps->requests);
  if (!said && !look_for_preempted(steps)) return false;
  if (!read_counts(steps, info)) return false;
  info->number = steps->next_step++;
  info->preempted = steps->preempted;
  info->preempted_count = steps->preempted_count;
  batch_pass(&steps->batch, &steps->library, info);
  steps->preempted_count = 0;
  put_in_flight(steps, output, info->number);
  return true;
}

PyObject *record_scheduled(Steps *steps, PyObject *output, int64_t start, int64_t end) {
  if (!pass_outputs(steps, output)) return NULL;
  PyObject *cached = PyObject_GetAttr(output, word_scheduled_cached_reqs);
  if (!cached) return NULL;
  Scheduled scheduled = {
      .tokens = PyObject_GetAttr(output, word_num_scheduled_tokens),
      .names = list_attribute(cached, word_req_ids),
      .computed = list_attribute(cached, word_num_computed_tokens)};
  Py_DECREF(cached);
  reprise_recorder_step_info info = {.number = -1, .schedule_start_ns = start, .schedule_end_ns = end};
  bool read = false;
  if (scheduled.tokens && !PyDict_Check(scheduled.tokens))
    PyErr_SetString(PyExc_TypeError, "vLLM's num_scheduled_tokens is no dict");
  else if (scheduled.tokens && scheduled.names && scheduled.computed)
    read = read_scheduled(steps, output, &info, &scheduled);
  release_new(steps, (size_t)scheduled.new_count);
  Py_XDECREF(scheduled.tokens);
  Py_XDECREF(scheduled.names);
  Py_XDECREF(scheduled.computed);
  if (!read) return NULL;
  if (info.number < 0) Py_RETURN_NONE;
  return PyLong_FromLongLong(info.number);
}

// Notes when a step's tokens came, if it is one of those in flight.
static void note_output(Steps *steps, PyObject *output, int64_t moment) {
  for (size_t place = 0; place < steps->in_flight_count; place++) {
    size_t at = (steps->first_in_flight + place) % IN_FLIGHT;
    if (steps->in_flight[at].output != output) continue;
    if (steps->output_count == IN_FLIGHT) pass_moments(steps);
    steps->outputs[steps->output_count].number = steps->in_flight[at].number;
    steps->outputs[steps->output_count++].moment = moment;
    for (; place > 0; place--) {
      size_t before = (steps->first_in_flight + place - 1) % IN_FLIGHT;
      steps->in_flight[at] = steps->in_flight[before];
      at = before;
    }
    steps->first_in_flight = (steps->first_in_flight + 1) % IN_FLIGHT;
    steps->in_flight_count--;
    Py_DECREF(output);
    return;
  }
}

bool record_updated(Steps *steps, PyObject *output, int64_t moment) {
  note_output(steps, output, moment);
  // The library hears of it with the next step, since calls in a row cost less than calls apart; or at
  // once where none follows.
  Py_ssize_t running = size_of_attribute(steps->scheduler, word_running);
  return running > 0 || (running == 0 && pass_outputs(steps, steps->scheduler));
}
