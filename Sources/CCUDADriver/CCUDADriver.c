#include "CCUDADriver.h"
