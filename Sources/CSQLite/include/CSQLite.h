#include <sqlite3.h>
#include <stdint.h>

/// `SQLITE_TRANSIENT`, a cast of -1 that Swift does not import: SQLite copies the bytes at once.
static inline sqlite3_destructor_type reprise_sqlite_transient(void) {
  return (sqlite3_destructor_type)(intptr_t)-1;
}
