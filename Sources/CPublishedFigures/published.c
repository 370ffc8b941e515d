#include "CPublishedFigures.h"

static const unsigned char published[] = {
#embed "published.json"
};

struct reprise_published_figures reprise_published_figures(void) {
  return (struct reprise_published_figures){published, sizeof published};
}

static const unsigned char latent[] = {
#embed "mla-h200.json"
};

struct reprise_published_figures reprise_latent_measurements(void) {
  return (struct reprise_published_figures){latent, sizeof latent};
}
