// The extension module `_steps`, whose one type is `Steps`; `compiled.py` is its other half.

#include "steps.h"

#define DEFINE_WORD(text) PyObject *word_##text;
WORDS(DEFINE_WORD)
PyObject *number_one;

static bool enter(Steps *steps) {
  if (steps->busy) PyErr_SetString(PyExc_RuntimeError, "the recorder was called from within itself");
  else if (steps->scheduler) return steps->busy = true;
  else PyErr_SetString(PyExc_RuntimeError, "the recording is closed");
  return false;
}

static PyObject *steps_scheduled(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
  Steps *steps = (Steps *)self;
  if (count != 3) return PyErr_Format(PyExc_TypeError, "scheduled takes an output and two times");
  int64_t start = PyLong_AsLongLong(arguments[1]), end = PyLong_AsLongLong(arguments[2]);
  if (PyErr_Occurred() || !enter(steps)) return NULL;
  PyObject *number = record_scheduled(steps, arguments[0], start, end);
  steps->busy = false;
  return number;
}

static PyObject *steps_updated(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
  Steps *steps = (Steps *)self;
  if (count != 2) return PyErr_Format(PyExc_TypeError, "updated takes an output and a time");
  int64_t moment = PyLong_AsLongLong(arguments[1]);
  if (PyErr_Occurred() || !enter(steps)) return NULL;
  bool passed = record_updated(steps, arguments[0], moment);
  steps->busy = false;
  if (!passed) return NULL;
  Py_RETURN_NONE;
}

static PyObject *steps_held(PyObject *self, PyObject *none) {
  Steps *steps = (Steps *)self;
  return Py_BuildValue(
      "nnn", (Py_ssize_t)(steps->requests.used - steps->requests.spare_count),
      (Py_ssize_t)steps->in_flight_count, (Py_ssize_t)steps->output_count);
}

static int steps_clear(PyObject *self) {
  Steps *steps = (Steps *)self;
  requests_free(&steps->requests);
  batch_free(&steps->batch);
  for (; steps->in_flight_count; steps->in_flight_count--) {
    Py_CLEAR(steps->in_flight[steps->first_in_flight].output);
    steps->first_in_flight = (steps->first_in_flight + 1) % IN_FLIGHT;
  }
  Py_CLEAR(steps->scheduler);
  Py_CLEAR(steps->free_blocks);
  Py_CLEAR(steps->queues);
  Py_CLEAR(steps->prefix_blocks);
  return 0;
}

static PyObject *steps_close(PyObject *self, PyObject *none) {
  Steps *steps = (Steps *)self;
  if (!enter(steps)) return NULL;
  bool passed = pass_outputs(steps, steps->scheduler);
  steps->library.recorder = NULL;
  steps_clear(self);
  steps->busy = false;
  if (!passed) return NULL;
  Py_RETURN_NONE;
}

static int steps_traverse(PyObject *self, visitproc visit, void *arg) {
  Steps *steps = (Steps *)self;
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(steps->scheduler);
  Py_VISIT(steps->free_blocks);
  Py_VISIT(steps->queues);
  Py_VISIT(steps->prefix_blocks);
  Py_VISIT(steps->requests.slots);
  for (int32_t slot = 0; slot < steps->requests.used; slot++)
    Py_VISIT(steps->requests.live[slot].request);
  for (size_t place = 0; place < steps->in_flight_count; place++)
    Py_VISIT(steps->in_flight[(steps->first_in_flight + place) % IN_FLIGHT].output);
  return 0;
}

static PyObject *steps_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
  static char *names[] = {"scheduler", "handle", "functions", "time_zero", "free_blocks", "queues",
                          "prefix_blocks", NULL};
  PyObject *scheduler, *handle, *free_blocks, *queues, *prefix_blocks;
  unsigned long long functions[5];
  long long time_zero;
  if (!PyArg_ParseTupleAndKeywords(
          arguments, named, "OO(KKKKK)LOO!O", names, &scheduler, &handle, &functions[0], &functions[1],
          &functions[2], &functions[3], &functions[4], &time_zero, &free_blocks, &PyTuple_Type, &queues,
          &prefix_blocks))
    return NULL;
  void *recorder = PyLong_AsVoidPtr(handle);
  if (!recorder && PyErr_Occurred()) return NULL;
  Steps *steps = (Steps *)PyType_GenericAlloc(type, 0);
  if (!steps) return NULL;
  steps->library.recorder = recorder;
  void *targets[] = {&steps->library.add_request, &steps->library.step, &steps->library.step_changed,
                     &steps->library.output, &steps->library.finish};
  for (int place = 0; place < 5; place++) {
    uintptr_t address = (uintptr_t)functions[place];
    memcpy(targets[place], &address, sizeof address);
  }
  steps->time_zero = time_zero;
  if (!requests_make(&steps->requests)) {
    Py_DECREF(steps);
    return NULL;
  }
  Py_INCREF(steps->scheduler = scheduler);
  Py_INCREF(steps->free_blocks = free_blocks);
  Py_INCREF(steps->queues = queues);
  Py_INCREF(steps->prefix_blocks = prefix_blocks);
  return (PyObject *)steps;
}

static void steps_dealloc(PyObject *self) {
  Steps *steps = (Steps *)self;
  PyTypeObject *type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  steps_clear(self);
  PyMem_Free(steps->preempted);
  PyMem_Free(steps->new_names);
  PyMem_Free(steps->new_computed);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"scheduled", (PyCFunction)(void (*)(void))steps_scheduled, METH_FASTCALL,
     "scheduled(output, start, end): records a step; its number, None for one without rows"},
    {"updated", (PyCFunction)(void (*)(void))steps_updated, METH_FASTCALL,
     "updated(output, moment): notes that a step's tokens have come"},
    {"held", steps_held, METH_NOARGS,
     "how many requests, steps in flight and outputs not yet passed on are held"},
    {"close", steps_close, METH_NOARGS, "passes on what is left and lets go of everything"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, steps_new},
    {Py_tp_dealloc, steps_dealloc},
    {Py_tp_traverse, steps_traverse},
    {Py_tp_clear, steps_clear},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec specification = {
    .name = "reprise_vllm_recorder._steps.Steps",
    .basicsize = sizeof(Steps),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

#define MAKE_WORD(text)                                                            \
  if (!word_##text && !(word_##text = PyUnicode_InternFromString(#text))) return -1;

static int fill_module(PyObject *module) {
  WORDS(MAKE_WORD)
  if (!number_one && !(number_one = PyLong_FromLong(1))) return -1;
  PyObject *type = PyType_FromSpec(&specification);
  if (!type || PyModule_AddObject(module, "Steps", type) < 0) {
    Py_XDECREF(type);
    return -1;
  }
  return PyModule_AddIntConstant(module, "ABI", REPRISE_RECORDER_ABI);
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, fill_module}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_steps", .m_slots = module_slots};

PyMODINIT_FUNC PyInit__steps(void) { return PyModuleDef_Init(&definition); }
