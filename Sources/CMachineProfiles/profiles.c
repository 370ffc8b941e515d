#include "CMachineProfiles.h"
