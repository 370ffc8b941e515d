#include "CPublishedFigures.h"

static const unsigned char published[] = {
#embed "published.json"
};

struct reprise_published_figures reprise_published_figures(void) {
  return (struct reprise_published_figures){published, sizeof published};
}
