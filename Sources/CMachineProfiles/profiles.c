#include "CMachineProfiles.h"

static const unsigned char nvidia_h200[] = {
#embed "nvidia-h200.json"
};

static const unsigned char nvidia_h200_noise[] = {
#embed "nvidia-h200-noise.json"
};

static const struct reprise_machine_profile profiles[] = {
    {nvidia_h200, sizeof nvidia_h200},
};

size_t reprise_machine_profile_count(void) { return sizeof profiles / sizeof profiles[0]; }

struct reprise_machine_profile reprise_machine_profile_at(size_t index) { return profiles[index]; }

struct reprise_machine_profile reprise_noise_floor(void) {
  struct reprise_machine_profile floor = {nvidia_h200_noise, sizeof nvidia_h200_noise};
  return floor;
}
