import Fuzzing
import Glibc
import TraceFile
import TraceModel

// Random bytes hardly ever get past checksums and compression. So an input that does not begin as a trace is taken as the contents of
// chunks, which are given right headers, frames, index and end mark: kind (1 byte), items (2), bytes of content (2), content; and so on.

// One file per process, because a trace is read by its path.
let path = "/dev/shm/reprise-fuzz-\(getpid()).reprise"
let repaired = "/dev/shm/reprise-fuzz-\(getpid())-repaired.reprise"
Fuzzing.run { input in
  let bytes = input.first == 0x89 ? input : AssembledTrace(contents: input).bytes
  let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
  let written = write(file, bytes, bytes.count)
  close(file)
  guard written == bytes.count else { return }
  _ = try? TraceVerification.verify(path: path)
  _ = try? TraceRepair.repair(path: path, to: repaired)
  guard let reader = try? TraceReader(path: path) else { return }
  _ = try? reader.totals()
  _ = try? reader.steps(from: reader.stepCount / 2)
}
