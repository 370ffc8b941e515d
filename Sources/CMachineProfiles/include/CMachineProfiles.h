#include <stddef.h>

/// A machine profile as `reprise calibrate` wrote it: JSON, not terminated.
struct reprise_machine_profile {
  const unsigned char *bytes;
  size_t count;
};

/// How many profiles are in this binary.
size_t reprise_machine_profile_count(void);

/// One of them; `index` is below the count.
struct reprise_machine_profile reprise_machine_profile_at(size_t index);

/// How far two real runs of the same work were apart: JSON, not terminated.
struct reprise_machine_profile reprise_noise_floor(void);
