// The rows of a step, and what they differ from the last step's in.
//
// A decode batch changes little from step to step: the rows are the last step's, in its order, each a token
// further. So both are passed side by side. A row with the key that the last step had in its place (the
// same object) needs no look at anything else; any other is looked up by name.

#include "steps.h"

#define FETCHED_AHEAD 24

static bool grow_columns(Columns *columns, size_t count) {
  return grow(&columns->request, sizeof(uint32_t), count) &&
         grow(&columns->computed, sizeof(uint32_t), count) &&
         grow(&columns->query, sizeof(uint32_t), count);
}

static bool grow_rows(Rows *rows, size_t count) {
  return grow(&rows->name, sizeof(PyObject *), count) &&
         grow(&rows->slot, sizeof(int32_t), count) &&
         grow(&rows->reached, sizeof(uint32_t), count) && grow_columns(&rows->columns, count);
}

// Makes room for a step with so many rows.
static bool reserve(Batch *batch, size_t count) {
  if (count <= batch->capacity) return true;
  size_t capacity = batch->capacity ? batch->capacity : 64;
  while (capacity < count) capacity *= 2;
  if (!grow_rows(&batch->last, capacity) || !grow_rows(&batch->next, capacity) ||
      !grow_columns(&batch->changed, capacity) || !grow_columns(&batch->added, capacity) ||
      !grow(&batch->removed, sizeof(uint32_t), capacity))
    return false;
  batch->capacity = capacity;
  return true;
}

static void free_columns(Columns *columns) {
  PyMem_Free(columns->request);
  PyMem_Free(columns->computed);
  PyMem_Free(columns->query);
}

static void free_rows(Rows *rows) {
  PyMem_Free(rows->name);
  PyMem_Free(rows->slot);
  PyMem_Free(rows->reached);
  free_columns(&rows->columns);
}

void batch_free(Batch *batch) {
  free_rows(&batch->last);
  free_rows(&batch->next);
  free_columns(&batch->changed);
  free_columns(&batch->added);
  PyMem_Free(batch->removed);
  *batch = (Batch){0};
}

static void append(Columns *columns, uint32_t request, uint32_t computed, uint32_t query) {
  columns->request[columns->count] = request;
  columns->computed[columns->count] = computed;
  columns->query[columns->count] = query;
  columns->count++;
}

// Where a name stands in a list, looked for from a place to the end and then from the start.
static Py_ssize_t search(PyObject *names, Py_ssize_t from, PyObject *name) {
  Py_ssize_t count = PyList_Size(names);
  for (Py_ssize_t step = 0; step < count; step++) {
    Py_ssize_t place = from + step < count ? from + step : from + step - count;
    int equal = PyObject_RichCompareBool(PyList_GetItem(names, place), name, Py_EQ);
    if (equal) return equal < 0 ? FAILED : place;
  }
  return NONE;
}

// Where the walk over a step's requests stands: in the two lists that say what is computed.
typedef struct {
  Py_ssize_t cached, new;
} Place;

// An element of a list, NULL past its end: code of vLLM's that runs meanwhile may shorten it.
static inline PyObject *item(PyObject *list, Py_ssize_t place) {
  return place < PyList_GET_SIZE(list) ? PyList_GET_ITEM(list, place) : NULL;
}

// vLLM's numbers lie all over the heap, and its own work since they were made has driven them out of the
// processor's caches: without this, waiting for them is most of what a step takes.
static inline void fetch_ahead(const Scheduled *scheduled, const Place *place) {
  __builtin_prefetch(item(scheduled->computed, place->cached + FETCHED_AHEAD));
}

// The computed tokens of a row, which the lists have in the rows' order.
static bool find_computed(const Scheduled *scheduled, Place *place, PyObject *name, uint32_t *computed) {
  if (item(scheduled->names, place->cached) == name)
    return as_count(item(scheduled->computed, place->cached++), computed);
  for (Py_ssize_t step = 0; step < scheduled->new_count; step++) {
    Py_ssize_t at = (place->new + step) % scheduled->new_count;
    PyObject *other = scheduled->new_names[at];
    int equal = other == name ? 1 : PyObject_RichCompareBool(other, name, Py_EQ);
    if (equal < 0) return false;
    if (equal) {
      place->new = at + 1;
      *computed = scheduled->new_computed[at];
      return true;
    }
  }
  Py_ssize_t at = search(scheduled->names, place->cached, name);
  if (at == NONE) PyErr_SetObject(PyExc_KeyError, name);
  if (at < 0) return false;
  place->cached = at + 1;
  return as_count(item(scheduled->computed, at), computed);
}

// Leaves out the last step's rows from one up to another.
static void remove_up_to(Batch *batch, size_t *at, size_t end) {
  for (; *at < end; ++*at) batch->removed[batch->removed_count++] = batch->last.columns.request[*at];
}

// The slot of a row that is not the last step's at `at`; FAILED. `before` is its place in the last step, or NONE.
static int32_t find_slot(
    const Batch *batch, Requests *requests, PyObject *name, const Announce *announce, int32_t *before) {
  int32_t slot = requests_find(requests, name);
  if (slot == NONE) slot = announce->call(announce->context, name);
  if (slot < 0) return FAILED;
  Live *live = &requests->live[slot];
  if (live->name != name) {
    // The last step's row still has the old object, but is not read again: `batch_advance` comes next.
    PyObject *old = live->name;
    Py_INCREF(name);
    live->name = name;
    Py_DECREF(old);
  }
  int32_t place = requests->place[slot];
  bool had_row =
      place >= 0 && (size_t)place < batch->last.columns.count && batch->last.slot[place] == slot;
  *before = had_row ? place : NONE;
  return slot;
}

// Puts one row into `next`; `at` is the row of the last step that is to be expected.
static bool read_row(
    Batch *batch, Requests *requests, const Announce *announce, PyObject *name, uint32_t computed,
    uint32_t query, size_t *at) {
  Rows *last = &batch->last, *next = &batch->next;
  while (batch->follows && *at < last->columns.count && !last->name[*at]) remove_up_to(batch, at, *at + 1);
  int32_t slot, before = (int32_t)*at;
  if (*at < last->columns.count && last->name[*at] == name) {
    slot = last->slot[*at];
  } else {
    slot = find_slot(batch, requests, name, announce, &before);
    if (slot < 0) return false;
  }
  uint32_t number = before == NONE ? requests->live[slot].number : last->columns.request[before];
  if (before == NONE) {
    append(&batch->added, number, computed, query);
  } else {
    // The rows that were there keep their order, and those that come stand behind them.
    if ((size_t)before < *at || batch->added.count) batch->follows = false;
    if (batch->follows) {
      remove_up_to(batch, at, (size_t)before);
      if (query != 1 || computed != last->reached[before])
        append(&batch->changed, number, computed, query);
    }
    *at = (size_t)before + 1;
  }
  size_t row = next->columns.count;
  next->name[row] = name;
  next->slot[row] = slot;
  next->reached[row] = computed + query;
  append(&next->columns, number, computed, query);
  return true;
}

bool batch_read(
    Batch *batch, Requests *requests, const Scheduled *scheduled, const Announce *announce) {
  Py_ssize_t count = PyDict_Size(scheduled->tokens);
  if (count < 0 || !reserve(batch, (size_t)count)) return false;
  Place place = {0};
  if (PyList_Size(scheduled->names) != PyList_Size(scheduled->computed)) {
    PyErr_SetString(PyExc_ValueError, "vLLM's lists of requests and their tokens differ in length");
    return false;
  }
  batch->follows = batch->known;
  batch->removed_count = batch->changed.count = batch->added.count = 0;
  batch->next.columns.count = 0;
  size_t at = 0;
  Py_ssize_t position = 0;
  PyObject *name, *value;
  while (PyDict_Next(scheduled->tokens, &position, &name, &value)) {
    uint32_t computed, query = 1;
    fetch_ahead(scheduled, &place);
    if (batch->next.columns.count == (size_t)count) {
      PyErr_SetString(PyExc_RuntimeError, "vLLM's rows changed while they were read");
      return false;
    }
    if ((value != number_one && !as_count(value, &query)) ||
        !find_computed(scheduled, &place, name, &computed) ||
        !read_row(batch, requests, announce, name, computed, query, &at))
      return false;
  }
  if (batch->follows) remove_up_to(batch, &at, batch->last.columns.count);
  size_t listed = batch->removed_count + 3 * (batch->changed.count + batch->added.count);
  if (listed > 3 * (size_t)count) batch->follows = false;
  return true;
}

void batch_advance(Batch *batch, Requests *requests) {
  Rows before = batch->last;
  batch->last = batch->next;
  batch->next = before;
  for (size_t row = 0; row < batch->last.columns.count; row++) {
    int32_t slot = batch->last.slot[row];
    if (row >= before.columns.count || before.slot[row] != slot)
      requests->place[slot] = (int32_t)row;
  }
}

int32_t batch_gone(const Batch *batch, const Requests *requests, size_t *row) {
  const Rows *before = &batch->next, *now = &batch->last;
  while (*row < before->columns.count) {
    int32_t slot = before->slot[(*row)++];
    if (slot == NONE) continue;
    int32_t place = requests->place[slot];
    if ((size_t)place >= now->columns.count || now->slot[place] != slot) return slot;
  }
  return NONE;
}

void batch_forget(Batch *batch, const Requests *requests, int32_t slot) {
  int32_t place = requests->place[slot];
  Rows *last = &batch->last;
  if (place >= 0 && (size_t)place < last->columns.count && last->slot[place] == slot) {
    last->name[place] = NULL;
    last->slot[place] = NONE;
  }
}

static reprise_recorder_rows rows_of(const Columns *columns) {
  return (reprise_recorder_rows){
      .request = columns->request, .computed = columns->computed, .query = columns->query,
      .count = columns->count};
}

void batch_pass(Batch *batch, const Library *library, const reprise_recorder_step_info *info) {
  int32_t result = REPRISE_RECORDER_INVALID;
  if (batch->follows) {
    reprise_recorder_rows changed = rows_of(&batch->changed), added = rows_of(&batch->added);
    result = library->step_changed(
        library->recorder, info, batch->removed, batch->removed_count, &changed, &added);
  }
  if (result < 0) {
    reprise_recorder_rows all = rows_of(&batch->last.columns);
    result = library->step(library->recorder, info, &all);
  }
  batch->known = result >= 0;
}
