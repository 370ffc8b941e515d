// Requests by name: each has a slot as long as it lives.

#include "steps.h"

bool grow(void *array, size_t element, size_t count) {
  void **place = array;
  void *larger = PyMem_Realloc(*place, element * count);
  if (!larger) {
    PyErr_NoMemory();
    return false;
  }
  *place = larger;
  return true;
}

bool as_count(PyObject *object, uint32_t *count) {
  long long value = PyLong_AsLongLong(object);
  if (value == -1 && PyErr_Occurred()) return false;
  if (value < 0 || value > UINT32_MAX) {
    PyErr_Format(PyExc_OverflowError, "a count of tokens is %lld", value);
    return false;
  }
  *count = (uint32_t)value;
  return true;
}

bool requests_make(Requests *requests) {
  requests->slots = PyDict_New();
  return requests->slots != NULL;
}

void requests_free(Requests *requests) {
  Py_CLEAR(requests->slots);
  for (int32_t slot = 0; slot < requests->used; slot++) {
    Py_CLEAR(requests->live[slot].name);
    Py_CLEAR(requests->live[slot].request);
  }
  requests->used = requests->spare_count = requests->capacity = 0;
  PyMem_Free(requests->live);
  PyMem_Free(requests->place);
  PyMem_Free(requests->spare);
  requests->live = NULL;
  requests->place = NULL;
  requests->spare = NULL;
}

int32_t requests_find(Requests *requests, PyObject *name) {
  PyObject *slot = PyDict_GetItemWithError(requests->slots, name);
  if (slot) return (int32_t)PyLong_AsLong(slot);
  return PyErr_Occurred() ? FAILED : NONE;
}

static int32_t take_slot(Requests *requests) {
  if (requests->spare_count) return requests->spare[--requests->spare_count];
  if (requests->used == requests->capacity) {
    int32_t capacity = requests->capacity ? 2 * requests->capacity : 64;
    if (!grow(&requests->live, sizeof(Live), (size_t)capacity) ||
        !grow(&requests->place, sizeof(int32_t), (size_t)capacity) ||
        !grow(&requests->spare, sizeof(int32_t), (size_t)capacity))
      return FAILED;
    requests->capacity = capacity;
  }
  requests->live[requests->used] = (Live){0};
  requests->place[requests->used] = NONE;
  return requests->used++;
}

int32_t requests_add(Requests *requests, PyObject *name, PyObject *request, uint32_t number) {
  int32_t slot = take_slot(requests);
  if (slot < 0) return slot;
  PyObject *boxed = PyLong_FromLong(slot);
  if (!boxed || PyDict_SetItem(requests->slots, name, boxed) < 0) {
    Py_XDECREF(boxed);
    requests->spare[requests->spare_count++] = slot;
    return FAILED;
  }
  Py_DECREF(boxed);
  Py_INCREF(name);
  Py_INCREF(request);
  requests->live[slot] = (Live){.name = name, .request = request, .number = number};
  return slot;
}

bool requests_remove(Requests *requests, int32_t slot) {
  Live gone = requests->live[slot];
  requests->live[slot] = (Live){0};
  requests->place[slot] = NONE;
  requests->spare[requests->spare_count++] = slot;
  bool removed = PyDict_DelItem(requests->slots, gone.name) == 0;
  // Last, since vLLM's objects can do anything when they go.
  Py_DECREF(gone.name);
  Py_DECREF(gone.request);
  return removed;
}
