#include <stddef.h>
#include <stdint.h>

/// Runs libFuzzer on a function of bytes (compiler-rt, FuzzerInterface; linked by `-sanitize=fuzzer`).
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));
