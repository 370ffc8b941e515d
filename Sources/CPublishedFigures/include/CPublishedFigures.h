#include <stddef.h>

/// Figures that pull requests have published, each with its hardware and source: JSON, not terminated.
struct reprise_published_figures {
  const unsigned char *bytes;
  size_t count;
};

/// The figures in this binary.
struct reprise_published_figures reprise_published_figures(void);

/// MLA decode kernels measured on an H200, for machines without a GPU: JSON, not terminated.
struct reprise_published_figures reprise_latent_measurements(void);
