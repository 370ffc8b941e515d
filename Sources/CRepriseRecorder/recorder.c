#include "reprise_recorder.h"
