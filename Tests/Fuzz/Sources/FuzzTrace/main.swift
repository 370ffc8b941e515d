import Fuzzing
import Glibc
import TraceFile
import TraceModel

// One file per process, because a trace is read by its path.
let path = "/dev/shm/reprise-fuzz-\(getpid()).reprise"
Fuzzing.run { bytes in
  let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
  let written = write(file, bytes, bytes.count)
  close(file)
  guard written == bytes.count, let reader = try? TraceReader(path: path) else { return }
  _ = try? reader.totals()
}
