import Fuzzing
import TraceImport
import TraceModel

Fuzzing.run { bytes in
  guard var log = try? StepLogReader(BytesInMemory(bytes), name: "fuzz") else { return }
  var step = TraceStep()
  while let event = try? log.next(into: &step) { _ = event }
}
